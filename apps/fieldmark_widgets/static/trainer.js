// The browser's side of the trainer: what is trained on, one button, the result, how a photo is seen, and the choices.

const METHODS = ["crop", "squish", "pad"];
const SPLITS = ["random", "by_date", "by_group"];
const VIEWS = [0, 1, 2];
const VIEW_KINDS = ["random_crop", "augmented"];
const LOOK_MS = 3000;

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert" });
    const start = drawStart(model, strings), result = drawResult(model, strings), fitting = drawFitting(model, strings);
    const top = make("div", { class: "fm-trainer-top" }, start, result);
    const choices = make("div", { class: "fm-trainer-choices" }, fitting.root, drawTune(model, strings), drawMore(model, strings));
    const root = make("section", { class: "fm-trainer", "aria-label": strings.region }, problem, drawBlockers(model, strings), top, choices);
    el.classList.add("fm");
    el.append(root);
    follow(model, ["state", "problem", "blockers"], () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      choices.hidden = top.hidden = model.get("blockers").length > 0;
    });
    const look = setInterval(() => {
      if (document.hidden || !el.isConnected || !model.get("_is_tuned_elsewhere")) return;
      try {
        model.send({ kind: "look" });
      } catch {
        clearInterval(look); // the page is being left
      }
    }, LOOK_MS);
    return () => { clearInterval(look); fitting.close(); };
  },
};

function choose(model, name, value) {
  model.send({ kind: "choose", name, value });
}

// --- What is trained on, and the button -----------------------------------------------------------------------

function drawStart(model, strings) {
  const title = make("h2", { class: "fm-trainer-title" });
  const bars = make("ul", { class: "fm-trainer-bars" });
  const uneven = make("p", { class: "fm-soft" });
  const balanced = make("input", { type: "checkbox", on: { change: () => choose(model, "balanced", balanced.checked) } });
  const weigh = make("label", { class: "fm-row fm-check" }, balanced, make("span", { text: strings.balanced }));
  const stale = make("p", { class: "fm-trainer-stale", role: "status" });
  follow(model, ["_title", "_classes"], () => {
    const classes = model.get("_classes");
    const most = Math.max(1, ...classes.map(({ n }) => n));
    title.textContent = model.get("_title");
    bars.replaceChildren(...classes.map((entry) => drawBar(entry, most)));
  });
  follow(model, ["_uneven", "_choices", "stale"], () => {
    uneven.textContent = model.get("_uneven");
    uneven.hidden = !uneven.textContent;
    balanced.checked = model.get("_choices").balanced ?? false;
    weigh.hidden = uneven.hidden && !balanced.checked;
    stale.textContent = model.get("stale");
    stale.hidden = !stale.textContent;
  });
  return make("div", { class: "fm-card" }, title, bars, uneven, weigh, stale, drawGo(model, strings));
}

function drawBar({ label, n }, most) {
  const share = make("i");
  share.style.width = `${(100 * n) / most}%`;
  return make("li", { class: "fm-trainer-bar" }, make("bdi", { text: label, title: label }),
    make("span", { class: "fm-bar", "aria-hidden": "true" }, share), make("span", { class: "fm-soft", text: n.toLocaleString() }));
}

// The button, and in its place what is being done: nothing on the page moves when it is pressed.
function drawGo(model, strings) {
  const train = makeButton("", () => model.send({ kind: "train" }), { kind: "fm-primary fm-trainer-go" });
  const cancel = makeButton(strings.cancel, () => model.send({ kind: "cancel" }));
  const text = make("span", { role: "status" });
  const seconds = make("span", { class: "fm-soft" });
  const share = make("i");
  const notice = make("p", { class: "fm-soft", role: "status" });
  const busy = make("div", { class: "fm-trainer-busy" },
    make("div", {}, make("p", { class: "fm-trainer-step" }, text, seconds), make("span", { class: "fm-bar" }, share)), cancel);
  follow(model, ["state", "_rounds"], () => {
    const working = model.get("state") === "busy";
    const had = [train, cancel].includes(document.activeElement);
    train.textContent = model.get("_rounds").length ? strings.again : strings.train;
    train.hidden = working;
    busy.hidden = !working;
    if (had) (working ? cancel : train).focus();
  });
  follow(model, ["_progress"], () => {
    const progress = model.get("_progress");
    text.textContent = progress.text ?? "";
    seconds.textContent = progress.seconds ?? "";
    share.style.width = `${100 * (progress.share ?? 0)}%`;
  });
  follow(model, ["_notice"], () => {
    notice.textContent = model.get("_notice");
    notice.hidden = !notice.textContent;
  });
  return make("div", { class: "fm-trainer-act" }, train, busy, notice);
}

