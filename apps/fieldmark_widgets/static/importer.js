// The browser's side of the importer: where photos come from, how far it is, what came, and the photos.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const source = drawSource(model, strings);
    const busy = drawBusy(model, strings);
    const result = drawResult(model, strings);
    const photos = drawPhotos(model, strings);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const collect = make("div", { hidden: !model.get("collector") });
    const root = make("section", { class: "fm-importer", "aria-label": strings.region }, problem, busy.root, result.root, collect, source.root, photos.root);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      for (const part of [source, busy, result, photos]) part.update();
    };
    for (const name of ["state", "problem", "label", "_has_project", "_result", "_progress", "_counts", "_is_sealed"]) model.on(`change:${name}`, update);
    update();
    const [uploader, gallery] = await Promise.all([host.getWidget(model.get("uploader")), host.getWidget(model.get("gallery"))]);
    if (model.get("collector")) await (await host.getWidget(model.get("collector"))).render({ el: collect });
    await Promise.all([uploader.render({ el: source.drop }), gallery.render({ el: photos.place })]);
  },
};

function drawSource(model, strings) {
  const list = make("datalist", { id: `fm-paths-${Math.random().toString(36).slice(2)}` });
  const path = make("input", { type: "text", class: "fm-input", "aria-label": strings.path, placeholder: strings.path_hint, list: list.id, autocomplete: "off", spellcheck: "false", value: model.get("_source") });
  const name = make("input", { type: "text", class: "fm-input", "aria-label": strings.name });
  const regex = make("input", { type: "text", class: "fm-input", "aria-label": strings.regex, placeholder: strings.regex_hint, spellcheck: "false", disabled: true });
  const inFile = make("input", { type: "checkbox", on: { change: () => { regex.disabled = !inFile.checked; if (inFile.checked) regex.focus(); } } });
  const sealed = make("select", { class: "fm-input" }, ...["0", "10", "20"].map((value) => make("option", { value, text: strings[`sealed_${value}`] })));
  const go = () => model.send({ kind: "import", source: path.value, name: name.value, regex: inFile.checked ? regex.value : "", sealed: sealed.value });
  let waiting = null;
  path.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => model.send({ kind: "suggest", path: path.value }), 150);
  });
  path.addEventListener("keydown", (event) => { if (event.key === "Enter") go(); });
  model.on("msg:custom", (message) => {
    if (message.kind === "suggestions") list.replaceChildren(...message.paths.map((value) => make("option", { value })));
  });
  const title = make("summary", { class: "fm-importer-title" });
  const drop = make("div", { class: "fm-importer-drop" });
  const seal = make("div", {}, make("label", { class: "fm-field" }, make("span", { class: "fm-soft", text: strings.sealed }), sealed),
    make("p", { class: "fm-soft fm-small", text: strings.sealed_hint }));
  const options = make("details", { class: "fm-importer-options" }, make("summary", { text: strings.options }),
    make("label", { class: "fm-row" }, inFile, make("span", { text: strings.labels_regex })),
    make("label", { class: "fm-field" }, make("span", { class: "fm-soft", text: strings.regex }), regex),
    make("label", { class: "fm-field" }, make("span", { class: "fm-soft", text: strings.name }), name), seal);
  const root = make("details", { class: "fm-card fm-importer-source" }, title,
    make("p", { class: "fm-soft", text: strings.intro }),
    make("label", { class: "fm-field" }, make("span", { text: strings.path }),
      make("span", { class: "fm-importer-path" }, path, makeButton(strings.import, go, { kind: model.get("collector") ? "" : "fm-primary" }))), list, options,
    make("p", { class: "fm-importer-or", text: strings.drop }), drop,
    make("div", { class: "fm-row" }, makeButton(strings.sample, () => model.send({ kind: "sample" })), make("span", { class: "fm-soft", text: strings.sample_hint })));
  let before = null;
  const update = () => {
    const first = model.get("state") === "empty" || model.get("state") === "failed";
    title.textContent = first ? strings.title_new : strings.title_more;
    if (before !== first) root.open = first; // open while there is nothing else to do, out of the way afterwards
    before = first;
    seal.hidden = model.get("_is_sealed");
    root.hidden = model.get("state") === "busy";
  };
  return { root, drop, update };
}

function drawBusy(model, strings) {
  const text = make("p", { role: "status", class: "fm-importer-step" });
  const share = make("i");
  const root = make("div", { class: "fm-card", hidden: true }, text, make("span", { class: "fm-bar" }, share),
    make("div", { class: "fm-row fm-importer-cancel" }, makeButton(strings.cancel, () => model.send({ kind: "cancel" })), make("span", { class: "fm-soft", text: strings.reading_hint })));
  const update = () => {
    root.hidden = model.get("state") !== "busy";
    text.textContent = model.get("_progress").text ?? "";
    share.style.width = `${100 * (model.get("_progress").share ?? 0)}%`;
  };
  return { root, update };
}

function drawResult(model, strings) {
  const root = make("div", { class: "fm-card", role: "status", hidden: true });
  const update = () => {
    const result = model.get("_result");
    root.hidden = !result.headline || model.get("state") === "busy";
    if (root.hidden) return;
    root.replaceChildren(
      make("h2", { class: "fm-title", text: result.headline }),
      ...(result.sealed ? [make("p", { text: result.sealed })] : []),
      ...(result.took ? [make("p", { class: "fm-soft", text: result.took })] : []),
      ...(result.lists ?? []).map(drawList),
      ...(result.skipped ? [make("p", { class: "fm-soft", text: result.skipped })] : []),
      ...(result.can_undo ? [makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" })] : []));
  };
  return { root, update };
}

function drawList({ title, tone, n, lines }) {
  return make("details", { class: `fm-importer-list fm-tone-${tone}`, open: tone !== "quiet" && n <= 5 },
    make("summary", {}, make("span", { class: "fm-chip", text: n.toLocaleString() }), make("span", { text: ` ${title}` })),
    make("ul", { class: "fm-plain" }, ...lines.map((line) => make("li", {}, make("bdi", { text: line })))));
}

function drawPhotos(model, strings) {
  const chips = make("div", { class: "fm-row", role: "group", "aria-label": strings.photos });
  const place = make("div", { class: "fm-importer-gallery" });
  const root = make("div", { class: "fm-importer-photos" }, chips, place);
  const update = () => {
    const counts = model.get("_counts");
    root.hidden = counts.length === 0;
    const total = counts.reduce((sum, { n }) => sum + n, 0);
    const focused = chips.contains(document.activeElement) ? [...chips.children].indexOf(document.activeElement) : -1;
    chips.replaceChildren(...[{ label: "", title: strings.all, n: total }, ...counts].map(({ label, title, n }) =>
      make("button", { type: "button", class: "fm-filter", "aria-pressed": String(model.get("label") === label), on: { click: () => model.send({ kind: "label", label }) } },
        make("bdi", { text: title ?? label }), make("span", { class: "fm-soft", text: ` ${n.toLocaleString()}` }))));
    if (focused >= 0) chips.children[focused]?.focus();
  };
  return { root, place, update };
}
