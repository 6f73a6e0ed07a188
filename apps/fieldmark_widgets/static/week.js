// What the week was like: its figures large, each with its sentence; then the others; then the page to keep.
function drawWeek(model, strings) {
  const large = make("div", { class: "fm-monitor-figures" }), others = make("div", { class: "fm-monitor-sentences" });
  const zone = make("p", { class: "fm-soft fm-small" });
  const save = makeButton(strings.report, () => { save.disabled = true; model.send({ kind: "report" }); }, { title: strings.report_hint });
  const root = make("div", { class: "fm-card fm-monitor-week" }, make("h3", { text: strings.figures }), large, others, zone, save);
  model.on("msg:custom", ({ kind, name }, buffers) => {
    if (kind !== "report" || !save.disabled) return; // another page of the same kernel asked
    save.disabled = false;
    const url = makeImageUrl(buffers[0], "text/html"), link = make("a", { href: url, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  });
  const update = () => {
    root.hidden = model.get("_wall").length === 0; // nothing has begun yet
    if (model.get("problem")) save.disabled = false;
    zone.textContent = fill(strings.zone, { zone: model.get("_station").zone ?? "" });
    const figures = model.get("_figures"), said = JSON.stringify(figures);
    if (root.dataset.said === said) return;
    root.dataset.said = said;
    large.replaceChildren(...figures.filter(({ name }) => name).map(({ name, value, text }) =>
      make("div", { class: "fm-monitor-figure" }, make("span", { class: "fm-soft fm-small", text: name }), make("strong", { text: value }), make("p", { class: "fm-small", text }))));
    others.replaceChildren(...figures.filter(({ name }) => !name).map(({ text }) => make("p", { text })));
  };
  return { root, update };
}
