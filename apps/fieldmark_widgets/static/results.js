// The browser's side of the results: the answer, the confusion matrix, the photos behind a cell, the table of classes.

const TABLE_CLASSES = 12; // up to so many the matrix comes first; above, the most frequent mistakes do
const WHOLE_CLASSES = 60; // up to so many there is a matrix at all
const PAIRS_SHOWN = 10;

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const parts = [
      drawEmpty(model, strings), drawStale(model, strings), drawBusy(model, strings), drawAnswer(model), drawMatrix(model, strings),
      drawPhotos(model, strings), drawClasses(model, strings), drawNotes(model, strings),
    ];
    const [empty, stale, busy, answer, matrix, photos, classes, notes] = parts;
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const shown = make("div", { class: "fm-results-shown" },
      make("div", { class: "fm-results-columns" },
        make("section", { class: "fm-card fm-results-answer", "aria-label": strings.question }, answer.root, matrix.root),
        photos.root, make("div", { class: "fm-results-more" }, classes.root, notes.root)));
    const root = make("section", { class: "fm-results", "aria-label": strings.region }, problem, empty.root, stale.root, busy.root, shown);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      const state = model.get("state");
      showState(root, state);
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      const some = "headline" in model.get("_answer") && state !== "empty";
      shown.hidden = !some;
      shown.classList.toggle("is-waiting", state === "busy");
      for (const part of parts) part.update();
    };
    drawSoon(model, ["state", "problem", "stale", "blockers", "selected_cell", "_answer", "_matrix", "_classes", "_left_out", "_notes", "_progress", "_n_selected"], update);
    update();
    model.on("change:selected_cell", () => { // where the photos are below the matrix, go there
      const below = photos.root.offsetTop > answer.root.parentElement.offsetTop;
      if (below && model.get("selected_cell").length) photos.root.scrollIntoView({ block: "start" });
    });
    const gallery = await host.getWidget(model.get("gallery"));
    await gallery.render({ el: photos.place });
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

function drawEmpty(model, strings) {
  const list = make("div");
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), list);
  const update = () => {
    root.hidden = model.get("state") !== "empty";
    list.replaceChildren(...model.get("blockers").map((text) => make("p", { class: "fm-soft", text })));
  };
  return { root, update };
}

function drawStale(model, strings) {
  const text = make("p", {});
  const train = makeButton(strings.train_again, () => model.send({ kind: "train" }), { kind: "fm-primary" });
  const root = make("div", { class: "fm-results-stale", role: "status" }, text, train);
  const update = () => {
    text.textContent = model.get("stale");
    root.hidden = !text.textContent || ["empty", "busy"].includes(model.get("state"));
  };
  return { root, update };
}

function drawBusy(model, strings) {
  const text = make("span", { class: "fm-soft" });
  const spinner = make("span", { class: "fm-results-pulse", "aria-hidden": "true" });
  const root = make("div", { class: "fm-row fm-results-busy", role: "status" }, spinner, text, makeButton(strings.cancel, () => model.send({ kind: "cancel" })));
  const update = () => {
    root.hidden = model.get("state") !== "busy";
    text.textContent = model.get("_progress");
  };
  return { root, update };
}

function drawAnswer(model) {
  const headline = make("h2", { class: "fm-results-headline" });
  const error = make("p", { class: "fm-results-error" });
  const basis = make("p", { class: "fm-soft" });
  const update = () => {
    const answer = model.get("_answer");
    headline.textContent = answer.headline ?? "";
    error.textContent = answer.error ?? "";
    basis.textContent = answer.basis ?? "";
  };
  return { root: make("header", { "aria-live": "polite" }, headline, error, basis), update };
}

// --- The confusion matrix -------------------------------------------------------------------------------------

function drawMatrix(model, strings) {
  const place = make("div");
  const root = make("div", { class: "fm-results-matrix" }, make("h3", { text: strings.matrix }), place);
  let drawn = null;
  const update = () => {
    const matrix = model.get("_matrix");
    if (matrix !== drawn) {
      drawn = matrix;
      place.replaceChildren(...(matrix.labels ? drawMatrixParts(model, matrix, strings) : []));
    }
    const [actual, said] = model.get("selected_cell");
    for (const cell of place.querySelectorAll("[data-said]")) {
      const chosen = cell.dataset.actual === actual && cell.dataset.said === said;
      setAttribute(cell, cell.localName === "td" ? "aria-selected" : "aria-pressed", String(chosen));
    }
  };
  return { root, update };
}

