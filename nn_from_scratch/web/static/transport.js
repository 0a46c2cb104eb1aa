// The way between the page and its trainer: HTTP, where a server trains, or messages to a worker, where the page itself
// does. Which of them, the page says in its first line. Either has ask, watch, whyLost and comesBack.

import { ServerTransport } from "./server_transport.js";
import { WorkerTransport } from "./worker_transport.js";

export const transport =
  document.documentElement.dataset.mode === "static" ? new WorkerTransport() : new ServerTransport();
