// What this page may do. A page that can only watch says so in a line, and hides the controls that would be refused. A
// page on the machine itself can show the address for the others, also as a QR code.

import { byId, make, write } from "./dom.js";

export class Access {
  constructor(state) {
    this.state = state;
    this.line = make("p", { class: "onlooker", id: "onlooker", hidden: true });
    document.querySelector(".notices").append(this.line);
    this.button = make("button", { class: "quiet", id: "qr", type: "button", hidden: true, title: "The address of this page for everybody in the network, to scan or to type" }, "QR code");
    byId("present").before(this.button);
    this.button.addEventListener("click", () => this.#show(0));
  }

  draw() {
    const { access, settings } = this.state;
    if (!access) return;
    write(this.line, `You are watching; the presenter controls the training.${settings?.pad ? ` Draw ${settings.noun.a} of your own to see the network's answer.` : ""}`);
    const looksOn = !access.steers;
    document.body.dataset.access = looksOn ? "looks-on" : "steers";
    this.line.hidden = !looksOn;
    this.button.hidden = !access.addresses.length;
  }

  #show(number) {
    const { addresses, qr } = this.state.access;
    this.dialog ??= this.#makeDialog();
    const picture = qr && make("img", { src: `/api/qr?address=${number}`, alt: `QR code of ${addresses[number]}` });
    const others = addresses.length > 1 ? addresses.map((address, i) => this.#choice(address, i, i === number)) : [];
    this.dialog.querySelector(".qr-picture").replaceChildren(...(picture ? [picture] : []));
    const shown = this.dialog.querySelector(".qr-address");
    shown.style.setProperty("--letters", String(addresses[number].length));
    write(shown, addresses[number]);
    this.dialog.querySelector(".qr-others").replaceChildren(...others);
    if (!this.dialog.open) this.dialog.showModal();
  }

  #choice(address, number, chosen) {
    const button = make("button", { type: "button", class: "quiet", "aria-pressed": String(chosen) }, address);
    button.addEventListener("click", () => this.#show(number));
    return button;
  }

  #makeDialog() {
    const close = make("button", { type: "button", class: "quiet", "aria-label": "Close the QR code" }, "×");
    const dialog = make(
      "dialog",
      { id: "qr-dialog", class: "qr", "aria-labelledby": "qr-address" },
      make("header", {}, make("p", { class: "qr-address", id: "qr-address" }), close),
      make("div", { class: "qr-picture" }),
      make("div", { class: "qr-others row", role: "group", "aria-label": "Other addresses of this page" }),
    );
    close.addEventListener("click", () => dialog.close());
    document.body.append(dialog);
    return dialog;
  }
}
