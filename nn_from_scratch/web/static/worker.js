// The page's own Python: a worker that loads Pyodide, NumPy and this package, makes the page of in_browser.py, and calls
// it, slice by slice. Messages that arrive meanwhile are answered between two slices. The results go to the page, and
// nowhere else.

const ROOT = new URL("../", import.meta.url);
const [PACKAGE, DATA] = ["/nn_from_scratch", "/chosen"]; // directories of Python's
const AGAIN = "Reload the page to try again.";
const WHOLE = "Was the whole folder uploaded, as --static wrote it?";

const plainFetch = self.fetch.bind(self);

class NotThere extends Error {}
class NotAllowed extends Error {}

/** How far the start has come: one half counts the bytes that have arrived, the other half the finished stages. */
class Start {
  #stage = "";
  #steps = 0;
  #arrived = 0;
  #expected = Infinity;
  #fail;
  failed = new Promise((_, reject) => (this.#fail = reject));

  expect(bytes) {
    this.#expected = bytes;
  }

  stage(name) {
    this.#stage = name;
    this.#steps += 1;
    this.#tell();
  }

  /** Fetch a file of the folder, and count its bytes as they come. */
  fetch = async (address, options) => {
    const where = String(address).replace(ROOT.href, "");
    const response = await plainFetch(address, options).catch((problem) => this.#notThere(where, problem.message));
    if (!response.ok) this.#notThere(where, `the host answered ${response.status}`);
    const count = (chunk, controller) => {
      this.#arrived += chunk.length;
      this.#tell();
      controller.enqueue(chunk);
    };
    const { readable, writable } = new TransformStream({ transform: count });
    response.body.pipeTo(writable).catch((problem) => this.#notThere(where, problem.message)).catch(() => {});
    // A host may send the wrong type, and a browser compiles WebAssembly while it arrives only if the type is right.
    const headers = where.endsWith(".wasm") ? { "Content-Type": "application/wasm" } : {};
    return new Response(readable, { headers });
  };

  /** Pyodide waits for ever for a file that can't be loaded. So whoever waits for Pyodide also waits for this failure. */
  #notThere(where, why) {
    const problem = new NotThere(`${where} can't be loaded: ${why}. ${WHOLE} ${AGAIN}`);
    this.#fail(problem);
    throw problem;
  }

  async bytes({ path, integrity }) {
    const response = await this.fetch(new URL(path, ROOT), { integrity });
    return new Uint8Array(await response.arrayBuffer());
  }

  #tell() {
    const share = 0.5 * Math.min(1, this.#arrived / this.#expected) + (0.5 * (this.#steps - 1)) / 4;
    postMessage({ kind: "starting", stage: this.#stage, share });
  }

  /** What to tell the visitor if the start fails. */
  reason(problem) {
    const text = String(problem?.message ?? problem);
    if (problem instanceof NotThere || problem instanceof NotAllowed) return text;
    return `It stopped at “${this.#stage}”: ${text.trim().split("\n").at(-1)}. ${AGAIN}`;
  }
}

/** Find out at once, and say so: otherwise Pyodide would just never be ready. */
function checkWebAssembly() {
  if (typeof WebAssembly !== "object") {
    throw new NotAllowed(
      "WebAssembly is switched off in this browser, but Python needs it here. Allow it for this page, or use another browser.",
    );
  }
  try {
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); // the shortest there is
  } catch {
    throw new NotAllowed(
      "This host's own Content-Security-Policy forbids WebAssembly, but Python needs it here. " +
        "It has to allow script-src 'self' 'wasm-unsafe-eval'.",
    );
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function startPage() {
  const start = new Start();
  start.failed.catch(() => {}); // it is reported below
  try {
    start.stage("loading Python …");
    checkWebAssembly();
    const site = await (await start.fetch(new URL("site.json", ROOT), { cache: "no-cache" })).json();
    start.expect(site.runtime_bytes + site.numpy.bytes + site.package.bytes);
    start.stage(`loading Python (${megabytes(site.runtime_bytes)}) …`);
    const [numpy, code] = [start.bytes(site.numpy), start.bytes(site.package)];
    for (const promise of [numpy, code]) promise.catch(() => {}); // it is reported when it is awaited
    const { loadPyodide } = await import(new URL("pyodide/pyodide.mjs", ROOT));
    const python = await withFetch(start.fetch, () =>
      Promise.race([loadPyodide({ indexURL: new URL("pyodide/", ROOT).href }), start.failed]),
    );
    start.stage(`loading NumPy (${megabytes(site.numpy.bytes)}) …`);
    python.unpackArchive(await numpy, "wheel");
    python.pyimport("numpy").destroy();
    start.stage("loading this package …");
    python.unpackArchive(await code, "zip", { extractDir: PACKAGE });
    python.pyimport("sys").path.insert(0, PACKAGE);
    const { Page } = python.pyimport("nn_from_scratch.web.in_browser");
    start.stage("building the network …");
    const page = Page((name, text) => postMessage({ kind: "event", name, text }), site.start.preset, site.start.seed);
    postMessage({ kind: "open" });
    return { python, page };
  } catch (problem) {
    console.error(problem);
    postMessage({ kind: "failed", text: start.reason(problem) });
    throw problem;
  }
}

/** Pyodide uses whatever function is called fetch. */
async function withFetch(other, work) {
  self.fetch = other;
  try {
    return await work();
  } finally {
    self.fetch = plainFetch;
  }
}

// ---- answers, and slices of training in between ----

// Failures in a call of Python that Python itself doesn't turn into an answer, such as a lack of memory.
self.addEventListener("unhandledrejection", ({ reason }) => {
  const last = String(reason?.message ?? reason).trim().split("\n").at(-1);
  postMessage({ kind: "failed", text: `Python has stopped: ${last}. Reload the page to start again.` });
});

const started = startPage();
started.catch(() => {});
const turn = new MessageChannel(); // to be called again after the messages that have arrived; setTimeout(0) would wait 4 ms
let timer = null;
let waiting = false; // for our own turn

self.addEventListener("message", async ({ data }) => {
  const { python, page } = await started;
  const [kind, text] = unpacked(data.kind === "data" ? takeData(python, page, data.files) : page.answer(data.method, data.path, data.body ?? ""));
  postMessage({ kind, text, number: data.number });
  goOn(page.wait);
});

turn.port1.onmessage = async () => {
  const { page } = await started;
  waiting = false;
  goOn(page.work());
};

/** Plan the next slice in `wait` seconds; undefined: not before somebody asks. */
function goOn(wait) {
  clearTimeout(timer);
  if (wait === undefined || waiting) return;
  const next = () => {
    waiting = true;
    turn.port2.postMessage(null);
  };
  if (wait > 0) timer = setTimeout(next, 1000 * wait);
  else next();
}

function takeData(python, page, files) {
  python.FS.mkdirTree(DATA);
  for (const { name, bytes } of files) python.FS.writeFile(`${DATA}/${name.replaceAll("/", "_")}`, new Uint8Array(bytes));
  return page.take_data(DATA);
}

function unpacked(tuple) {
  try {
    return tuple.toJs();
  } finally {
    tuple.destroy();
  }
}
