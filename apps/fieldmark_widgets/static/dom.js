// Small helpers of every component. Whatever a visitor or a model says is set as text or as an attribute:
// nothing here, and nothing in the components, parses HTML.

// Makes an element: `text` is its text, `on` its listeners, everything else an attribute (null leaves it out).
function make(tag, { text, on = {}, ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  if (text !== undefined) element.textContent = text;
  element.append(...children.filter((child) => child !== null));
  return element;
}

function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}

function makeButton(label, onClick, { kind = "", ...attributes } = {}) {
  return make("button", { type: "button", class: `fm-button ${kind}`, text: label, on: { click: onClick }, ...attributes });
}

// A button that shows only a sign; its name is for screen readers and on hover.
function makeIconButton(sign, label, onClick, kind = "") {
  const attributes = { type: "button", class: `fm-icon-button ${kind}`, "aria-label": label, title: label };
  return make("button", { ...attributes, on: { click: onClick } }, makeIcon(sign));
}

// A sentence, or nothing where there is none.
function showText(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

// Fills the names in braces of a sentence.
function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

// The signs, drawn on 24 × 24. Each verdict has a shape of its own, so that colour is never all that tells.
const ICONS = {
  familiar: "M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 1 0 0-19z M7.5 12.3l3.1 3.1l5.9-6.3",
  clear: "M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 1 0 0-19z M7.5 12.3l3.1 3.1l5.9-6.3",
  unsure: "M12 1.8l10.2 10.2l-10.2 10.2l-10.2-10.2z M9.6 9.6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.8-1.2 1.7 M12 16.4v.1",
  unfamiliar: "M12 3l10 17.5h-20z M12 9.5v5 M12 17.4v.1",
  failed: "M4 4h16v16h-16z M8.7 8.7l6.6 6.6 M15.3 8.7l-6.6 6.6",
  photo: "M4 5h16a1.5 1.5 0 0 1 1.5 1.5v11a1.5 1.5 0 0 1-1.5 1.5h-16a1.5 1.5 0 0 1-1.5-1.5v-11a1.5 1.5 0 0 1 1.5-1.5z M3 16.5l5.2-5.2l4.3 4.3l3-3l5.5 5.5 M16 9.2v.1",
  previous: "M15 4.5l-7.5 7.5l7.5 7.5",
  next: "M9 4.5l7.5 7.5l-7.5 7.5",
  close: "M6 6l12 12 M18 6l-12 12",
};

function makeIcon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.photo);
  svg.append(path);
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "fm-icon", "aria-hidden": "true" })) svg.setAttribute(key, value);
  return svg;
}

// Makes an image's address from bytes of the kernel, which are always encoded there.
function makeImageUrl(bytes, type) {
  return URL.createObjectURL(new Blob([bytes], { type }));
}

// Shows the state as a class, for the style sheet and for tests to wait on.
function showState(root, state) {
  for (const name of ["empty", "busy", "ready", "failed"]) root.classList.toggle(`is-${name}`, name === state);
}
