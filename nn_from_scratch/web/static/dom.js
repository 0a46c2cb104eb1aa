// The few things that every module does with the document. Text is written only through textContent.

export const byId = (id) => document.getElementById(id);

/** A new element: make("p", { class: "note", "aria-hidden": true }, "text or elements", …). */
export function make(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...content);
  return element;
}

/** The size of the page's letters in pixels; when presenting, everything is larger. */
export const remSize = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

/** Write a text only if it changed, so that selections and screen readers are not disturbed. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
