// The browser's side of the trainer: the result, the button, how a photo is seen, and the choices.

const METHODS = ["crop", "squish", "pad"];

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const parts = [drawEmpty(model, strings), drawBusy(model, strings), drawResult(model, strings), drawStart(model, strings), drawFitting(model, strings), drawMore(model, strings)];
    const [empty, busy, result, start, fitting, more] = parts;
    const choices = make("div", { class: "fm-trainer-choices" }, fitting.root, more.root);
    const root = make("section", { class: "fm-trainer", "aria-label": strings.region }, problem, empty.root, busy.root,
      make("div", { class: "fm-trainer-top" }, start.root, result.root), choices);
    el.classList.add("fm");
    el.append(root);
    const update = () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      choices.hidden = start.root.parentNode.hidden = model.get("blockers").length > 0;
      for (const part of parts) part.update();
    };
    let due = false;
    const soon = () => { // several traits change together; draw once
      if (due) return;
      due = true;
      queueMicrotask(() => { due = false; update(); });
    };
    for (const name of ["state", "problem", "blockers", "stale", "_title", "_classes", "_uneven", "_choices", "_splits", "_fitting", "_result", "_rounds", "_progress"]) model.on(`change:${name}`, soon);
    update();
    return () => fitting.close();
  },
};

function choose(model, name, value) {
  model.send({ kind: "choose", name, value });
}

function drawEmpty(model, strings) {
  const list = make("div");
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), list);
  const update = () => {
    root.hidden = model.get("blockers").length === 0;
    list.replaceChildren(...model.get("blockers").map((text) => make("p", { class: "fm-soft", text })));
  };
  return { root, update };
}

function drawBusy(model, strings) {
  const text = make("span", { role: "status" });
  const seconds = make("span", { class: "fm-soft" });
  const share = make("i");
  const root = make("div", { class: "fm-card" }, make("p", { class: "fm-importer-step fm-trainer-step" }, text, seconds), make("span", { class: "fm-bar" }, share),
    make("div", { class: "fm-row fm-importer-cancel" }, makeButton(strings.cancel, () => model.send({ kind: "cancel" }))));
  const update = () => {
    const progress = model.get("_progress");
    root.hidden = model.get("state") !== "busy";
    text.textContent = progress.text ?? "";
    seconds.textContent = progress.seconds ?? "";
    share.style.width = `${100 * (progress.share ?? 0)}%`;
  };
  return { root, update };
}

function drawResult(model, strings) {
  const root = make("div", { class: "fm-card fm-trainer-result" });
  const update = () => {
    const result = model.get("_result");
    root.hidden = !result.headline;
    if (root.hidden) return;
    const rounds = model.get("_rounds");
    root.replaceChildren(
      make("h2", { class: "fm-trainer-headline", text: result.headline, role: "status" }),
      make("p", { class: "fm-trainer-error", text: result.error }),
      make("p", { class: "fm-soft", text: result.note }),
      ...(result.compared ? [make("p", { class: "fm-trainer-compared", text: result.compared })] : []),
      ...(rounds.length > 1 ? [drawRounds(rounds, strings)] : []));
  };
  return { root, update };
}

function drawRounds(rounds, strings) {
  return make("details", { class: "fm-trainer-rounds" }, make("summary", { text: `${strings.history} (${rounds.length})` }),
    make("ol", {}, ...rounds.map(({ text, note }) => make("li", {}, make("b", { text }), make("span", { class: "fm-soft", text: note })))));
}

function drawStart(model, strings) {
  const title = make("h2", { class: "fm-trainer-title" });
  const bars = make("div", { class: "fm-trainer-bars" });
  const uneven = make("p", { class: "fm-soft" });
  const balanced = make("input", { type: "checkbox", on: { change: () => choose(model, "balanced", balanced.checked) } });
  const weigh = make("label", { class: "fm-row fm-check" }, balanced, make("span", { text: strings.balanced }));
  const stale = make("p", { class: "fm-trainer-stale" });
  const train = makeButton("", () => model.send({ kind: "train" }), { kind: "fm-primary fm-trainer-go" });
  const root = make("div", { class: "fm-card" }, title, bars, uneven, weigh, stale, train);
  const update = () => {
    title.textContent = model.get("_title");
    const classes = model.get("_classes");
    const most = Math.max(1, ...classes.map(({ n }) => n));
    bars.replaceChildren(...classes.map(({ label, n }) => make("div", { class: "fm-trainer-bar" },
      make("bdi", { text: label }), make("span", { class: "fm-bar" }, make("i", { style: `width:${(100 * n) / most}%` })), make("span", { class: "fm-soft", text: n.toLocaleString() }))));
    uneven.textContent = model.get("_uneven");
    uneven.hidden = !uneven.textContent;
    balanced.checked = model.get("_choices").balanced ?? false;
    weigh.hidden = uneven.hidden && !balanced.checked;
    stale.textContent = model.get("stale");
    stale.hidden = !stale.textContent;
    train.textContent = model.get("_rounds").length ? strings.again : strings.train;
    train.disabled = model.get("state") === "busy";
  };
  return { root, update };
}

