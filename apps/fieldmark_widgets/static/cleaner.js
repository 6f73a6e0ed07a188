// The browser's side of the cleaner: kinds of issues and filters choose photos.

const TYPING_MS = 200;
const WIDE = 760, TALL = 800; // with less, filters would stand where the photos are
const HELP = [["Enter", "keep"], ["d", "delete"], ["1–9, 0", "digits"], ["/", "slash"], ["a", "accept"], ["u", "unsure"], ["z", "undo"], ["⌫", "back"], ["space", "space"], ["m", "map"], ["←→↑↓", "arrows"], ["⇧ arrows", "range"], ["Ctrl A", "all"], ["?", "help"]];
const FILTERS = ["label", "side", "decision", "issue", "confidence", "disagrees", "text"];

export default {
  render({ model, el, host }) {
    const strings = model.get("_strings");
    const check = makeButton(strings.check, () => model.send({ kind: "check" }), { title: strings.check_hint });
    const none = make("div", { class: "fm-cleaner-none fm-soft" }, make("p", { text: strings.none_shown }), makeButton(strings.clear_filters, () => clearFilters(model)));
    return drawDeciding({ model, el, host }, {
      help: HELP,
      keys: { Enter: () => model.send({ kind: "decide", what: "keep" }) },
      head: { says: "_check", button: check },
      chooses: [drawKinds(model, strings), drawFilters(model, strings)],
      none,
      drawDecisions: () => drawDecisions(model, strings),
      traits: [...FILTERS, "_classes", "_kinds", "_check", "_n_only", "_n_shown"],
      update: () => { none.hidden = model.get("_n_shown") > 0; },
    });
  },
};

// --- What is shown --------------------------------------------------------------------------------------------

// Kinds of issues, with how many photos are left of each.
function drawKinds(model, strings) {
  return drawChips(model, "issue", strings.issue, () => {
    const kinds = model.get("_kinds").map(({ kind, n }) => [kind, strings[`issue_${kind}`], n]);
    return kinds.length ? [["", strings.issue_all], ["any", strings.issue_any], ...kinds] : [];
  });
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
  const more = make("details", { class: "fm-cleaner-more", open: window.innerWidth > WIDE && window.innerHeight > TALL }, summary, fields);
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
  return { root: make("div", { class: "fm-cleaner-filtering" }, only, more), update };
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

function drawDecisions(model, strings) {
  const decide = (what, key, kind = "") => drawKeyButton(strings[what], key, () => model.send({ kind: "decide", what }), kind);
  return [drawAccept(model, strings, "a"), decide("keep", "⏎"), decide("delete", "d", "fm-cleaner-delete"), decide("unsure", "u")];
}
