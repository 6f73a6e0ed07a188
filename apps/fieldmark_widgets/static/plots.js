// Plots as SVG, drawn for the width there is: bars with intervals, points against a diagonal, and lines. Every mark is
// a button that leads to the photos behind it, and says its number in words; below each plot stand the same as a table.

const PLOT = { row: 44, left: 8, right: 12, bottom: 44, high: 320, most: 720 };
const INKS = ["--fm-card", "--fm-ink", "--fm-soft", "--fm-line", "--fm-strong-line", "--fm-green", "--fm-green-bg", "--fm-red", "--fm-red-bg", "--fm-amber", "--fm-blue", "--fm-sunk"];

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A figure: title, note, the plot, what it says as a table, and saving it. `onMark` gets the key of a mark.
function drawFigure(figure, strings, onMark) {
  const place = make("div", { class: "fm-plot" });
  const draw = { bars: drawBars, points: drawPoints, line: drawLine }[figure.kind];
  const redraw = () => {
    const width = Math.min(PLOT.most, place.clientWidth);
    if (width > 0) place.replaceChildren(draw(figure, width, onMark));
  };
  const resized = new ResizeObserver(redraw);
  resized.observe(place);
  const table = make("details", { class: "fm-plot-table" }, make("summary", { text: strings.as_table }), drawNumbers(figure, strings));
  const save = (kind) => makeButton(strings[`save_${kind}`], () => saveAs(kind, place.querySelector("svg"), figure.name), { kind: "fm-quiet" });
  return make("figure", { class: "fm-figure-card" },
    make("figcaption", {}, make("h3", { text: figure.title }), make("p", { class: "fm-soft fm-small", text: figure.note })),
    place, table, make("div", { class: "fm-row" }, save("svg"), save("png")));
}

function drawNumbers(figure, strings) {
  const rows = figure.rows.map((row) => make("tr", {}, make("th", { scope: "row", text: row.label }), make("td", { text: row.text })));
  return make("div", { class: "fm-cm-scroll" }, make("table", { class: "fm-results-classes" }, make("thead", {}, make("tr", {}, make("th", { scope: "col", text: figure.heading ?? strings.class }), make("th", { scope: "col", text: figure.y ?? figure.x }))), make("tbody", {}, ...rows)));
}

function markOf(row, onMark, ...shapes) {
  if (!row.key.length) return svg("g", { role: "img", "aria-label": `${row.label}: ${row.text}` }, ...shapes);
  const choose = () => onMark(row.key);
  const group = svg("g", { class: "fm-mark-of", role: "button", tabindex: 0, "aria-label": `${row.label}: ${row.text}`, "data-key": JSON.stringify(row.key) }, svg("title", { text: `${row.label}: ${row.text}` }), ...shapes);
  group.addEventListener("click", choose);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  });
  return group;
}

function frame(figure, width, height, ...children) {
  return svg("svg", { class: "fm-svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": figure.title }, ...children);
}

const percent = (share) => `${Math.round(100 * share)} %`;

// Horizontal bars, each with its label and numbers above it: nothing is cut at a phone's width.
function drawBars(figure, width, onMark) {
  const { row, left, right } = PLOT, inner = width - left - right, height = figure.rows.length * row + PLOT.bottom;
  const x = (share) => left + share * inner, bottom = height - PLOT.bottom;
  const marks = figure.rows.map((line, i) => {
    const top = i * row, middle = top + 31;
    const shapes = [svg("rect", { x: 0, y: top, width, height: row, fill: "transparent" }),
      svg("text", { x: left, y: top + 15, class: "fm-svg-label", text: shorten(line.label, Math.floor((inner - 170) / 8)) }),
      svg("text", { x: width - right, y: top + 15, class: "fm-svg-soft", "text-anchor": "end", text: line.text }),
      svg("rect", { x: left, y: top + 24, width: inner, height: 14, rx: 4, fill: "var(--fm-sunk)" })];
    if (line.value !== null) shapes.push(
      svg("rect", { x: left, y: top + 24, width: Math.max(2, line.value * inner), height: 14, rx: 4, fill: "var(--fm-green)" }),
      svg("path", { d: `M${x(line.low)} ${middle}H${x(line.high)}M${x(line.low)} ${middle - 5}v10M${x(line.high)} ${middle - 5}v10`, stroke: "var(--fm-ink)", "stroke-width": 2, fill: "none" }));
    return markOf(line, onMark, ...shapes);
  });
  return frame(figure, width, height, ...marks, ...axisX(figure, x, bottom, width));
}

function axisX(figure, x, bottom, width, ticks = [0, 0.25, 0.5, 0.75, 1], say = percent) {
  return [svg("path", { d: `M${x(ticks[0])} ${bottom}H${x(ticks.at(-1))}`, stroke: "var(--fm-strong-line)" }),
    ...ticks.map((tick, i) => svg("text", { x: x(tick), y: bottom + 17, class: "fm-svg-soft", "text-anchor": i === 0 ? "start" : i === ticks.length - 1 ? "end" : "middle", text: say(tick) })),
    svg("text", { x: width / 2, y: bottom + 36, class: "fm-svg-soft", "text-anchor": "middle", text: figure.x })];
}

