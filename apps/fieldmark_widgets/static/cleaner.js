// The browser's side of the cleaner: filters, the bar to decide with, the photos, and the staged changes beneath.

const LOOK_MS = 3_000; // how often a page that is seen asks whether another one changed something
const TYPING_MS = 200;

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const filters = drawFilters(model, strings);
    const bar = drawBar(model, strings, () => focusPhotos());
    const keys = drawKeys(strings);
    const busy = drawBusy(model, strings);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const notice = make("p", { class: "fm-cleaner-notice", role: "status", hidden: true });
    const summary = make("p", { class: "fm-soft", role: "status" });
    const photos = make("div", { class: "fm-cleaner-photos" });
    const none = make("p", { class: "fm-cleaner-none fm-soft", text: strings.none_shown });
    const changes = make("div", { class: "fm-cleaner-changes" });
    const empty = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), make("p", { class: "fm-soft", text: strings.empty }));
    const deciding = make("div", { class: "fm-cleaner-deciding" }, filters.root, make("div", { class: "fm-cleaner-summary" }, summary, busy.root, keys.toggle), keys.root, notice, none, photos, bar.root);
    const root = make("section", { class: "fm-cleaner", "aria-label": strings.region }, problem, empty, deciding, changes);
    el.classList.add("fm");
    el.append(root);

    const focusPhotos = () => photos.querySelector('[tabindex="0"]')?.focus();
    const act = { decide: (what, to) => model.send({ kind: "decide", what, to }), send: (kind) => model.send({ kind }), type: bar.type, help: keys.show };
    deciding.addEventListener("keydown", (event) => decideByKey(event, model, act));

    const update = () => {
      const state = model.get("state");
      showState(root, state);
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      notice.textContent = model.get("_notice");
      notice.hidden = !notice.textContent;
      summary.textContent = model.get("_summary");
      empty.hidden = state !== "empty";
      deciding.hidden = state === "empty";
      none.hidden = model.get("_n_shown") > 0;
      for (const part of [filters, bar, busy]) part.update();
    };
    drawSoon(model, ["state", "problem", "label", "side", "decision", "disagrees", "text", "_classes", "_labels", "_summary", "_notice", "_progress", "_n_only", "_n_shown", "_target"], update);
    update();
    const look = setInterval(() => { if (!document.hidden && el.isConnected) model.send({ kind: "look" }); }, LOOK_MS);
    const [gallery, staged] = await Promise.all([host.getWidget(model.get("gallery")), host.getWidget(model.get("changes"))]);
    await Promise.all([gallery.render({ el: photos }), staged.render({ el: changes })]);
    return () => clearInterval(look);
  },
};

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
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const onButton = event.target.closest("button, summary") && !event.target.closest(".fm-cleaner-photos");
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

function drawKeys(strings) {
  const lines = [["Enter", "keep"], ["d", "delete"], ["1–9, 0", "digits"], ["/", "slash"], ["a", "accept"], ["u", "unsure"], ["⌫", "back"], ["z", "undo"], ["space", "space"], ["←→↑↓", "arrows"], ["?", "help"]];
  const list = make("dl", { class: "fm-cleaner-keys" }, ...lines.map(([key, what]) => make("div", {}, make("dt", {}, make("kbd", { text: key })), make("dd", { text: strings[`key_${what}`] }))));
  const root = make("div", { class: "fm-card", hidden: true }, list);
  const show = () => {
    root.hidden = !root.hidden;
    setAttribute(toggle, "aria-expanded", String(!root.hidden));
  };
  const toggle = makeButton("", show, { kind: "fm-quiet", "aria-expanded": "false" });
  toggle.append(make("kbd", { text: "?" }), make("span", { text: ` ${strings.keys}` }));
  return { root, toggle, show };
}

// --- Filters --------------------------------------------------------------------------------------------------

