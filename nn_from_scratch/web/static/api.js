// Questions and commands to the server. It explains a refusal in one sentence; that sentence becomes the Error's message.

export class Refused extends Error {}

async function answer(response) {
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(found.error ?? `the server answered ${response.status} ${response.statusText}`);
  return found;
}

export async function get(path) {
  return answer(await fetch(path, { cache: "no-store" }));
}

export async function post(path, body = {}) {
  const text = body instanceof Blob ? body : JSON.stringify(body);
  return answer(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: text }));
}
