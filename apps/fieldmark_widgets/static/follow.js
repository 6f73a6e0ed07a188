// Drawing a part of a screen again when what it shows has changed. Part of several components; it exports nothing.

// Draws a part now, and again when one of these traits has changed; once where several change together. So a part
// is left alone while others move: whoever reads, types or has unfolded something there keeps their place.
function follow(model, names, draw) {
  let due = false;
  const soon = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => { due = false; draw(); });
  };
  for (const name of names) model.on(`change:${name}`, soon);
  draw();
}

// What is missing before there is something to do here.
function drawBlockers(model, strings) {
  const list = make("div");
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), list);
  follow(model, ["blockers"], () => {
    root.hidden = model.get("blockers").length === 0;
    list.replaceChildren(...model.get("blockers").map((text) => make("p", { class: "fm-soft", text })));
  });
  return root;
}
