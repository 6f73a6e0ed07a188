// What the screens share on which somebody decides about photos: the screen itself, its keys, the bar with labels as buttons.
// Part of the cleaner and of the labeller; it exports nothing.

const LOOK_MS = 3_000; // how often a page that is seen asks whether another one changed something
const ROW_PX = 213; // of photos with what is written beneath them, in a low window

// A page that is being left, or whose kernel has ended, cannot send any more, and nobody has asked for this.
function sendQuietly(model, message) {
  try {
    model.send(message);
  } catch {
    // the page says what has happened
  }
}

function setTrait(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

// --- The screen ---

// The answer, what chooses photos, the photos, the bar to decide with, and beneath them what is staged. Typing a label and
// the help lie above everything, also above a photo that is shown whole.
//
// `help`: keys and what each does; `keys`: what they do besides what they do on both screens; `head`: what more it says,
// and its button; `chooses`: parts that choose photos; `none`: instead of photos; `beneath`: of the bar; `traits` that
// `update` and the parts show.
async function drawDeciding({ model, el, host }, { kind = "", help, keys, head, chooses, none = null, beneath = null, drawDecisions, traits, update }) {
  const strings = model.get("_strings");
  const typing = drawTyping(model, strings);
  const helping = drawHelp(strings, help);
  const top = drawHead(model, strings, helping, head);
  const bar = drawBar(model, strings, typing, drawDecisions());
  if (beneath) bar.root.append(beneath);
  const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
  const notice = make("p", { class: "fm-cleaner-notice", role: "status", hidden: true });
  const photos = make("div", { class: "fm-cleaner-photos" });
  const changes = make("div", { class: "fm-cleaner-changes" });
  const title = make("h2", { class: "fm-title" }), text = make("p", { class: "fm-soft" });
  const empty = make("div", { class: "fm-card fm-cleaner-empty" }, title, text);
  const deciding = make("div", { class: "fm-cleaner-deciding" }, top.root, make("div", { class: "fm-cleaner-chooses" }, ...chooses.map((part) => part.root)), notice, none, photos, bar.root, typing.root, helping.root);
  const root = make("section", { class: `fm-cleaner ${kind}`, "aria-label": strings.region }, problem, empty, deciding, changes);
  el.classList.add("fm");
  el.append(root);

  const send = (message) => () => model.send(message);
  const decide = (what) => send({ kind: "decide", what });
  const actions = { d: decide("delete"), u: decide("unsure"), a: decide("accept"), Backspace: send({ kind: "take_back" }), z: send({ kind: "undo_decision" }), "/": typing.open, "?": helping.toggle, ...keys };
  deciding.addEventListener("keydown", (event) => decideByKey(event, model, actions));
  follow(model, ["state", "problem", "_labels", "_headline", "_summary", "_notice", "_progress", "_target", ...traits], () => {
    const isEmpty = model.get("state") === "empty";
    showState(root, model.get("state"));
    showText(problem, model.get("problem"));
    showText(notice, model.get("_notice"));
    title.textContent = strings.empty_title;
    text.textContent = strings.empty;
    empty.hidden = !isEmpty;
    deciding.hidden = isEmpty;
    update?.({ title, text });
    for (const part of [top, ...chooses, bar]) part.update();
  });
  const stopFitting = fitPhotos(deciding, photos, bar.root);
  const look = setInterval(() => { if (!document.hidden && el.isConnected) sendQuietly(model, { kind: "look" }); }, LOOK_MS);
  const [gallery, staged] = await Promise.all([host.getWidget(model.get("gallery")), host.getWidget(model.get("changes"))]);
  await Promise.all([gallery.render({ el: photos }), staged.render({ el: changes })]);
  photos.querySelector(".fm-whole-actions").append(drawActions(model, strings, typing, drawDecisions()));
  return () => {
    clearInterval(look);
    stopFitting();
  };
}

// Makes the photos as high as fits between what is above them and the bar, so that the bar covers none. Where that is not a
// row, they are what fits when the page is scrolled, as it is when somebody comes there by keys.
function fitPhotos(deciding, photos, bar) {
  const fit = () => {
    const below = window.innerHeight - bar.offsetHeight - 20;
    const free = below - photos.getBoundingClientRect().top - window.scrollY;
    photos.style.setProperty("--fm-photos", `${Math.max(ROW_PX, free >= ROW_PX ? free : below)}px`);
  };
  const come = (event) => {
    const over = photos.getBoundingClientRect().bottom - bar.getBoundingClientRect().top;
    if (over > 0 && event.target.matches(":focus-visible")) window.scrollBy(0, over);
  };
  const watch = new ResizeObserver(fit);
  watch.observe(deciding);
  watch.observe(bar);
  window.addEventListener("resize", fit);
  photos.addEventListener("focusin", come);
  return () => {
    watch.disconnect();
    window.removeEventListener("resize", fit);
  };
}

// The answer, large; `says` names the trait of a third line, `button` stands beside.
function drawHead(model, strings, help, { says, button }) {
  const lines = [["_headline", make("h2", { class: "fm-cleaner-headline" })], ["_summary", make("p", { class: "fm-soft" })], [says, make("p", { class: "fm-cleaner-audit" })]];
  const busy = drawBusy(model, strings);
  const keys = makeButton("", help.toggle, { kind: "fm-quiet fm-cleaner-help" });
  keys.append(make("kbd", { text: "?", "aria-hidden": "true" }), make("span", { text: ` ${strings.keys}` }));
  const root = make("header", { class: "fm-cleaner-head" }, make("div", { role: "status" }, ...lines.map(([, line]) => line)), busy.root, button, keys);
  const update = () => {
    for (const [trait, line] of lines) showText(line, model.get(trait));
    busy.update();
  };
  return { root, update };
}

// A choice of which photos are shown, one of several. `chips` tells name, text, and number where there is one.
function drawChips(model, trait, label, chips) {
  const root = make("div", { class: "fm-cleaner-kinds", role: "group", "aria-label": label });
  let drawn = "";
  const update = () => {
    const wanted = chips(), chosen = model.get(trait), now = JSON.stringify([wanted, chosen]);
    root.hidden = !wanted.length;
    if (now === drawn) return;
    drawn = now;
    const focused = root.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    root.replaceChildren(...wanted.map(([name, text, n]) => make("button", { type: "button", class: "fm-cleaner-kind", "data-name": name, "aria-pressed": String(name === chosen), on: { click: () => setTrait(model, trait, name) } },
      make("span", { text }), n === undefined ? null : make("b", { text: n.toLocaleString() }))));
    if (focused !== null) root.querySelector(`[data-name="${focused}"]`)?.focus();
  };
  return { root, update };
}

// --- Keys ---

// What a key decides, by its name; digits relabel. Arrows, Home, End and space belong to the gallery.
function decideByKey(event, model, actions) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, .fm-cleaner-over")) return;
  const onButton = event.target.closest("button, summary, a") && !event.target.closest(".fm-grid");
  if (onButton && event.key === "Enter") return;
  const label = /^\d$/.test(event.key) ? model.get("_labels")[(Number(event.key) + 9) % 10] : undefined;
  const action = label === undefined ? actions[event.key] : () => model.send({ kind: "decide", what: "relabel", to: label });
  if (!action || (event.repeat && event.key !== "z")) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}

