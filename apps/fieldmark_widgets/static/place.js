// A plan that needs no internet: the cameras with a place, north up, with a scale.
function drawPlace(model, strings) {
  const SIZE = 320, EDGE = 44, METRES = 111_320;
  const svg = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const canvas = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", class: "fm-monitor-plan-map" });
  const root = make("div", { class: "fm-card" }, make("h3", { text: strings.plan_map }), canvas);
  const update = () => {
    const tiles = model.get("_wall").filter(({ place }) => place);
    root.hidden = tiles.length < 2;
    const said = JSON.stringify(tiles.map(({ name, place, urgency }) => [name, place, urgency]));
    if (root.hidden || canvas.dataset.said === said) return;
    canvas.dataset.said = said;
    const [south, west] = [0, 1].map((axis) => Math.min(...tiles.map(({ place }) => place[axis])));
    const narrower = Math.cos((tiles[0].place[0] * Math.PI) / 180);
    const points = tiles.map(({ place }) => [(place[1] - west) * narrower * METRES, (place[0] - south) * METRES]);
    const metres = Math.max(...points.flat(), 1), scale = (SIZE - 2 * EDGE) / metres;
    const bar = 10 ** Math.floor(Math.log10(metres / 2 || 1));
    canvas.setAttribute("aria-label", fill(strings.plan_text, { n: tiles.length }));
    canvas.replaceChildren(
      ...tiles.flatMap(({ name, urgency }, i) => {
        const x = EDGE + points[i][0] * scale, y = SIZE - EDGE - points[i][1] * scale;
        return [svg("circle", { cx: x, cy: y, r: 7, class: `is-${urgency}` }), svg("text", { x, y: y - 12, "text-anchor": "middle" }, name)];
      }),
      svg("path", { d: `M${EDGE} ${SIZE - 10}h${bar * scale}`, class: "fm-monitor-scale" }),
      svg("text", { x: EDGE, y: SIZE - 16 }, bar < 1000 ? fill(strings.metres, { n: bar }) : fill(strings.kilometres, { n: bar / 1000 })));
  };
  return { root, update };
}