function drawMatrixParts(model, matrix, strings) {
  const n = matrix.labels.length;
  if (n <= TABLE_CLASSES) return [make("p", { class: "fm-soft fm-small", text: strings.axes }), drawTable(model, matrix, strings), drawMistakes(matrix, strings)];
  const pairs = drawPairs(model, matrix, strings);
  if (n > WHOLE_CLASSES) return [pairs, make("p", { class: "fm-soft fm-small", text: fill(strings.too_many, { n }) })];
  const whole = make("details", { class: "fm-results-whole" }, make("summary", { text: strings.whole }), make("p", { class: "fm-soft fm-small", text: strings.axes }), drawTable(model, matrix, strings));
  return [pairs, whole];
}

// The matrix in words: what a reader who does not see the colours needs first, and everybody likes to know.
function drawMistakes(matrix, strings) {
  const said = matrix.pairs.slice(0, 3).map(([i, j, count]) => `${sayPair(matrix, i, j, strings)} (${fill(strings.pair_count, { count, n: matrix.totals[i] })})`);
  return make("p", { class: "fm-soft fm-small", text: said.length ? `${strings.pairs}: ${said.join(", ")}.` : strings.no_mistakes });
}

function sayPair(matrix, i, j, strings) {
  return fill(strings.pair, { actual: matrix.labels[i], said: matrix.labels[j] });
}

function drawPairs(model, matrix, strings) {
  const list = make("ul", { class: "fm-results-pairs", "aria-label": strings.pairs });
  const draw = (shown) => list.replaceChildren(...matrix.pairs.slice(0, shown).map(([i, j, count]) => {
    const cell = { actual: matrix.labels[i], said: matrix.labels[j] };
    const button = make("button", { type: "button", class: "fm-results-pair", "data-actual": cell.actual, "data-said": cell.said, "aria-pressed": "false", on: { click: () => chooseCell(model, cell) } },
      make("span", { text: sayPair(matrix, i, j, strings) }), make("em", { text: fill(strings.pair_count, { count, n: matrix.totals[i] }) }));
    return make("li", {}, button);
  }));
  draw(PAIRS_SHOWN);
  const more = makeButton(fill(strings.all_pairs, { n: matrix.pairs.length }), () => { draw(); more.hidden = true; }, { kind: "fm-quiet", hidden: matrix.pairs.length <= PAIRS_SHOWN });
  return make("div", {}, make("h4", { text: matrix.pairs.length ? strings.pairs : strings.no_mistakes }), list, more);
}

function chooseCell(model, cell) {
  const [actual, said] = model.get("selected_cell");
  model.send({ kind: "cell", ...(actual === cell.actual && said === cell.said ? {} : cell) });
}

// A grid: one stop of the tab key, arrows move within, Enter chooses.
function drawTable(model, matrix, strings) {
  const { labels, totals } = matrix;
  const counts = new Map(matrix.cells.map(([i, j, count]) => [`${i} ${j}`, count]));
  const head = make("tr", {}, make("td"), ...labels.map((text) => make("th", { scope: "col" }, make("span", { text, title: text }))), make("th", { scope: "col", class: "fm-cm-n", text: strings.n }));
  const rows = labels.map((actual, i) => make("tr", {},
    make("th", { scope: "row" }, make("span", { text: actual, title: actual })),
    ...labels.map((said, j) => drawCell(counts.get(`${i} ${j}`) ?? 0, { actual, said, n: totals[i] }, strings)),
    make("td", { class: "fm-cm-n", text: String(totals[i]) })));
  const table = make("table", { class: `fm-cm ${labels.length > 5 ? "is-many" : ""}`, role: "grid", "aria-label": `${strings.matrix}. ${strings.axes}` }, make("thead", {}, head), make("tbody", {}, ...rows));
  const grid = rows.map((row) => [...row.querySelectorAll("[data-said]")]);
  const [i, j] = matrix.pairs[0] ?? [0, 0];
  if (grid.length) grid[i][j].tabIndex = 0;
  table.addEventListener("click", ({ target }) => {
    const cell = target.closest("[data-said]");
    if (cell) chooseCell(model, { actual: cell.dataset.actual, said: cell.dataset.said });
  });
  table.addEventListener("keydown", (event) => moveInGrid(event, grid, model));
  return make("div", { class: "fm-cm-scroll" }, table);
}

