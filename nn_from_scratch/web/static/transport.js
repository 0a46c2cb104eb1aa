// The way between the page and its trainer: HTTP if a server trains, or messages to a worker if the page itself does.
// The first line of the page says which. Both have ask, watch, whyLost and comesBack.

import { ServerTransport } from "./server_transport.js";
import { WorkerTransport } from "./worker_transport.js";

export const transport =
  document.documentElement.dataset.mode === "static" ? new WorkerTransport() : new ServerTransport();
