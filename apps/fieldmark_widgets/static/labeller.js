// The browser's side of the labeller: which photos are shown, and a nod at what is suggested.

const HELP = [["Enter", "accept"], ["1–9, 0", "digits"], ["/", "slash"], ["d", "delete"], ["u", "unsure"], ["z", "undo"], ["⌫", "back"], ["n", "next"], ["space", "space"], ["←→↑↓", "arrows"], ["⇧ arrows", "range"], ["Ctrl A", "all"], ["?", "help"]];

export default {
  render({ model, el, host }) {
    const strings = model.get("_strings");
    const anew = () => model.send({ kind: "next" });
    const next = drawKeyButton(strings.next, "n", anew);
    const hint = make("p", { class: "fm-soft fm-small", text: strings.no_classes });
    return drawDeciding({ model, el, host }, {
      kind: "fm-labeller",
      help: HELP,
      keys: { Enter: () => model.send({ kind: "decide", what: "accept" }), n: anew },
      head: { says: "_agreed", button: next },
      chooses: [drawShows(model, strings)],
      beneath: hint,
      drawDecisions: () => drawDecisions(model, strings),
      traits: ["show", "_agreed", "_suggests", "_is_done"],
      update: ({ title, text }) => {
        next.hidden = model.get("state") === "busy";
        hint.hidden = model.get("_labels").length > 0;
        if (!model.get("_is_done")) return;
        title.textContent = strings.done_title;
        text.textContent = strings.done;
      },
    });
  },
};

// The most useful ones, those that only need a nod, or all; a nod needs a model.
function drawShows(model, strings) {
  const shown = (name) => name !== "sure" || model.get("_suggests") || model.get("show") === "sure";
  return drawChips(model, "show", strings.show, () => ["useful", "sure", "all"].filter(shown).map((name) => [name, strings[`show_${name}`]]));
}

function drawDecisions(model, strings) {
  const decide = (what, key, kind = "") => drawKeyButton(strings[what], key, () => model.send({ kind: "decide", what }), kind);
  return [drawAccept(model, strings, "⏎"), decide("unsure", "u"), decide("delete", "d", "fm-cleaner-delete")];
}
