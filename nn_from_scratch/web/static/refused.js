// The error for a question or a command that was refused, by a server or by the worker.

export class Refused extends Error {}