// --- How good it is -------------------------------------------------------------------------------------------

function drawResult(model, strings) {
  const headline = make("h2", { class: "fm-trainer-headline", role: "status" });
  const error = make("p", { class: "fm-trainer-error" });
  const note = make("p", { class: "fm-soft" });
  const compared = make("p", { class: "fm-trainer-compared" });
  const root = make("div", { class: "fm-card fm-trainer-result" }, headline, error, note, compared, drawRounds(model, strings));
  follow(model, ["_result"], () => {
    const result = model.get("_result");
    root.hidden = !result.headline;
    headline.textContent = result.headline ?? "";
    error.textContent = result.error ?? "";
    note.textContent = result.note ?? "";
    compared.textContent = result.compared ?? "";
    compared.hidden = !compared.textContent;
  });
  follow(model, ["stale"], () => root.classList.toggle("is-stale", Boolean(model.get("stale"))));
  return root;
}

function drawRounds(model, strings) {
  const title = make("summary");
  const list = make("ol");
  const root = make("details", { class: "fm-trainer-rounds" }, title, list);
  follow(model, ["_rounds"], () => {
    const rounds = model.get("_rounds");
    root.hidden = rounds.length < 2;
    title.textContent = fill(strings.history, { n: rounds.length });
    list.replaceChildren(...rounds.map(({ text, note, changes }) =>
      make("li", {}, make("b", { text }), make("span", { class: "fm-soft", text: note }), changes ? make("span", { class: "fm-trainer-changes", text: changes }) : null)));
  });
  return root;
}

// --- How the model sees a photo -------------------------------------------------------------------------------

function drawFitting(model, strings) {
  const name = make("bdi", { class: "fm-soft" });
  const problem = make("p", { class: "fm-failure", role: "status" });
  const ways = drawWays(strings, "resize", METHODS, strings.fit_title, 1, (method) => choose(model, "resize", method));
  const kinds = drawWays(strings, "view_kind", VIEW_KINDS, strings.views_title, 4, (kind) => {
    choose(model, "view_kind", kind);
    if (!model.get("_choices").views) choose(model, "views", 1); // whoever picks a kind wants some
  });
  const counts = drawOptions(VIEWS.map((value) => ({ value, text: strings[`views_${value}`] })), strings.views_n, (n) => choose(model, "views", n));
  const urls = [];
  const close = () => { while (urls.length) URL.revokeObjectURL(urls.pop()); };
  const show = (image, bytes) => {
    urls.push(makeImageUrl(bytes, "image/jpeg"));
    image.src = urls.at(-1);
  };
  follow(model, ["_fitting"], () => {
    const fitting = model.get("_fitting");
    problem.textContent = fitting.problem ?? "";
    problem.hidden = !problem.textContent;
    name.textContent = fitting.name ?? "";
    if (!fitting.methods) return;
    close();
    for (const { name, images } of ways.all) show(images[0], fitting.methods[name]);
    for (const { name, images } of kinds.all) images.forEach((image, index) => show(image, fitting.views[name][index]));
  });
  follow(model, ["_choices"], () => {
    ways.update(model.get("_choices").resize);
    kinds.update(model.get("_choices").views ? model.get("_choices").view_kind : null);
    counts.update(model.get("_choices").views);
  });
  const another = makeButton(strings.another, () => model.send({ kind: "another" }), { kind: "fm-quiet" });
  const root = make("div", { class: "fm-card" },
    make("div", { class: "fm-trainer-head" }, make("div", {}, make("h3", { text: strings.fit_title }), name), another), problem,
    make("div", { class: "fm-trainer-looks" }, ways.root,
      make("div", { class: "fm-trainer-views" }, make("h4", { text: strings.views_title }), make("p", { class: "fm-soft fm-small", text: strings.views_text }), counts.root, kinds.root)));
  return { root, close };
}

// Pictures of which one is chosen, as radio buttons are.
function drawWays(strings, choice, names, label, pictures, onChoose) {
  const all = names.map((name) => drawWay(strings, choice, name, pictures, () => onChoose(name)));
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = all[(all.findIndex(({ root }) => root === document.activeElement) + step + all.length) % all.length];
    next.root.focus();
    onChoose(next.name);
  };
  const root = make("div", { class: "fm-ways", role: "radiogroup", "aria-label": label, on: { keydown: move } }, ...all.map((way) => way.root));
  const update = (chosen) => {
    const reached = all.find(({ name }) => name === chosen) ?? all[0]; // by the tab key
    for (const way of all) {
      way.root.setAttribute("aria-checked", String(way.name === chosen));
      way.root.tabIndex = way === reached ? 0 : -1;
    }
  };
  return { root, all, update };
}

