// What a question or a command that can't be answered comes to, over whatever way it went.

export class Refused extends Error {}
