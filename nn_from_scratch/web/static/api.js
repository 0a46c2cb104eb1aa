// Questions and commands to the trainer. The trainer explains a refusal in one sentence, the message of a Refused.

import { transport } from "./transport.js";

export { Refused } from "./refused.js";

export const get = (path) => transport.ask("GET", path);

export async function post(path, body = {}) {
  return transport.ask("POST", path, body instanceof Blob ? body : JSON.stringify(body));
}
