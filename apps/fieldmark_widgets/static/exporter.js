// The browser's side of the exporter: one button, the saved models, and a download that comes through the kernel.

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const did = make("p", { class: "fm-checker-done", role: "status", hidden: true });
    const parts = [drawEmpty(model, strings), drawSave(model, strings), drawModels(model, strings)];
    const root = make("section", { class: "fm-exporter", "aria-label": strings.region }, problem, did, ...parts.map((part) => part.root));
    el.classList.add("fm");
    el.append(root);
    const update = () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      did.textContent = model.get("_did");
      did.hidden = !did.textContent;
      for (const part of parts) part.update();
    };
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => { due = false; update(); });
    };
    for (const name of ["state", "problem", "blockers", "_title", "_stale", "_models", "_served", "_can_go_back", "_did", "_progress"]) model.on(`change:${name}`, soon);
    const take = (message, buffers) => { if (message.kind === "chunk") parts[2].take(message, buffers[0]); };
    model.on("msg:custom", take);
    update();
    return () => model.off("msg:custom", take);
  },
};

function drawEmpty(model, strings) {
  const list = make("div");
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), list);
  const update = () => {
    root.hidden = model.get("blockers").length === 0;
    list.replaceChildren(...model.get("blockers").map((text) => make("p", { class: "fm-soft", text })));
  };
  return { root, update };
}

function drawSave(model, strings) {
  const name = make("input", { type: "text", class: "fm-input", placeholder: strings.name_hint, maxlength: "80" });
  name.addEventListener("change", () => model.send({ kind: "title", text: name.value }));
  const stale = make("p", { class: "fm-trainer-stale fm-exporter-stale", text: strings.stale });
  const save = makeButton("", () => model.send({ kind: "save" }), { kind: "fm-primary" });
  const text = make("p", { class: "fm-importer-step", role: "status" });
  const share = make("i");
  const busy = make("div", {}, text, make("span", { class: "fm-bar" }, share),
    make("div", { class: "fm-row fm-importer-cancel" }, makeButton(strings.cancel, () => model.send({ kind: "cancel" }))));
  const idle = make("div", { class: "fm-exporter-form" }, make("label", { class: "fm-field" }, make("span", { text: strings.name }), name), stale, save);
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.title }), make("p", { class: "fm-soft fm-exporter-intro", text: strings.intro }), idle, busy);
  const update = () => {
    const working = model.get("state") === "busy";
    root.hidden = model.get("blockers").length > 0;
    idle.hidden = working;
    busy.hidden = !working;
    if (document.activeElement !== name) name.value = model.get("_title");
    stale.hidden = !model.get("_stale");
    save.textContent = model.get("_models").length ? strings.again : strings.save;
    save.classList.toggle("fm-primary", !model.get("_models").length || model.get("_stale"));
    text.textContent = model.get("_progress").text ?? "";
    share.style.width = `${100 * (model.get("_progress").share ?? 0)}%`;
  };
  return { root, update };
}

function drawModels(model, strings) {
  const list = make("div", { class: "fm-exporter-models" });
  const root = make("div", { class: "fm-exporter-models" }, make("h3", { text: strings.models }), list);
  const downloads = new Map(); // file -> { parts, got, button }
  const update = () => {
    const models = model.get("_models");
    root.hidden = models.length === 0;
    list.replaceChildren(...models.map((entry, index) => drawModel(model, strings, entry, index === 0, downloads)));
  };
  const take = ({ file, offset, size }, buffer) => {
    const one = downloads.get(file);
    if (!one) return;
    one.parts[offset] = buffer;
    one.got += buffer.byteLength;
    one.button.textContent = fill(strings.downloading, { percent: Math.floor((100 * one.got) / size) });
    if (one.got < size) return;
    downloads.delete(file);
    one.button.textContent = strings.download;
    keep(file, Object.keys(one.parts).map(Number).sort((a, b) => a - b).map((start) => one.parts[start]));
  };
  return { root, update, take };
}

function keep(file, parts) {
  const url = URL.createObjectURL(new Blob(parts, { type: "application/octet-stream" }));
  const link = make("a", { href: url, download: file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

function drawModel(model, strings, entry, isLatest, downloads) {
  const served = model.get("_served") === entry.sha256;
  const download = makeButton(strings.download, () => {
    if (downloads.has(entry.file)) return;
    downloads.set(entry.file, { parts: {}, got: 0, button: download });
    model.send({ kind: "download", file: entry.file });
  }, { kind: isLatest ? "fm-primary" : "" });
  const serve = served ? make("span", { class: "fm-chip fm-is-familiar" }, makeIcon("familiar"), make("span", { text: strings.served }))
    : makeButton(strings.serve, () => model.send({ kind: "serve", file: entry.file }));
  const after = served ? [make("a", { class: "fm-link", href: "classify", target: "_blank", text: strings.open_app }),
    ...(model.get("_can_go_back") ? [makeButton(strings.before, () => model.send({ kind: "before" }), { kind: "fm-quiet" })] : [])] : [];
  return make("article", { class: "fm-card fm-exporter-model" },
    make("h4", { class: "fm-exporter-name" }, make("bdi", { text: entry.title })),
    make("p", { class: "fm-soft", text: entry.facts }),
    make("div", { class: "fm-row" }, download, serve, ...after),
    make("details", {}, make("summary", { text: strings.knows }),
      make("p", { text: entry.summary }),
      make("h4", { text: strings.kinds }), make("p", {}, make("bdi", { text: entry.kinds.join(", ") })),
      make("h4", { text: strings.limits }), make("ul", { class: "fm-plain" }, ...entry.limits.map((text) => make("li", { text }))),
      make("p", { class: "fm-soft fm-small", text: `${entry.file} · ${entry.sha}` }),
      make("h4", { text: strings.how_python }), make("pre", { class: "fm-code", text: entry.python }),
      make("h4", { text: strings.how_command }), make("pre", { class: "fm-code", text: entry.command })));
}
