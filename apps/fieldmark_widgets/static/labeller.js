// The browser's side of the labeller: how many wait, which are shown, the photos, the bar to label with, and beneath them
// the staged changes.

const LOOK_MS = 3_000; // how often a page that is seen asks whether another one changed something
const SHOWS = ["useful", "sure", "all"];
const KEYS = [["Enter", "accept"], ["1–9, 0", "digits"], ["/", "slash"], ["d", "delete"], ["u", "unsure"], ["z", "undo"], ["⌫", "back"], ["n", "next"], ["space", "space"], ["←→↑↓", "arrows"], ["⇧ arrows", "range"], ["Ctrl A", "all"], ["?", "help"]];

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const typing = drawTyping(model, strings);
    const help = drawHelp(strings, KEYS);
    const head = drawHead(model, strings, help);
    const ways = drawShows(model, strings);
    const bar = drawBar(model, strings, typing, drawButtons(model, strings));
    const hint = make("p", { class: "fm-soft fm-small", text: strings.no_classes });
    bar.root.append(hint);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const notice = make("p", { class: "fm-cleaner-notice", role: "status", hidden: true });
    const photos = make("div", { class: "fm-cleaner-photos" });
    const changes = make("div", { class: "fm-cleaner-changes" });
    const title = make("h2", { class: "fm-title" });
    const text = make("p", { class: "fm-soft" });
    const empty = make("div", { class: "fm-card fm-labeller-empty" }, title, text);
    const deciding = make("div", { class: "fm-cleaner-deciding" }, head.root, ways.root, notice, photos, bar.root, typing.root, help.root);
    const root = make("section", { class: "fm-cleaner fm-labeller", "aria-label": strings.region }, problem, empty, deciding, changes);
    el.classList.add("fm");
    el.append(root);

    const decide = (what) => () => model.send({ kind: "decide", what });
    const send = (kind) => () => model.send({ kind });
    const keys = { Enter: decide("accept"), a: decide("accept"), d: decide("delete"), u: decide("unsure"), n: send("next"), Backspace: send("take_back"), z: send("undo_decision"), "/": typing.open, "?": help.toggle };
    deciding.addEventListener("keydown", (event) => decideByKey(event, model, keys));

    const update = () => {
      const state = model.get("state");
      showState(root, state);
      for (const [element, trait] of [[problem, "problem"], [notice, "_notice"]]) {
        element.textContent = model.get(trait);
        element.hidden = !element.textContent;
      }
      title.textContent = model.get("_is_done") ? strings.done_title : strings.empty_title;
      text.textContent = model.get("_is_done") ? strings.done : strings.empty;
      empty.hidden = state !== "empty";
      deciding.hidden = state === "empty";
      hint.hidden = model.get("_labels").length > 0;
      for (const part of [head, ways, bar]) part.update();
    };
    follow(model, ["state", "problem", "show", "_labels", "_headline", "_summary", "_agreed", "_notice", "_progress", "_target", "_suggests", "_is_done"], update);
    const look = setInterval(() => { if (!document.hidden && el.isConnected) sendQuietly(model, { kind: "look" }); }, LOOK_MS);
    const [gallery, staged] = await Promise.all([host.getWidget(model.get("gallery")), host.getWidget(model.get("changes"))]);
    await Promise.all([gallery.render({ el: photos }), staged.render({ el: changes })]);
    photos.querySelector(".fm-whole-actions").append(drawActions(model, strings, typing, drawButtons(model, strings)));
    return () => clearInterval(look);
  },
};

function drawHead(model, strings, help) {
  const headline = make("h2", { class: "fm-cleaner-headline" });
  const summary = make("p", { class: "fm-soft" });
  const agreed = make("p", { class: "fm-cleaner-audit" });
  const busy = drawBusy(model, strings);
  const next = drawKeyButton(strings.next, "n", () => model.send({ kind: "next" }));
  const keys = makeButton("", help.toggle, { kind: "fm-quiet fm-cleaner-help" });
  keys.append(make("kbd", { text: "?", "aria-hidden": "true" }), make("span", { text: ` ${strings.keys}` }));
  const root = make("header", { class: "fm-cleaner-head" }, make("div", { role: "status" }, headline, summary, agreed), busy.root, next, keys);
  const update = () => {
    for (const [element, trait] of [[headline, "_headline"], [summary, "_summary"], [agreed, "_agreed"]]) {
      element.textContent = model.get(trait);
      element.hidden = !element.textContent;
    }
    next.hidden = model.get("state") === "busy";
    busy.update();
  };
  return { root, update };
}

// The most useful ones, those that only need a nod, or all; a nod needs a model.
function drawShows(model, strings) {
  const chips = SHOWS.map((show) => make("button", { type: "button", class: "fm-cleaner-kind", "data-show": show, on: { click: () => setTrait(model, "show", show) } }, make("span", { text: strings[`show_${show}`] })));
  const root = make("div", { class: "fm-cleaner-kinds", role: "group", "aria-label": strings.show }, ...chips);
  const update = () => {
    for (const chip of chips) {
      setAttribute(chip, "aria-pressed", String(chip.dataset.show === model.get("show")));
      chip.hidden = chip.dataset.show === "sure" && !model.get("_suggests") && model.get("show") !== "sure";
    }
  };
  return { root, update };
}

function drawButtons(model, strings) {
  const send = (message) => () => model.send(message);
  return make("div", { class: "fm-row fm-cleaner-buttons" },
    drawAccept(model, strings, "⏎"), drawKeyButton(strings.unsure, "u", send({ kind: "decide", what: "unsure" })),
    drawKeyButton(strings.delete, "d", send({ kind: "decide", what: "delete" }), "fm-cleaner-delete"),
    drawKeyButton(strings.undo_decision, "z", send({ kind: "undo_decision" }), "fm-quiet"), drawKeyButton(strings.take_back, "⌫", send({ kind: "take_back" }), "fm-quiet"));
}