// --- The bar to decide with ---

function drawBar(model, strings, typing, decisions) {
  const target = make("div", { class: "fm-cleaner-target", role: "status" });
  const labels = drawLabels(model, strings, typing);
  const root = make("div", { class: "fm-cleaner-bar", role: "group", "aria-label": strings.decide }, target, drawBack(model, strings), make("div", { class: "fm-row fm-cleaner-buttons" }, ...decisions), labels.root);
  const update = () => {
    const { title = "", detail = "", staged = "" } = model.get("_target");
    const words = [["b", "", title], ["span", "fm-soft", detail], ["span", "fm-cleaner-staged", staged]];
    target.replaceChildren(...words.filter(([, , text]) => text).map(([tag, kind, text]) => make(tag, { class: kind, text })));
    labels.update();
  };
  return { root, update };
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
function drawActions(model, strings, typing, decisions) {
  const labels = drawLabels(model, strings, typing);
  const staged = make("p", { class: "fm-cleaner-staged", role: "status" });
  const update = () => {
    labels.update();
    staged.textContent = model.get("_target").staged ?? "";
    staged.hidden = !staged.textContent;
  };
  for (const name of ["_labels", "_target"]) model.on(`change:${name}`, update);
  update();
  return make("div", { class: "fm-cleaner-actions" }, staged, make("div", { class: "fm-row fm-cleaner-buttons" }, ...decisions), drawBack(model, strings), labels.root);
}

function drawBack(model, strings) {
  const send = (kind) => () => model.send({ kind });
  return make("div", { class: "fm-row fm-cleaner-back" }, drawKeyButton(strings.undo_decision, "z", send("undo_decision"), "fm-quiet"), drawKeyButton(strings.take_back, "⌫", send("take_back"), "fm-quiet"));
}

function drawAccept(model, strings, key) {
  const accept = drawKeyButton(strings.accept, key, () => model.send({ kind: "decide", what: "accept" }));
  const update = () => accept.setAttribute("aria-disabled", String(!model.get("_has_suggestion"))); // not yet computed
  model.on("change:_has_suggestion", update);
  update();
  return accept;
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
