// The browser's side of the cleaner: what needs somebody, filters, the photos, the bar to decide with, and beneath them
// the staged changes. Typing a label and the help lie above everything, also above a photo that is shown whole.

const LOOK_MS = 3_000; // how often a page that is seen asks whether another one changed something
const TYPING_MS = 200;
const MOST_NAMES = 8; // labels that are offered while somebody types one
const WIDE = 760;
const FILTERS = ["label", "side", "decision", "issue", "confidence", "disagrees", "text"];

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const typing = drawTyping(model, strings);
    const help = drawHelp(strings);
    const head = drawHead(model, strings, help);
    const kinds = drawKinds(model, strings);
    const filters = drawFilters(model, strings);
    const bar = drawBar(model, strings, typing);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const notice = make("p", { class: "fm-cleaner-notice", role: "status", hidden: true });
    const photos = make("div", { class: "fm-cleaner-photos" });
    const none = make("div", { class: "fm-cleaner-none fm-soft" }, make("p", { text: strings.none_shown }), makeButton(strings.clear_filters, () => clearFilters(model)));
    const changes = make("div", { class: "fm-cleaner-changes" });
    const empty = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), make("p", { class: "fm-soft", text: strings.empty }));
    const deciding = make("div", { class: "fm-cleaner-deciding" }, head.root, kinds.root, filters.root, notice, none, photos, bar.root, typing.root, help.root);
    const root = make("section", { class: "fm-cleaner", "aria-label": strings.region }, problem, empty, deciding, changes);
    el.classList.add("fm");
    el.append(root);

    const act = { decide: (what, to) => model.send({ kind: "decide", what, to }), send: (kind) => model.send({ kind }), type: typing.open, help: help.toggle };
    deciding.addEventListener("keydown", (event) => decideByKey(event, model, act));

    const update = () => {
      const state = model.get("state");
      showState(root, state);
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      notice.textContent = model.get("_notice");
      notice.hidden = !notice.textContent;
      empty.hidden = state !== "empty";
      deciding.hidden = state === "empty";
      none.hidden = model.get("_n_shown") > 0;
      for (const part of [head, kinds, filters, bar]) part.update();
    };
    drawSoon(model, ["state", "problem", ...FILTERS, "_classes", "_labels", "_kinds", "_headline", "_summary", "_check", "_notice", "_progress", "_n_only", "_n_shown", "_target"], update);
    update();
    const look = setInterval(() => { if (!document.hidden && el.isConnected) sendQuietly(model, { kind: "look" }); }, LOOK_MS);
    const [gallery, staged] = await Promise.all([host.getWidget(model.get("gallery")), host.getWidget(model.get("changes"))]);
    await Promise.all([gallery.render({ el: photos }), staged.render({ el: changes })]);
    photos.querySelector(".fm-whole-actions").append(drawActions(model, strings, typing));
    return () => clearInterval(look);
  },
};

// A page that is being left, or whose kernel has ended, cannot send any more, and nobody has asked for this.
function sendQuietly(model, message) {
  try {
    model.send(message);
  } catch {
    // the page says what has happened
  }
}

// Several traits change together; draw once.
function drawSoon(model, names, update) {
  let due = false;
  const soon = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => { due = false; update(); });
  };
  for (const name of names) model.on(`change:${name}`, soon);
}