function axisY(figure, y, left, ticks, say = percent) {
  return [...ticks.flatMap((tick) => [svg("text", { x: left - 8, y: y(tick) + 4, class: "fm-svg-soft", "text-anchor": "end", text: say(tick) }),
    svg("path", { d: `M${left} ${y(tick)}H${y.to}`, stroke: "var(--fm-line)" })]),
  svg("text", { x: 0, y: 0, transform: `translate(14 ${(y(ticks[0]) + y(ticks.at(-1))) / 2}) rotate(-90)`, class: "fm-svg-soft", "text-anchor": "middle", text: figure.y })];
}

function whisker(x, low, high) {
  return svg("path", { d: `M${x} ${low}V${high}M${x - 5} ${low}h10M${x - 5} ${high}h10`, stroke: "var(--fm-ink)", "stroke-width": 2, fill: "none" });
}

// Points with intervals against the diagonal where both axes say the same.
function drawPoints(figure, width, onMark) {
  const left = 62, height = Math.min(PLOT.high + 60, width), top = 12, bottom = height - PLOT.bottom, right = width - PLOT.right;
  const x = (share) => left + share * (right - left), y = Object.assign((share) => bottom - share * (bottom - top), { to: right });
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const marks = figure.rows.map((row) => markOf(row, onMark, svg("rect", { x: x(row.x) - 14, y: top, width: 28, height: bottom - top, fill: "transparent" }),
    whisker(x(row.x), y(row.low), y(row.high)), svg("circle", { cx: x(row.x), cy: y(row.value), r: 7, fill: "var(--fm-green)", stroke: "var(--fm-card)", "stroke-width": 2 })));
  return frame(figure, width, height, ...axisY(figure, y, left, ticks), svg("path", { d: `M${x(0)} ${y(0)}L${x(1)} ${y(1)}`, stroke: "var(--fm-strong-line)", "stroke-dasharray": "6 5" }), ...marks, ...axisX(figure, x, bottom, (left + right)));
}

// A line through points with intervals, such as the error against the number of photos.
function drawLine(figure, width, onMark) {
  const left = 62, height = PLOT.high, top = 12, bottom = height - PLOT.bottom, right = width - PLOT.right;
  const most = Math.max(...figure.rows.map((row) => row.x)), highest = Math.min(1, Math.max(0.1, ...figure.rows.map((row) => row.high)));
  const x = (value) => left + (value / most) * (right - left), y = Object.assign((share) => bottom - (share / highest) * (bottom - top), { to: right });
  const points = figure.rows.map((row) => `${x(row.x)},${y(row.value)}`).join(" ");
  const marks = figure.rows.map((row) => markOf(row, onMark, svg("rect", { x: x(row.x) - 14, y: top, width: 28, height: bottom - top, fill: "transparent" }), whisker(x(row.x), y(row.low), y(row.high)), svg("circle", { cx: x(row.x), cy: y(row.value), r: 6, fill: "var(--fm-green)", stroke: "var(--fm-card)", "stroke-width": 2 })));
  return frame(figure, width, height, ...axisY(figure, y, left, [0, highest / 2, highest], (share) => `${(100 * share).toFixed(1)} %`), svg("polyline", { points, fill: "none", stroke: "var(--fm-green)", "stroke-width": 2 }), ...marks, ...axisX(figure, x, bottom, left + right, [0, most / 2, most], (value) => Math.round(value).toLocaleString()));
}

function shorten(text, most) { return text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`; }

// --- Saving -----------------------------------------------------------------------------------------------------

// The picture alone, with colours and letters written into it, since no style sheet goes with a file.
function standalone(picture) {
  const style = getComputedStyle(picture), copy = picture.cloneNode(true);
  let text = new XMLSerializer().serializeToString(copy);
  for (const ink of INKS) text = text.replaceAll(`var(${ink})`, resolveColour(picture, ink));
  const rules = `text{font:13px ${style.fontFamily.replaceAll('"', "'")};fill:${resolveColour(picture, "--fm-soft")}}.fm-svg-label{font-weight:600;fill:${resolveColour(picture, "--fm-ink")}}`;
  return text.replace(/(<svg[^>]*>)/, `$1<style>${rules}</style><rect width="100%" height="100%" fill="${resolveColour(picture, "--fm-card")}"/>`);
}

function resolveColour(near, ink) {
  const probe = make("span", { hidden: true });
  probe.style.color = `var(${ink})`;
  near.parentElement.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

async function saveAs(kind, picture, name) {
  const text = standalone(picture), source = new Blob([text], { type: "image/svg+xml" });
  const content = kind === "svg" ? source : await asPng(source, picture.width.baseVal.value, picture.height.baseVal.value);
  const link = make("a", { href: URL.createObjectURL(content), download: `${name}.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function asPng(source, width, height, scale = 2) {
  const url = URL.createObjectURL(source), image = new Image();
  image.src = url;
  await image.decode();
  const canvas = make("canvas", { width: width * scale, height: height * scale });
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.drawImage(image, 0, 0, width, height);
  URL.revokeObjectURL(url);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
