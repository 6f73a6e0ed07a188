// The browser's side of the importer: where photos come from, how far it is, what came, and the photos.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const source = drawSource(model, strings);
    const busy = drawProgress(model, strings, () => strings.reading_hint);
    const result = drawResult(model, strings);
    const photos = drawPhotos(model, strings);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const collect = make("div", { hidden: !model.get("collector") });
    const record = make("div", { hidden: !model.get("recorder") });
    const root = make("section", { class: "fm-importer", "aria-label": strings.region }, problem, busy.root, result.root, make("div", { class: "fm-importer-ways" }, collect, source.root, record), photos.root);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      showState(root, model.get("state"));
      const failed = model.get("problem") !== problem.textContent;
      showText(problem, model.get("problem"));
      if (failed && problem.textContent) problem.scrollIntoView({ block: "nearest" }); // what was pressed may lie far below
      for (const part of [source, busy, result, photos]) part.update();
    };
    follow(model, ["state", "problem", "label", "waiting", "_n_unlabelled", "_offers_labelling", "_has_project", "_result", "_progress", "_counts", "_is_sealed"], update);
    const [uploader, gallery] = await Promise.all([host.getWidget(model.get("uploader")), host.getWidget(model.get("gallery"))]);
    for (const [way, place] of [["collector", collect], ["recorder", record]]) if (model.get(way)) await (await host.getWidget(model.get(way))).render({ el: place });
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
  const nowhere = make("input", { type: "checkbox", on: { change: () => { inFile.disabled = nowhere.checked; regex.disabled = nowhere.checked || !inFile.checked; } } });
  const go = () => model.send({ kind: "import", source: path.value, name: name.value, regex: inFile.checked && !nowhere.checked ? regex.value : "", unlabelled: nowhere.checked, sealed: sealed.value });
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
    make("label", { class: "fm-row" }, nowhere, make("span", { text: strings.labels_none })),
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

function drawResult(model, strings) {
  const root = make("div", { class: "fm-card fm-importer-result", role: "status", hidden: true });
  const update = () => {
    const result = model.get("_result");
    root.hidden = !result.headline || model.get("state") === "busy";
    if (root.hidden) return;
    root.replaceChildren(
      make("h2", { class: "fm-title", text: result.headline }),
      ...(result.took ? [make("p", { class: "fm-soft", text: result.took })] : []),
      ...(result.can_undo ? [makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" })] : []),
      ...(result.sealed ? [make("p", { text: result.sealed })] : []),
      ...(result.waiting && model.get("_n_unlabelled") ? [make("p", { text: result.waiting })] : []),
      ...(result.lists ?? []).map(drawList),
      ...(result.skipped ? [make("p", { class: "fm-soft", text: result.skipped })] : []));
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
  const waits = make("span");
  const label = make("div", { class: "fm-card fm-row fm-importer-waiting", hidden: true }, waits, makeButton(strings.label_them, () => model.send({ kind: "label_them" }), { kind: "fm-primary" }));
  const root = make("div", { class: "fm-importer-photos" }, label, chips, place);
  const update = () => {
    const counts = model.get("_counts");
    const waiting = model.get("_n_unlabelled");
    root.hidden = counts.length === 0 && waiting === 0;
    label.hidden = !model.get("_offers_labelling");
    waits.textContent = waiting === 1 ? strings.unlabelled_one : fill(strings.unlabelled, { n: waiting.toLocaleString() });
    const total = counts.reduce((sum, { n }) => sum + n, waiting);
    const none = waiting && counts.length ? [{ label: "", title: strings.no_label, n: waiting, waiting: true }] : [];
    const focused = chips.contains(document.activeElement) ? [...chips.children].indexOf(document.activeElement) : -1;
    chips.replaceChildren(...[{ label: "", title: strings.all, n: total }, ...counts, ...none].map(({ label, title, n, waiting: open = false }) =>
      make("button", { type: "button", class: "fm-filter", "aria-pressed": String(model.get("label") === label && model.get("waiting") === open), on: { click: () => model.send({ kind: "label", label, waiting: open }) } },
        make("bdi", { text: title ?? label }), make("span", { class: "fm-soft", text: ` ${n.toLocaleString()}` }))));
    if (focused >= 0) chips.children[focused]?.focus();
  };
  return { root, place, update };
}
