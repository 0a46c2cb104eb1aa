// What only the page without a server does: it shows how Python starts, saves the weights as a file, and takes MNIST
// from the visitor's files, or from a mirror if the visitor asks for it.

import { clear, refuse } from "./commands.js";
import { byId, make, write } from "./dom.js";
import { Refused } from "./refused.js";
import { transport } from "./transport.js";

const ROOT = new URL("../", import.meta.url);

function showStart() {
  byId("starting-help").hidden = true; // this is a module, and it was loaded
  transport.addEventListener("starting", ({ detail }) => {
    write(byId("starting-stage"), detail.stage);
    byId("starting-progress").value = 100 * detail.share;
  });
  // Meanwhile there is no network to change. A drawing waits for its answer.
  const controls = "#editor, #training, #new-network, .weights, .own-data, .stagebar, .collection";
  const setInert = (inert) => document.querySelectorAll(controls).forEach((element) => (element.inert = inert));
  setInert(true);
  new MutationObserver(() => {
    const { connection } = document.body.dataset; // connection.js writes it
    byId("starting").hidden = connection !== "connecting";
    setInert(connection !== "open");
  }).observe(document.body, { attributeFilter: ["data-connection"] });
}

function saveWeights() {
  const link = byId("download");
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      save(new Blob([await transport.ask("GET", "/api/weights")], { type: "application/json" }), link.download);
    } catch (problem) {
      refuse("weights", problem.message);
    }
  });
}

function save(content, name) {
  const address = URL.createObjectURL(content);
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // a browser may ask the visitor first where to put it
}

// ---- MNIST ----

class OwnData {
  constructor() {
    this.choose = make("button", { type: "button", id: "choose-data" }, "Choose MNIST …");
    this.download = make("button", { type: "button", id: "download-data" }, "Download it");
    this.input = make("input", { type: "file", id: "data-files", multiple: true, hidden: true, "aria-label": "Files of MNIST" });
    this.said = make("p", { id: "data-said", class: "footnote", role: "status" });
    write(this.said, "Choose the four .gz files of MNIST, or Keras's mnist.npz, on this machine, or download 12 MB from a mirror.");
    const row = make("div", { class: "row" }, this.choose, this.download, this.input);
    const refusal = make("p", { class: "refusal", role: "alert", "data-refusal": "data", hidden: true });
    byId("data").after(make("div", { class: "own-data" }, row, this.said, refusal));
    this.choose.addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => this.#chosen());
    this.download.addEventListener("click", () => this.#downloaded());
  }

  async #chosen() {
    const files = Array.from(this.input.files);
    this.input.value = ""; // so that the same files can be chosen again
    if (!files.length) return;
    await this.#learnFrom(Promise.all(files.map(async (file) => ({ name: file.name, bytes: await file.arrayBuffer() }))));
  }

  async #downloaded() {
    const { mnist } = await (await fetch(new URL("site.json", ROOT))).json();
    await this.#learnFrom(this.#fetched(mnist), () => this.#adviseOn(mnist));
  }

  /** The files of the first mirror that gives them all. */
  async #fetched({ mirrors, files }) {
    for (const mirror of mirrors) {
      write(this.said, `downloading 12 MB from ${mirror} …`);
      try {
        return await Promise.all(Object.keys(files).map(async (name) => ({ name, bytes: await bytesAt(mirror + name) })));
      } catch {
        // the next one may
      }
    }
    throw new Error("no mirror");
  }

  async #learnFrom(files, advise) {
    this.choose.disabled = this.download.disabled = true;
    clear("data");
    try {
      const found = await files;
      write(this.said, "reading the images …");
      const { state } = await transport.takeData(found);
      write(this.said, `The network now learns from ${state.data.name}. None of these images has left this machine.`);
    } catch (problem) {
      if (advise && !(problem instanceof Refused)) advise();
      else {
        write(this.said, "The network still learns from the images that it had.");
        refuse("data", problem.message);
      }
    }
    this.choose.disabled = this.download.disabled = false;
  }

  #adviseOn({ mirrors, files }) {
    const links = Object.keys(files).map((name) => make("a", { href: mirrors[0] + name, rel: "noreferrer" }, name));
    this.said.replaceChildren(
      "The mirrors can't be reached, or don't let other pages read their files. Save these files yourself, then choose them: ",
      ...links.flatMap((link) => [link, " "]),
    );
  }
}

async function bytesAt(address) {
  const response = await fetch(address, { referrerPolicy: "no-referrer", credentials: "omit" });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.arrayBuffer();
}

new OwnData();
saveWeights();
showStart();