// --- How the model sees a photo -------------------------------------------------------------------------------

function drawFitting(model, strings) {
  const name = make("bdi", { class: "fm-soft" });
  const choices = METHODS.map((method) => drawChoice(model, strings, method));
  const ways = make("div", { class: "fm-ways", role: "radiogroup", "aria-label": strings.fit_title }, ...choices.map(({ root }) => root));
  ways.addEventListener("keydown", (event) => moveChoice(event, model));
  const views = Array.from({ length: 4 }, () => make("img", { class: "fm-view", alt: "" }));
  const counts = drawOptions([0, 1, 2].map((n) => [n, strings[`views_${n}`]]), strings.views_title, (n) => choose(model, "views", n));
  const problem = make("p", { class: "fm-failure" });
  const urls = [];
  const root = make("div", { class: "fm-card" },
    make("div", { class: "fm-trainer-head" }, make("h3", { text: strings.fit_title }), makeButton(strings.another, () => model.send({ kind: "another" }), { kind: "fm-quiet" })),
    name, problem, ways, make("h3", { class: "fm-trainer-views-title", text: strings.views_title }), make("p", { class: "fm-soft", text: strings.views_text }),
    make("div", { class: "fm-views" }, ...views), counts.root);
  const close = () => { while (urls.length) URL.revokeObjectURL(urls.pop()); };
  const show = (image, bytes) => { image.src = makeImageUrl(bytes, "image/jpeg"); urls.push(image.src); };
  let shown = null;
  const update = () => {
    const fitting = model.get("_fitting"), chosen = model.get("_choices");
    for (const choice of choices) choice.update(chosen.resize);
    counts.update(chosen.views);
    problem.textContent = fitting.problem ?? "";
    problem.hidden = !problem.textContent;
    if (fitting === shown || !fitting.methods) return;
    shown = fitting;
    close();
    name.textContent = fitting.name;
    METHODS.forEach((method, index) => show(choices[index].image, fitting.methods[method]));
    views.forEach((image, index) => show(image, fitting.views[index]));
  };
  return { root, update, close };
}

function drawChoice(model, strings, method) {
  const image = make("img", { alt: "" });
  const root = make("button", { type: "button", class: "fm-way", role: "radio", on: { click: () => choose(model, "resize", method) } },
    image, make("b", { text: strings[method] }), make("span", { class: "fm-soft", text: strings[`${method}_text`] }));
  const update = (chosen) => {
    root.setAttribute("aria-checked", String(method === chosen));
    root.tabIndex = method === chosen ? 0 : -1;
  };
  return { root, image, update };
}

function moveChoice(event, model) { // as radio buttons do
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.children];
  const next = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
  buttons[next].focus();
  choose(model, "resize", METHODS[next]);
}

// A row of buttons of which one is pressed.
function drawOptions(options, label, onChoose) {
  const buttons = options.map(([value, text]) => make("button", { type: "button", class: "fm-filter", text, on: { click: () => onChoose(value) } }));
  const root = make("div", { class: "fm-row", role: "group", "aria-label": label }, ...buttons);
  const update = (chosen) => options.forEach(([value], index) => buttons[index].setAttribute("aria-pressed", String(value === chosen)));
  return { root, update };
}

// --- More choices ---------------------------------------------------------------------------------------------

function drawMore(model, strings) {
  const sizes = drawOptions(model.get("_sizes").map(({ px, text }) => [px, text]), strings.size, (px) => choose(model, "size_px", px));
  const methods = ["random", "by_date", "by_group"];
  const ways = drawOptions(methods.map((method) => [method, strings[method]]), strings.split_title, (method) => choose(model, "split", method));
  const shares = drawOptions([0.1, 0.2, 0.3].map((share) => [share, `${100 * share} %`]), strings.share, (share) => choose(model, "valid_pct", share));
  const again = makeButton(strings.seed, () => choose(model, "seed"));
  const given = make("p", { class: "fm-soft", text: strings.given });
  const whyNot = make("div");
  const drawn = make("div", {}, ways.root, whyNot, make("h4", { text: strings.share }), make("div", { class: "fm-row" }, shares.root, again));
  const root = make("details", { class: "fm-card fm-trainer-more" }, make("summary", { text: strings.more }),
    make("h4", { text: strings.size }), sizes.root, make("h4", { text: strings.split_title }), given, drawn);
  const update = () => {
    const chosen = model.get("_choices"), splits = model.get("_splits");
    sizes.update(chosen.size_px);
    ways.update(chosen.split);
    shares.update(chosen.valid_pct);
    given.hidden = !splits.given;
    drawn.hidden = Boolean(splits.given);
    [...ways.root.children].forEach((button, index) => { button.hidden = !(splits.methods ?? []).includes(methods[index]); });
    again.hidden = chosen.split === "by_date";
    whyNot.replaceChildren(...(splits.why_not ?? []).map((text) => make("p", { class: "fm-soft fm-small", text })));
  };
  return { root, update };
}
