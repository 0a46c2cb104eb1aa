// The page's own Python: a worker that loads Pyodide, NumPy and this package, makes the page of in_browser.py, and calls
// it, slice by slice. What arrives meanwhile is answered between two slices. Nothing of what is computed leaves here but
// to the page.

const ROOT = new URL("../", import.meta.url);
const [PACKAGE, DATA] = ["/nn_from_scratch", "/chosen"]; // directories of Python's
const AGAIN = "Reload the page to try again.";
const WHOLE = "Was the whole folder uploaded, as --static wrote it?";

const plainFetch = self.fetch.bind(self);

class NotThere extends Error {}
class NotAllowed extends Error {}

/** How far the start has come: half of it by the bytes that have arrived, the rest by what is done with them. */
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
    // A host may have the wrong type for what it doesn't know, and WebAssembly is compiled on its way only by its own.
    const headers = where.endsWith(".wasm") ? { "Content-Type": "application/wasm" } : {};
    return new Response(readable, { headers });
  };

  /** Pyodide itself waits for ever where a file can't be had: so whoever waits for Pyodide waits for this, too. */
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

  /** What to tell the visitor when it comes to nothing. */
  reason(problem) {
    const text = String(problem?.message ?? problem);
    if (problem instanceof NotThere || problem instanceof NotAllowed) return text;
    return `It stopped at “${this.#stage}”: ${text.trim().split("\n").at(-1)}. ${AGAIN}`;
  }
}

/** Find out at once, in words: Pyodide would only never be ready. */
function checkWebAssembly() {
  if (typeof WebAssembly !== "object") {
    throw new NotAllowed(
      "This browser has WebAssembly switched off, and Python needs it here. Allow it for this page, or use another browser.",
    );
  }
  try {
    new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); // the shortest there is
  } catch {
    throw new NotAllowed(
      "This host's own Content-Security-Policy forbids WebAssembly, and Python needs it here. " +
        "It has to allow script-src 'self' 'wasm-unsafe-eval'.",
    );
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

async function startPage() {
  const start = new Start();
  start.failed.catch(() => {}); // it is told below
  try {
    start.stage("loading Python …");
    checkWebAssembly();
    const site = await (await start.fetch(new URL("site.json", ROOT), { cache: "no-cache" })).json();
    start.expect(site.runtime_bytes + site.numpy.bytes + site.package.bytes);
    start.stage(`loading Python (${megabytes(site.runtime_bytes)}) …`);
    const [numpy, code] = [start.bytes(site.numpy), start.bytes(site.package)];
    for (const promise of [numpy, code]) promise.catch(() => {}); // it is told when it is waited for
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

/** Pyodide fetches with whatever is called fetch. */
async function withFetch(other, work) {
  self.fetch = other;
  try {
    return await work();
  } finally {
    self.fetch = plainFetch;
  }
}

// ---- answers, and slices of training in between ----

// Whatever goes wrong in a call of Python that Python itself doesn't take for an answer, such as the end of its memory.
self.addEventListener("unhandledrejection", ({ reason }) => {
  const last = String(reason?.message ?? reason).trim().split("\n").at(-1);
  postMessage({ kind: "failed", text: `Python has stopped: ${last}. Reload the page to start again.` });
});

const started = startPage();
started.catch(() => {});
const turn = new MessageChannel(); // to be called again after what has arrived; setTimeout(0) would wait 4 ms
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

/** Have the next slice in so many seconds; undefined: when somebody asks. */
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
