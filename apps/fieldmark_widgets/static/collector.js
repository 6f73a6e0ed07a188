// The browser's side of the collector: what to look for, how far it is, what came, what did not and why.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const form = drawForm(model, strings);
    const busy = drawProgress(model, strings, ({ failed }) => (failed ? `${strings.failed}: ${failed}` : ""));
    const result = drawResult(model, strings);
    const problem = drawProblem(model, strings);
    const latest = make("div", { class: "fm-collector-latest" });
    const root = make("section", { class: "fm-collector", "aria-label": strings.region }, problem.root, busy.root, result.root, form.root, latest);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      showState(root, model.get("state"));
      for (const part of [form, busy, result, problem]) part.update();
    };
    for (const name of ["state", "problem", "terms", "n", "provider", "licence", "_progress", "_result", "_goes_on", "_is_first", "_offers_sample"]) model.on(`change:${name}`, update);
    update();
    const gallery = await host.getWidget(model.get("latest"));
    await gallery.render({ el: latest });
    const showLatest = () => { latest.hidden = model.get("state") !== "busy" && !(model.get("_shows_photos") && model.get("state") === "ready"); };
    model.on("change:state", showLatest);
    showLatest();
  },
};

function drawForm(model, strings) {
  const terms = make("div", { class: "fm-collector-terms" });
  const source = make("select", { class: "fm-select", "aria-label": strings.source }, ...model.get("_sources").map(({ name, title }) => make("option", { value: name, text: title })));
  const licence = make("select", { class: "fm-select", "aria-label": strings.licence }, ...Object.entries(model.get("_licences")).map(([value, text]) => make("option", { value, text })));
  const count = make("input", { type: "number", class: "fm-input", min: 1, max: 1000, "aria-label": strings.n, inputmode: "numeric" });
  const note = make("p", { class: "fm-soft fm-collector-note" });
  const written = () => [...terms.children].map((field) => field.value);
  const go = makeButton(strings.collect, () => model.send({ kind: "collect", terms: written(), n: Number.parseInt(count.value, 10), provider: source.value, licence: licence.value }), { kind: "fm-primary" });
  const title = make("summary", { class: "fm-importer-title", text: strings.title });
  const field = (label, control) => make("label", { class: "fm-field" }, make("span", { text: label }), control);
  const root = make("details", { class: "fm-card fm-importer-source", open: true }, title, make("p", { class: "fm-soft", text: strings.intro }), terms,
    make("div", { class: "fm-collector-options" }, field(strings.source, source), field(strings.licence, licence), field(strings.n, count)),
    note, make("div", { class: "fm-row" }, go, make("span", { class: "fm-soft", text: strings.offline_hint })));

  const addTerm = (value) => {
    const place = terms.children.length + 1;
    const input = make("input", { type: "text", class: "fm-input", "aria-label": fill(strings.term_n, { n: place }), placeholder: value ? strings.term : strings.term_hint, value, maxlength: 200 });
    input.addEventListener("input", () => { if (input === terms.lastElementChild && input.value && terms.children.length < 12) addTerm(""); });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") go.click(); });
    terms.append(input);
  };
  const explain = () => {
    const chosen = model.get("_sources").find(({ name }) => name === source.value);
    note.textContent = chosen.tells_licence ? chosen.note : strings.unknown;
    note.classList.toggle("is-warning", !chosen.tells_licence);
    licence.disabled = !chosen.tells_licence;
  };
  source.addEventListener("change", explain);
  let shown = null;
  let first = null;
  let result = model.get("_result");
  const update = () => {
    root.hidden = model.get("state") === "busy";
    if (first !== model.get("_is_first")) root.open = model.get("_is_first"); // out of the way where photos came otherwise
    first = model.get("_is_first");
    if (result !== model.get("_result")) {
      result = model.get("_result");
      root.open = !result.classes || Boolean(result.problems?.length); // all came: the photos are what counts now
    }
    title.textContent = first && !result.classes ? strings.title : strings.title_more;
    go.textContent = model.get("_goes_on") ? strings.go_on : strings.collect;
    const now = JSON.stringify([model.get("terms"), model.get("n"), model.get("provider"), model.get("licence")]);
    if (now === shown) return; // what somebody is typing stays
    shown = now;
    terms.replaceChildren();
    for (const term of [...model.get("terms"), ""]) addTerm(term);
    count.value = model.get("n");
    source.value = model.get("provider");
    licence.value = model.get("licence");
    explain();
  };
  return { root, update };
}

function drawResult(model, strings) {
  const root = make("div", { class: "fm-card fm-collector-result", role: "status", hidden: true });
  const update = () => {
    const result = model.get("_result");
    root.hidden = !result.headline || model.get("state") === "busy";
    if (root.hidden) return;
    root.replaceChildren(
      make("h2", { class: "fm-title", text: result.headline }),
      make("div", { class: "fm-row fm-collector-counts" }, ...(result.classes ?? []).map(({ label, text }) =>
        make("span", { class: "fm-chip" }, make("bdi", { text: label }), make("span", { text })))),
      ...drawLines(strings.problems, result.problems, true),
      ...drawLines(`${strings.failed}: ${result.n_failed}`, result.failed, false),
      ...(result.duplicates ? [make("p", { class: "fm-soft", text: result.duplicates })] : []),
      ...drawLines(strings.spread, result.spread, true),
      ...(result.credits ? [make("p", { class: "fm-soft", text: result.credits })] : []));
  };
  return { root, update };
}

function drawLines(title, lines, open) {
  if (!lines?.length) return [];
  return [make("details", { class: "fm-importer-list", open }, make("summary", { text: title }),
    make("ul", { class: "fm-plain" }, ...lines.map((line) => make("li", {}, make("bdi", { text: line })))))];
}

function drawProblem(model, strings) {
  const text = make("p");
  const sample = makeButton(strings.sample, () => model.send({ kind: "sample" }));
  const root = make("div", { class: "fm-failure", role: "alert", hidden: true }, text, sample);
  const update = () => {
    text.textContent = model.get("problem");
    root.hidden = !text.textContent;
    sample.hidden = !model.get("_offers_sample");
  };
  return { root, update };
}