function drawFilters(model, strings) {
  const label = drawSelect(model, "label", strings.class);
  const side = drawSelect(model, "side", strings.side);
  const decision = drawSelect(model, "decision", strings.decision);
  const box = make("input", { type: "checkbox", on: { change: () => setTrait(model, "disagrees", box.checked) } });
  const text = make("input", { type: "search", class: "fm-select", placeholder: strings.text, "aria-label": strings.text, autocomplete: "off" });
  let typing = null;
  text.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => setTrait(model, "text", text.value), TYPING_MS);
  });
  const onlyText = make("span");
  const only = make("p", { class: "fm-cleaner-only" }, onlyText, makeButton(strings.show_all, () => model.send({ kind: "show_all" }), { kind: "fm-quiet" }));
  const root = make("div", { class: "fm-cleaner-filters", role: "group", "aria-label": strings.filters },
    label.root, side.root, decision.root, text, make("label", { class: "fm-cleaner-check" }, box, make("span", { text: strings.disagrees })), only);
  const update = () => {
    label.update([["", strings.all_classes], ...model.get("_classes").map((name) => [name, name])]);
    side.update(["all", "train", "valid"].map((name) => [name, name === "all" ? strings.all_sides : strings[name]]));
    decision.update(["any", "open", "staged"].map((name) => [name, strings[name]]));
    box.checked = model.get("disagrees");
    if (document.activeElement !== text) text.value = model.get("text");
    const n = model.get("_n_only");
    only.hidden = n === 0;
    onlyText.textContent = n === 1 ? strings.only_one : fill(strings.only, { n });
  };
  return { root, update };
}

function drawSelect(model, name, label) {
  const root = make("select", { class: "fm-select", "aria-label": label, title: label, on: { change: () => setTrait(model, name, root.value) } });
  let drawn = "";
  const update = (options) => {
    const now = JSON.stringify(options);
    if (now !== drawn) root.replaceChildren(...options.map(([value, text]) => make("option", { value, text })));
    drawn = now;
    root.value = model.get(name);
  };
  return { root, update };
}

// --- The bar to decide with -----------------------------------------------------------------------------------

function drawBar(model, strings, focusPhotos) {
  const send = (message) => () => model.send(message);
  const target = make("div", { class: "fm-cleaner-target", role: "status" });
  const decide = (what, key, kind = "") => drawKeyButton(strings[what], key, send({ kind: "decide", what }), kind);
  const buttons = make("div", { class: "fm-row fm-cleaner-buttons" },
    decide("keep", "⏎"), decide("delete", "d", "fm-cleaner-delete"), decide("unsure", "u"), decide("accept", "a"),
    drawKeyButton(strings.take_back, "⌫", send({ kind: "take_back" }), "fm-quiet"), drawKeyButton(strings.undo_decision, "z", send({ kind: "undo_decision" }), "fm-quiet"));
  const labels = make("div", { class: "fm-cleaner-labels" });
  const names = make("datalist", { id: `fm-labels-${Math.random().toString(36).slice(2)}` });
  const input = make("input", { class: "fm-select", list: names.id, placeholder: strings.other, "aria-label": strings.other, autocomplete: "off", maxlength: 200 });
  const typed = make("form", { class: "fm-cleaner-typed" }, make("kbd", { text: "/" }), input, names, make("button", { class: "fm-button", text: strings.other_go }));
  typed.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    model.send({ kind: "decide", what: "relabel", to: input.value });
    input.value = "";
    focusPhotos();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    input.value = "";
    focusPhotos();
  });
  const root = make("div", { class: "fm-cleaner-bar", role: "group", "aria-label": strings.decide }, target, buttons, make("div", { class: "fm-cleaner-relabel" }, make("span", { class: "fm-soft", text: strings.relabel }), labels, typed));
  input.addEventListener("blur", () => { typed.parentElement.scrollLeft = 0; }); // on a phone it had scrolled there
  let drawn = null;
  const update = () => {
    const { title = "", detail = "", staged = "" } = model.get("_target");
    const words = [["b", "", title], ["span", "fm-soft", detail], ["span", "fm-cleaner-staged", staged]];
    target.replaceChildren(...words.filter(([, , text]) => text).map(([tag, kind, text]) => make(tag, { class: kind, text })));
    const known = model.get("_labels");
    if (drawn === known) return;
    drawn = known;
    labels.replaceChildren(...known.slice(0, 10).map((label, i) => drawKeyButton(label, String((i + 1) % 10), send({ kind: "decide", what: "relabel", to: label }), "fm-cleaner-label")));
    names.replaceChildren(...known.map((value) => make("option", { value })));
  };
  return { root, update, type: () => input.focus() };
}

function drawKeyButton(label, key, onClick, kind = "") {
  return make("button", { type: "button", class: `fm-button ${kind}`, on: { click: onClick } }, make("span", { text: label }), make("kbd", { text: key, "aria-hidden": "true" }));
}

function drawBusy(model, strings) {
  const text = make("span", { class: "fm-soft" });
  const root = make("span", { class: "fm-row", role: "status" }, make("span", { class: "fm-results-pulse", "aria-hidden": "true" }), text, makeButton(strings.cancel, () => model.send({ kind: "cancel" }), { kind: "fm-quiet" }));
  const update = () => {
    root.hidden = model.get("state") !== "busy";
    text.textContent = model.get("_progress");
  };
  return { root, update };
}