function setTrait(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

// --- Keys -----------------------------------------------------------------------------------------------------

// What a key decides. Arrows, Home, End and space belong to the gallery.
function decideByKey(event, model, act) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, .fm-cleaner-over")) return;
  const onButton = event.target.closest("button, summary, a") && !event.target.closest(".fm-grid");
  if (onButton && event.key === "Enter") return;
  const label = /^\d$/.test(event.key) ? model.get("_labels")[(Number(event.key) + 9) % 10] : undefined;
  const actions = {
    Enter: () => act.decide("keep"), d: () => act.decide("delete"), u: () => act.decide("unsure"), a: () => act.decide("accept"),
    Backspace: () => act.send("take_back"), z: () => act.send("undo_decision"), "/": act.type, "?": act.help,
  };
  const action = label === undefined ? actions[event.key] : () => act.decide("relabel", label);
  if (!action || (event.repeat && event.key !== "z")) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

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

function drawHelp(strings) {
  const lines = [["Enter", "keep"], ["d", "delete"], ["1–9, 0", "digits"], ["/", "slash"], ["a", "accept"], ["u", "unsure"], ["z", "undo"], ["⌫", "back"], ["space", "space"], ["m", "map"], ["←→↑↓", "arrows"], ["⇧ arrows", "range"], ["Ctrl A", "all"], ["?", "help"]];
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

// --- The answer, and what is shown ----------------------------------------------------------------------------

function drawHead(model, strings, help) {
  const headline = make("h2", { class: "fm-cleaner-headline" });
  const summary = make("p", { class: "fm-soft" });
  const busy = drawBusy(model, strings);
  const check = makeButton(strings.check, () => model.send({ kind: "check" }), { title: strings.check_hint });
  const checked = make("p", { class: "fm-cleaner-audit" });
  const keys = makeButton("", help.toggle, { kind: "fm-quiet fm-cleaner-help" });
  keys.append(make("kbd", { text: "?", "aria-hidden": "true" }), make("span", { text: ` ${strings.keys}` }));
  const root = make("header", { class: "fm-cleaner-head" }, make("div", { role: "status" }, headline, summary, checked), busy.root, check, keys);
  const update = () => {
    headline.textContent = model.get("_headline");
    summary.textContent = model.get("_summary");
    summary.hidden = !summary.textContent;
    checked.textContent = model.get("_check");
    checked.hidden = !checked.textContent;
    busy.update();
  };
  return { root, update };
}

// Kinds of issues as chips: one is chosen, with how many photos are left of it.
function drawKinds(model, strings) {
  const root = make("div", { class: "fm-cleaner-kinds", role: "group", "aria-label": strings.issue });
  let drawn = "";
  const update = () => {
    const kinds = model.get("_kinds"), chosen = model.get("issue");
    root.hidden = !kinds.length;
    const now = JSON.stringify([kinds, chosen]);
    if (now === drawn) return;
    drawn = now;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.kind : null;
    const chip = (kind, text, n) => make("button", { type: "button", class: "fm-cleaner-kind", "data-kind": kind, "aria-pressed": String(kind === chosen), on: { click: () => setTrait(model, "issue", kind) } },
      make("span", { text }), n === undefined ? null : make("b", { text: n.toLocaleString() }));
    root.replaceChildren(chip("", strings.issue_all), chip("any", strings.issue_any), ...kinds.map(({ kind, n }) => chip(kind, strings[`issue_${kind}`], n)));
    if (focused !== null) root.querySelector(`[data-kind="${focused}"]`)?.focus();
  };
  return { root, update };
}

function drawFilters(model, strings) {
  const selects = [
    ["label", strings.class, () => [["", strings.all_classes], ...model.get("_classes").map((name) => [name, name])]],
    ["side", strings.side, () => ["all", "train", "valid"].map((name) => [name, name === "all" ? strings.all_sides : strings[name]])],
    ["decision", strings.decision, () => ["any", "open", "staged"].map((name) => [name, strings[name]])],
    ["confidence", strings.confidence, () => ["any", "high", "middle", "low"].map((name) => [name, strings[`confidence_${name}`]])],
  ].map(([name, label, options]) => drawSelect(model, name, label, options));
  const box = make("input", { type: "checkbox", on: { change: () => setTrait(model, "disagrees", box.checked) } });
  const text = make("input", { type: "search", class: "fm-select", placeholder: strings.text, "aria-label": strings.text, autocomplete: "off" });
  let typing = null;
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => setTrait(model, "text", text.value), TYPING_MS);
  });
  const onlyText = make("span");
  const only = make("p", { class: "fm-cleaner-only" }, onlyText, makeButton(strings.show_all, () => model.send({ kind: "show_all" }), { kind: "fm-quiet" }));
  const count = make("b", {});
  const summary = make("summary", {}, make("span", { text: strings.more_filters }), count);
  const fields = make("div", { class: "fm-cleaner-filters", role: "group", "aria-label": strings.filters }, ...selects.map((select) => select.root), text, make("label", { class: "fm-cleaner-check" }, box, make("span", { text: strings.disagrees })));
  const more = make("details", { class: "fm-cleaner-more", open: window.innerWidth > WIDE }, summary, fields);
  const update = () => {
    for (const select of selects) select.update();
    box.checked = model.get("disagrees");
    if (document.activeElement !== text) text.value = model.get("text");
    const n = model.get("_n_only");
    only.hidden = n === 0;
    onlyText.textContent = n === 1 ? strings.only_one : fill(strings.only, { n });
    const set = countFilters(model);
    count.hidden = set === 0;
    count.textContent = String(set);
  };
  return { root: make("div", {}, only, more), update };
}

