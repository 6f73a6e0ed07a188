// The browser's side of the cleaner: what needs somebody, filters, the photos, the bar to decide with, and beneath them
// the staged changes. Typing a label and the help lie above everything, also above a photo that is shown whole.

const LOOK_MS = 3_000; // how often a page that is seen asks whether another one changed something
const TYPING_MS = 200;
const WIDE = 760, TALL = 800; // with less, filters would stand where the photos are
const KEYS = [["Enter", "keep"], ["d", "delete"], ["1–9, 0", "digits"], ["/", "slash"], ["a", "accept"], ["u", "unsure"], ["z", "undo"], ["⌫", "back"], ["space", "space"], ["m", "map"], ["←→↑↓", "arrows"], ["⇧ arrows", "range"], ["Ctrl A", "all"], ["?", "help"]];
const FILTERS = ["label", "side", "decision", "issue", "confidence", "disagrees", "text"];

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const typing = drawTyping(model, strings);
    const help = drawHelp(strings, KEYS);
    const head = drawHead(model, strings, help);
    const kinds = drawKinds(model, strings);
    const filters = drawFilters(model, strings);
    const bar = drawBar(model, strings, typing, drawButtons(model, strings));
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

    const decide = (what) => () => model.send({ kind: "decide", what });
    const keys = { Enter: decide("keep"), d: decide("delete"), u: decide("unsure"), a: decide("accept"), Backspace: () => model.send({ kind: "take_back" }),
      z: () => model.send({ kind: "undo_decision" }), "/": typing.open, "?": help.toggle };
    deciding.addEventListener("keydown", (event) => decideByKey(event, model, keys));

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
    follow(model, ["state", "problem", ...FILTERS, "_classes", "_labels", "_kinds", "_headline", "_summary", "_check", "_notice", "_progress", "_n_only", "_n_shown", "_target"], update);
    const look = setInterval(() => { if (!document.hidden && el.isConnected) sendQuietly(model, { kind: "look" }); }, LOOK_MS);
    const [gallery, staged] = await Promise.all([host.getWidget(model.get("gallery")), host.getWidget(model.get("changes"))]);
    await Promise.all([gallery.render({ el: photos }), staged.render({ el: changes })]);
    photos.querySelector(".fm-whole-actions").append(drawActions(model, strings, typing, drawButtons(model, strings)));
    return () => clearInterval(look);
  },
};

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

function drawButtons(model, strings) {
  const send = (message) => () => model.send(message);
  const decide = (what, key, kind = "") => drawKeyButton(strings[what], key, send({ kind: "decide", what }), kind);
  return make("div", { class: "fm-row fm-cleaner-buttons" },
    drawAccept(model, strings, "a"), decide("keep", "⏎"), decide("delete", "d", "fm-cleaner-delete"), decide("unsure", "u"),
    drawKeyButton(strings.undo_decision, "z", send({ kind: "undo_decision" }), "fm-quiet"), drawKeyButton(strings.take_back, "⌫", send({ kind: "take_back" }), "fm-quiet"));
}
