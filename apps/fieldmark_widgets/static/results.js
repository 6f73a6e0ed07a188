// The browser's side of the results: the answer, and behind tabs, one figure at a time, why; beside it the photos behind
// whatever cell, bar or point is chosen.

const TABLE_CLASSES = 12; // up to so many the matrix comes first; above, the most frequent mistakes do
const WHOLE_CLASSES = 60; // up to so many there is a matrix at all
const PAIRS_SHOWN = 10;
const TABS = { mistakes: [], classes: ["found", "right", "f1"], sure: ["calibration"], where: ["slice_group", "slice_source", "slice_time", "slice_size"], field: ["field"], more: ["curve"], progress: ["progress"], test: ["test"] };

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const answer = drawAnswer(model), tabs = drawTabs(model, strings), photos = drawPhotos(model, strings);
    const parts = [drawEmpty(model, strings), drawStale(model, strings), drawBusy(model, strings), answer, tabs, photos];
    const [empty, stale, busy] = parts;
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const shown = make("div", { class: "fm-results-shown" },
      make("section", { class: "fm-card fm-results-answer", "aria-label": strings.question }, answer.root),
      tabs.list, make("div", { class: "fm-results-columns" }, tabs.root, photos.root));
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
    follow(model, ["state", "problem", "stale", "blockers", "selected_cell", "selected_mark", "_answer", "_matrix", "_figures", "_left_out", "_notes", "_progress", "_n_selected", "_title"], update);
    const go = () => { // where the photos are below the figure, go there
      const below = photos.root.offsetTop > tabs.root.offsetTop;
      if (below && (model.get("selected_cell").length || model.get("selected_mark").length)) photos.root.scrollIntoView({ block: "start" });
    };
    for (const name of ["selected_cell", "selected_mark"]) model.on(`change:${name}`, go);
    const gallery = await host.getWidget(model.get("gallery"));
    await gallery.render({ el: photos.place });
  },
};

// --- Tabs: one idea at a time ---------------------------------------------------------------------------------

function drawTabs(model, strings) {
  const id = `fm-tab-${Math.random().toString(36).slice(2)}`;
  const list = make("div", { class: "fm-results-tabs", role: "tablist", "aria-label": strings.tabs });
  const root = make("section", { class: "fm-card fm-results-panel", role: "tabpanel", id, tabindex: "0" });
  const matrix = drawMatrix(model, strings), notes = drawNotes(model, strings);
  let current = "mistakes", drawn = null;
  const names = () => Object.keys(TABS).filter((name) => name === "mistakes" || TABS[name].some((figure) => figure in model.get("_figures")));
  const show = (name, { focus = false } = {}) => {
    current = names().includes(name) ? name : "mistakes";
    list.replaceChildren(...names().map((tab) => make("button", { type: "button", class: "fm-results-tab", role: "tab", id: `${id}-${tab}`, "aria-controls": id, "aria-selected": String(tab === current), tabindex: tab === current ? 0 : -1, "data-tab": tab, text: strings[`tab_${tab}`], on: { click: () => show(tab, { focus: true }) } })));
    setAttribute(root, "aria-labelledby", `${id}-${current}`);
    if (focus) list.querySelector("[aria-selected=true]").focus();
    list.querySelector("[aria-selected=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
    if (current === "mistakes") root.replaceChildren(matrix.root, notes.root);
    else root.replaceChildren(...TABS[current].map((figure) => model.get("_figures")[figure]).filter(Boolean).map((figure) => drawAny(figure, model, strings)));
  };
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = names();
    show(all[(all.indexOf(current) + step + all.length) % all.length], { focus: true });
  });
  const update = () => {
    matrix.update();
    notes.update();
    if (drawn !== model.get("_figures")) {
      drawn = model.get("_figures");
      show(current);
    }
    const chosen = JSON.stringify(model.get("selected_mark"));
    for (const mark of root.querySelectorAll("[data-key]")) setAttribute(mark, "aria-pressed", String(mark.dataset.key === chosen));
  };
  return { root, list, update };
}

function drawAny(figure, model, strings) {
  const onMark = (key) => model.send({ kind: "mark", ...(JSON.stringify(key) === JSON.stringify(model.get("selected_mark")) ? {} : { key }) });
  if (figure.kind === "offer") return drawOffer(figure, model, strings);
  return figure.kind === "ledger" ? drawLedger(figure, onMark) : drawFigure(figure, strings, onMark);
}