const OPEN = { label: "", side: "all", decision: "any", confidence: "any", disagrees: false, text: "" };

function countFilters(model) { return Object.entries(OPEN).filter(([name, value]) => model.get(name) !== value).length; }

function clearFilters(model) {
  for (const [name, value] of Object.entries({ ...OPEN, issue: "" })) model.set(name, value);
  model.save_changes();
  if (model.get("_n_only")) model.send({ kind: "show_all" });
}

function drawSelect(model, name, label, options) {
  const root = make("select", { class: "fm-select", "aria-label": label, title: label, on: { change: () => setTrait(model, name, root.value) } });
  let drawn = "";
  const update = () => {
    const wanted = options(), now = JSON.stringify(wanted);
    if (now !== drawn) root.replaceChildren(...wanted.map(([value, text]) => make("option", { value, text })));
    drawn = now;
    root.value = model.get(name);
  };
  return { root, update };
}

// --- The bar to decide with -----------------------------------------------------------------------------------

function drawBar(model, strings, typing) {
  const target = make("div", { class: "fm-cleaner-target", role: "status" });
  const labels = drawLabels(model, strings, typing);
  const root = make("div", { class: "fm-cleaner-bar", role: "group", "aria-label": strings.decide }, target, drawButtons(model, strings), labels.root);
  const update = () => {
    const { title = "", detail = "", staged = "" } = model.get("_target");
    const words = [["b", "", title], ["span", "fm-soft", detail], ["span", "fm-cleaner-staged", staged]];
    target.replaceChildren(...words.filter(([, , text]) => text).map(([tag, kind, text]) => make(tag, { class: kind, text })));
    labels.update();
  };
  return { root, update };
}

function drawButtons(model, strings) {
  const send = (message) => () => model.send(message);
  const decide = (what, key, kind = "") => drawKeyButton(strings[what], key, send({ kind: "decide", what }), kind);
  const accept = decide("accept", "a");
  const update = () => accept.setAttribute("aria-disabled", String(!model.get("_has_suggestion"))); // not yet computed
  model.on("change:_has_suggestion", update);
  update();
  return make("div", { class: "fm-row fm-cleaner-buttons" },
    accept, decide("keep", "⏎"), decide("delete", "d", "fm-cleaner-delete"), decide("unsure", "u"),
    drawKeyButton(strings.undo_decision, "z", send({ kind: "undo_decision" }), "fm-quiet"), drawKeyButton(strings.take_back, "⌫", send({ kind: "take_back" }), "fm-quiet"));
}

function drawLabels(model, strings, typing) {
  const labels = make("div", { class: "fm-cleaner-labels" });
  const other = drawKeyButton(strings.other, "/", typing.open, "fm-quiet");
  const root = make("div", { class: "fm-cleaner-relabel" }, make("span", { class: "fm-soft", text: strings.relabel }), labels, other);
  let drawn = null;
  const update = () => {
    const known = model.get("_labels");
    if (drawn === known) return;
    drawn = known;
    labels.replaceChildren(...known.slice(0, 10).map((label, i) => drawKeyButton(label, String((i + 1) % 10), () => model.send({ kind: "decide", what: "relabel", to: label }), "fm-cleaner-label")));
  };
  return { root, update };
}

// The same beside a photo that is shown whole, for fingers.
function drawActions(model, strings, typing) {
  const labels = drawLabels(model, strings, typing);
  const staged = make("p", { class: "fm-cleaner-staged", role: "status" });
  const update = () => {
    labels.update();
    staged.textContent = model.get("_target").staged ?? "";
    staged.hidden = !staged.textContent;
  };
  for (const name of ["_labels", "_target"]) model.on(`change:${name}`, update);
  update();
  return make("div", { class: "fm-cleaner-actions" }, staged, drawButtons(model, strings), labels.root);
}

function drawKeyButton(label, key, onClick, kind = "") {
  return make("button", { type: "button", class: `fm-button ${kind}`, on: { click: onClick } }, make("span", { text: label }), make("kbd", { text: key, "aria-hidden": "true" }));
}

function drawBusy(model, strings) {
  const text = make("span", { class: "fm-soft" });
  const root = make("div", { class: "fm-row fm-cleaner-busy", role: "status" }, make("span", { class: "fm-results-pulse", "aria-hidden": "true" }), text, makeButton(strings.cancel, () => model.send({ kind: "cancel" }), { kind: "fm-quiet" }));
  const update = () => {
    root.hidden = model.get("state") !== "busy";
    text.textContent = model.get("_progress");
  };
  return { root, update };
}