function drawWay(strings, choice, name, pictures, onChoose) {
  const images = Array.from({ length: pictures }, () => make("img", { alt: "" }));
  const root = make("button", { type: "button", class: "fm-way", role: "radio", on: { click: onChoose } },
    make("span", { class: "fm-way-pictures" }, ...images), make("b", { text: strings[`${choice}_${name}`] }), make("span", { class: "fm-soft", text: strings[`${name}_text`] }));
  return { root, name, images };
}

// A row of buttons of which one is pressed.
function drawOptions(options, label, onChoose) {
  const buttons = options.map(({ value, text }) => make("button", { type: "button", class: "fm-filter", text, on: { click: () => onChoose(value) } }));
  const root = make("div", { class: "fm-row", role: "group", "aria-label": label }, ...buttons);
  const update = (chosen, offered = (value) => true) => options.forEach(({ value }, index) => {
    buttons[index].setAttribute("aria-pressed", String(value === chosen));
    buttons[index].hidden = value !== chosen && !offered(value);
  });
  return { root, update };
}

// --- Fine-tuning ----------------------------------------------------------------------------------------------

function drawTune(model, strings) {
  const elsewhere = make("p", { role: "status", text: strings.tune_elsewhere });
  const advice = make("p", { class: "fm-trainer-advice", role: "status" });
  const unfinished = make("p", { class: "fm-trainer-stale" });
  const ask = makeButton(strings.advise, () => model.send({ kind: "advise" }));
  const tune = makeButton(strings.tune, () => model.send({ kind: "tune" }));
  const take = makeButton(strings.take_best, () => model.send({ kind: "take_best" }));
  const root = make("div", { class: "fm-card fm-trainer-tune" }, make("h3", { text: strings.tune_title }), make("p", { class: "fm-soft", text: strings.tune_text }),
    elsewhere, unfinished, advice, make("div", { class: "fm-row" }, ask, tune, take));
  follow(model, ["_unfinished", "_is_tuning_unfinished", "_is_best_to_take", "state"], () => {
    const stopped = model.get("_is_tuning_unfinished") && model.get("state") !== "busy";
    unfinished.textContent = model.get("_unfinished");
    unfinished.hidden = !stopped;
    take.hidden = !(stopped && model.get("_is_best_to_take"));
    tune.textContent = stopped ? strings.tune_on : strings.tune;
  });
  follow(model, ["_is_tuned_elsewhere"], () => { elsewhere.hidden = !model.get("_is_tuned_elsewhere"); });
  follow(model, ["_advice", "_is_tuned_elsewhere", "state"], () => {
    advice.textContent = model.get("_advice");
    advice.hidden = !advice.textContent;
    for (const button of [ask, tune]) button.setAttribute("aria-disabled", String(model.get("state") === "busy" || model.get("_is_tuned_elsewhere")));
  });
  return root;
}

// --- More choices ---------------------------------------------------------------------------------------------

function drawMore(model, strings) {
  const sizes = drawOptions(model.get("_sizes"), strings.size, (px) => choose(model, "size_px", px));
  const ways = drawOptions(SPLITS.map((value) => ({ value, text: strings[`split_${value}`] })), strings.split_title, (way) => choose(model, "split", way));
  const shares = drawOptions(model.get("_shares"), strings.share, (share) => choose(model, "valid_pct", share));
  const again = make("div", { class: "fm-trainer-again" }, makeButton(strings.seed, () => choose(model, "seed")), make("p", { class: "fm-soft fm-small", text: strings.seed_text }));
  const given = make("p", { class: "fm-soft", text: strings.given });
  const whyNot = make("div");
  const drawn = make("div", {}, ways.root, whyNot, make("h4", { text: strings.share }), shares.root, again);
  follow(model, ["_choices", "_splits"], () => {
    const chosen = model.get("_choices"), splits = model.get("_splits");
    sizes.update(chosen.size_px);
    ways.update(chosen.split, (way) => (splits.methods ?? []).includes(way));
    shares.update(chosen.valid_pct);
    given.hidden = !splits.given;
    drawn.hidden = Boolean(splits.given);
    again.hidden = chosen.split === "by_date";
    whyNot.replaceChildren(...(splits.why_not ?? []).map((text) => make("p", { class: "fm-soft fm-small", text })));
  });
  return make("details", { class: "fm-card fm-trainer-more" }, make("summary", { text: strings.more }),
    make("h4", { text: strings.size }), sizes.root, make("h4", { text: strings.split_title }), given, drawn);
}