// Something that is measured only when it is asked for, and asked about once more where that costs something.
function drawOffer(figure, model, strings) {
  const go = () => model.send({ kind: "measure", what: figure.name });
  const question = make("div", { class: "fm-results-stale", role: "alert", hidden: true }, make("p", { text: figure.confirm }),
    make("div", { class: "fm-row" }, makeButton(strings.open_now, go), makeButton(strings.not_now, () => { question.hidden = true; }, { kind: "fm-quiet" })));
  const ask = () => { question.hidden = false; question.querySelector("button").focus(); };
  return make("div", { class: "fm-results-offer" }, make("h3", { text: figure.title }), make("p", { text: figure.note }), make("ul", { class: "fm-plain", hidden: !figure.lines.length }, ...figure.lines.map((text) => make("li", { text }))),
    figure.button ? makeButton(figure.button, figure.confirm ? ask : go, { kind: "fm-primary" }) : null, question);
}

function drawLedger(figure, onMark) {
  const names = ["when", "data", "model", "result", "verdict"];
  const rows = figure.rows.map((row) => make("tr", {}, ...names.map((name, i) => make(i ? "td" : "th", { scope: i ? null : "row", "data-title": figure.columns[i] }, row[name] ? make("span", { text: row[name] }) : null, ...(name === "verdict" ? drawFlips(row, onMark) : [])))));
  return make("div", {}, make("h3", { text: figure.title }), make("p", { class: "fm-soft fm-small", text: figure.note }),
    make("table", { class: "fm-results-classes fm-ledger" }, make("thead", {}, make("tr", {}, ...figure.columns.map((text) => make("th", { scope: "col", text })))), make("tbody", {}, ...rows)));
}

// The photos that changed sides in a training, behind a button each.
function drawFlips(row, onMark) {
  return row.marks.map(({ key, text }) => make("button", { type: "button", class: "fm-ledger-flips", "data-key": JSON.stringify(key), "aria-pressed": "false", text, on: { click: () => onMark(key) } }));
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
  let drawn = null, way = "counts";
  const ways = make("div", { class: "fm-results-ways", role: "group", "aria-label": strings.ways }, ...["counts", "rows", "columns"].map((name) => make("button", { type: "button", class: "fm-results-way", "data-way": name, "aria-pressed": String(name === way), text: strings[`way_${name}`], on: { click: () => { way = name; drawn = null; update(); } } })));
  const save = (kind) => makeButton(strings[`save_${kind}`], () => saveMatrix(kind, model.get("_matrix"), strings, way, place), { kind: "fm-quiet" });
  const root = make("div", { class: "fm-results-matrix" }, make("h3", { text: strings.matrix }), ways, place, make("div", { class: "fm-row" }, save("svg"), save("png")));
  const update = () => {
    const matrix = model.get("_matrix");
    if (matrix !== drawn) {
      drawn = matrix;
      place.replaceChildren(...(matrix.labels ? drawMatrixParts(model, matrix, strings, way) : []));
      for (const button of ways.children) setAttribute(button, "aria-pressed", String(button.dataset.way === way));
    }
    const [actual, said] = model.get("selected_cell");
    for (const cell of place.querySelectorAll("[data-said]")) {
      const chosen = cell.dataset.actual === actual && cell.dataset.said === said;
      setAttribute(cell, cell.localName === "td" ? "aria-selected" : "aria-pressed", String(chosen));
    }
  };
  return { root, update };
}