function drawCell(count, { actual, said, n }, strings) {
  const right = actual === said;
  const kind = right ? "is-right" : count ? "is-wrong" : "is-none";
  const label = fill(right ? strings.cell_right : strings.cell, { actual, said, count, n });
  return make("td", { class: `fm-cm-cell ${kind}`, role: "gridcell", tabindex: -1, "aria-label": label, title: label, "aria-selected": "false", "data-actual": actual, "data-said": said, text: String(count) });
}

function moveInGrid(event, grid, model) {
  const i = grid.findIndex((row) => row.includes(event.target));
  if (i < 0) return;
  const j = grid[i].indexOf(event.target);
  const last = grid.length - 1;
  const to = { ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1], ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], Home: [i, 0], End: [i, last] }[event.key];
  if (event.key === "Enter" || event.key === " ") event.target.click();
  else if (event.key === "Escape") model.send({ kind: "cell" });
  else if (!to) return;
  event.preventDefault();
  event.stopPropagation();
  const next = to && grid[to[0]]?.[to[1]];
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// --- The photos -----------------------------------------------------------------------------------------------

function drawPhotos(model, strings) {
  const title = make("h3");
  const note = make("p", { class: "fm-soft fm-small" });
  const clean = makeButton(strings.clean, () => model.send({ kind: "clean" }));
  const back = makeButton(strings.back, () => model.send({ kind: "cell" }), { kind: "fm-quiet" });
  const place = make("div", { class: "fm-results-gallery" });
  const root = make("section", { class: "fm-card fm-results-photos" }, make("div", { "aria-live": "polite" }, title, note), place, make("div", { class: "fm-row" }, clean, back));
  const update = () => {
    const [actual, said] = model.get("selected_cell");
    const n = model.get("_n_selected");
    title.textContent = actual === undefined ? strings.losses : fill(actual === said ? strings.cell_right_title : strings.cell_title, { actual, said });
    note.textContent = actual === undefined ? strings.losses_note : n === 1 ? strings.count_one : fill(strings.count, { n });
    back.hidden = actual === undefined;
    clean.hidden = !model.get("offers_cleaning") || n === 0;
  };
  return { root, place, update };
}

// --- Class by class, and what else should be known ------------------------------------------------------------

function drawClasses(model, strings) {
  const body = make("tbody");
  const head = [strings.class, strings.found, strings.precision].map((text) => make("th", { scope: "col", text }));
  const table = make("table", { class: "fm-results-classes" }, make("thead", {}, make("tr", {}, ...head)), body);
  const update = () => body.replaceChildren(...model.get("_classes").map((line) => make("tr", {},
    make("th", { scope: "row", text: line.label }),
    make("td", {}, make("span", { text: line.found }), make("small", { text: line.found_ci })),
    make("td", {}, make("span", { text: line.precision }), make("small", { text: line.precision_ci })))));
  return { root: make("section", { class: "fm-card" }, make("h3", { text: strings.classes }), make("div", { class: "fm-cm-scroll" }, table)), update };
}

function drawNotes(model, strings) {
  const root = make("div", { class: "fm-results-notes" });
  const update = () => {
    const notes = model.get("_notes");
    const left = model.get("_left_out");
    root.replaceChildren();
    if (notes.length) root.append(make("section", { class: "fm-card" }, make("h3", { text: strings.notes }), make("ul", { class: "fm-plain" }, ...notes.map((text) => make("li", { text })))));
    if (left.title) root.append(make("details", { class: "fm-card" }, make("summary", { text: left.title }), make("ul", { class: "fm-plain" }, ...left.lines.map(({ name, reason }) => make("li", { text: `${name}: ${reason}` }))), make("p", { class: "fm-soft", text: left.more })));
  };
  return { root, update };
}
