// What lies above everything while somebody decides: the help, and typing a label. Part of the cleaner and of the labeller; it
// exports nothing.

const MOST_NAMES = 8; // labels that are offered while somebody types one

// Something that lies above everything; Escape closes it, and the focus goes back where it was.
function drawOver(label, ...children) {
  const root = make("div", { class: "fm-cleaner-over fm-card", role: "dialog", "aria-modal": "true", "aria-label": label, tabindex: "-1", popover: "manual" }, ...children);
  const shade = make("div", { class: "fm-cleaner-shade", popover: "manual", "aria-hidden": "true", on: { click: () => close() } });
  let from = null;
  const around = () => [...place.parentElement.children].filter((other) => other !== place);
  const isOpen = () => root.matches(":popover-open");
  const open = () => {
    if (isOpen()) return;
    from = document.activeElement;
    for (const other of around()) other.inert = true; // nobody can come to what lies beneath
    shade.showPopover();
    root.showPopover();
    root.focus();
  };
  const close = () => {
    if (!isOpen()) return;
    root.hidePopover();
    shade.hidePopover();
    for (const other of around()) other.inert = false;
    from?.focus();
  };
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Tab") keepInside(event, root);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const place = make("div", {}, shade, root);
  return { root: place, over: root, open, close, isOpen };
}

function keepInside(event, root) {
  const stops = [...root.querySelectorAll("input, button:enabled")];
  const next = stops.indexOf(document.activeElement) + (event.shiftKey ? -1 : 1);
  stops.at(next % stops.length)?.focus();
}

// The keys, by name, and what each does.
function drawHelp(strings, lines) {
  const list = make("dl", { class: "fm-cleaner-keys" }, ...lines.map(([key, what]) => make("div", {}, make("dt", {}, make("kbd", { text: key })), make("dd", { text: strings[`key_${what}`] }))));
  const close = makeButton(strings.close, () => help.close());
  const help = drawOver(strings.keys, make("h2", { text: strings.keys }), list, make("div", { class: "fm-row" }, close));
  help.over.addEventListener("keydown", (event) => {
    if (event.key !== "?") return;
    event.stopPropagation();
    help.close();
  });
  return { root: help.root, toggle: () => (help.isOpen() ? help.close() : help.open()) };
}

// Typing a label: a known one is offered as soon as it can be meant, and a new one can be made.
function drawTyping(model, strings) {
  const id = `fm-labels-${Math.random().toString(36).slice(2)}`;
  const input = make("input", { class: "fm-select", role: "combobox", "aria-expanded": "true", "aria-controls": id, "aria-autocomplete": "list", "aria-label": strings.other, placeholder: strings.other, autocomplete: "off", maxlength: 200 });
  const list = make("ul", { id, role: "listbox", "aria-label": strings.labels, class: "fm-cleaner-names" });
  const typing = drawOver(strings.relabel_title, make("h2", { text: strings.relabel_title }), input, list);
  let names = [], at = 0;
  const choose = (label) => {
    typing.close();
    if (label.trim()) model.send({ kind: "decide", what: "relabel", to: label });
  };
  const show = () => {
    const text = input.value.trim(), folded = text.toLocaleLowerCase();
    const known = model.get("_labels");
    const fits = (test) => known.filter((label) => test(label.toLocaleLowerCase()));
    names = [...new Set([...fits((label) => label.startsWith(folded)), ...fits((label) => label.includes(folded))])].slice(0, MOST_NAMES);
    if (text && !known.includes(text)) names.push(text);
    at = Math.min(at, Math.max(0, names.length - 1));
    list.replaceChildren(...names.map((label, i) => make("li", { id: `${id}-${i}`, role: "option", "aria-selected": String(i === at), on: { click: () => choose(label) } },
      make("bdi", { text: label }), known.includes(label) ? null : make("span", { class: "fm-soft fm-small", text: strings.new_label }))));
    setAttribute(input, "aria-activedescendant", names.length ? `${id}-${at}` : null);
  };
  input.addEventListener("input", () => { at = 0; show(); });
  input.addEventListener("keydown", (event) => {
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (event.isComposing) return;
    if (event.key === "Enter") choose(names[at] ?? "");
    else if (event.key in moves && names.length) { at = (at + moves[event.key] + names.length) % names.length; show(); } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const open = () => {
    typing.open();
    input.value = "";
    at = 0;
    show();
    input.focus();
  };
  return { root: typing.root, open };
}