function drawMatrixParts(model, matrix, strings, way) {
  const n = matrix.labels.length;
  if (n <= TABLE_CLASSES) return [make("p", { class: "fm-soft fm-small", text: strings.axes }), drawTable(model, matrix, strings, way), drawMistakes(matrix, strings)];
  const pairs = drawPairs(model, matrix, strings);
  if (n > WHOLE_CLASSES) return [pairs, make("p", { class: "fm-soft fm-small", text: fill(strings.too_many, { n }) })];
  const whole = make("details", { class: "fm-results-whole" }, make("summary", { text: strings.whole }), make("p", { class: "fm-soft fm-small", text: strings.axes }), drawTable(model, matrix, strings, way));
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
function drawTable(model, matrix, strings, way) {
  const { labels, totals } = matrix;
  const counts = new Map(matrix.cells.map(([i, j, count]) => [`${i} ${j}`, count]));
  const head = make("tr", {}, make("td"), ...labels.map((text) => make("th", { scope: "col" }, make("span", { text, title: text }))), make("th", { scope: "col", class: "fm-cm-n", text: strings.n }));
  const rows = labels.map((actual, i) => make("tr", {},
    make("th", { scope: "row" }, make("span", { text: actual, title: actual })),
    ...labels.map((said, j) => drawCell(counts.get(`${i} ${j}`) ?? 0, { actual, said, n: totals[i], shown: sayCell(matrix, i, j, way) }, strings)),
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

// What a cell shows: a count, or its share of all that are such (by row), or that were called so (by column).
function sayCell({ cells, totals }, i, j, way) {
  const count = cells.find(([a, b]) => a === i && b === j)?.[2] ?? 0;
  if (way === "counts") return String(count);
  const whole = way === "rows" ? totals[i] : cells.reduce((sum, [, b, n]) => sum + (b === j ? n : 0), 0);
  return whole ? `${Math.round((100 * count) / whole)} %` : "–";
}

// The matrix as a picture, for saving it.
function saveMatrix(kind, matrix, strings, way, place) {
  const { labels, totals } = matrix, left = 150, side = 72, top = 60, n = labels.length;
  const cells = labels.flatMap((actual, i) => labels.map((said, j) => {
    const text = sayCell(matrix, i, j, way), some = !/^(0|0 %|–)$/.test(text), ground = !some ? "--fm-card" : i === j ? "--fm-green-bg" : "--fm-red-bg";
    return svg("g", {}, svg("rect", { x: left + j * side + 2, y: top + i * side + 2, width: side - 4, height: side - 4, rx: 8, fill: `var(${ground})`, stroke: "var(--fm-line)" }),
      svg("text", { class: "fm-svg-label", x: left + (j + 0.5) * side, y: top + (i + 0.5) * side + 5, "text-anchor": "middle", text }));
  }));
  const names = labels.flatMap((label, i) => [svg("text", { x: left - 10, y: top + (i + 0.5) * side + 5, "text-anchor": "end", text: `${shorten(label, 12)} (${totals[i]})` }), svg("text", { x: left + (i + 0.5) * side, y: top - 10, "text-anchor": "middle", text: shorten(label, 9) })]);
  const picture = frame({ title: strings.matrix }, left + n * side + 16, top + n * side + 44, svg("text", { class: "fm-svg-label", x: 8, y: 22, text: `${strings.matrix} (${strings[`way_${way}`]})` }), ...names, ...cells, svg("text", { x: 8, y: top + n * side + 28, text: strings.axes_short }));
  place.append(picture);
  saveAs(kind, picture, "confusion").finally(() => picture.remove());
}

function drawCell(count, { actual, said, n, shown }, strings) {
  const right = actual === said;
  const kind = right ? "is-right" : count ? "is-wrong" : "is-none";
  const label = fill(right ? strings.cell_right : strings.cell, { actual, said, count, n });
  return make("td", { class: `fm-cm-cell ${kind}`, role: "gridcell", tabindex: -1, "aria-label": label, title: label, "aria-selected": "false", "data-actual": actual, "data-said": said, text: shown });
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
    const some = model.get("selected_cell").length || model.get("selected_mark").length;
    const n = model.get("_n_selected");
    title.textContent = some ? model.get("_title") || strings.none_behind : strings.losses;
    note.textContent = !some ? strings.losses_note : n === 1 ? strings.count_one : fill(strings.count, { n });
    back.hidden = !some;
    clean.hidden = !model.get("offers_cleaning") || n === 0;
  };
  return { root, place, update };
}

// --- What else should be known --------------------------------------------------------------------------------

function drawNotes(model, strings) {
  const root = make("div", { class: "fm-results-notes" });
  const update = () => {
    const notes = model.get("_notes");
    const left = model.get("_left_out");
    root.replaceChildren();
    if (notes.length) root.append(make("section", {}, make("h3", { text: strings.notes }), make("ul", { class: "fm-plain" }, ...notes.map((text) => make("li", { text })))));
    if (left.title) root.append(make("details", {}, make("summary", { text: left.title }), make("ul", { class: "fm-plain" }, ...left.lines.map(({ name, reason }) => make("li", { text: `${name}: ${reason}` }))), make("p", { class: "fm-soft", text: left.more })));
  };
  return { root, update };
}
