// The browser's side of the exporter: one button, the saved models, and a download that comes through the kernel.

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert" });
    const did = make("p", { class: "fm-exporter-did", role: "status" });
    const models = drawModels(model, strings);
    const root = make("section", { class: "fm-exporter", "aria-label": strings.region }, drawBlockers(model, strings), drawSave(model, strings), problem, did, models.root);
    el.classList.add("fm");
    el.append(root);
    follow(model, ["state", "problem", "_did"], () => {
      showState(root, model.get("state"));
      for (const [line, text] of [[problem, model.get("problem")], [did, model.get("_did")]]) {
        line.textContent = text;
        line.hidden = !text;
      }
    });
    const receive = (message, buffers) => models.receive(message, buffers);
    model.on("msg:custom", receive);
    return () => model.off("msg:custom", receive);
  },
};

// --- Saving ---------------------------------------------------------------------------------------------------

function drawSave(model, strings) {
  const name = make("input", { type: "text", class: "fm-input", maxlength: "80", on: { change: () => model.send({ kind: "title", text: name.value }) } });
  const field = make("label", { class: "fm-field" }, make("span", { text: strings.name }), name);
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.title }), make("p", { class: "fm-soft fm-exporter-intro", text: strings.intro }),
    make("div", { class: "fm-exporter-columns" }, make("div", {}, field, drawGo(model, strings)), drawCard(model, strings)));
  follow(model, ["blockers", "_title", "_card"], () => {
    root.hidden = model.get("blockers").length > 0;
    name.placeholder = model.get("_card").default ?? "";
    if (document.activeElement !== name) name.value = model.get("_title");
  });
  return root;
}

// The button, and in its place what is being done.
function drawGo(model, strings) {
  const save = makeButton("", () => model.send({ kind: "save" }));
  const cancel = makeButton(strings.cancel, () => model.send({ kind: "cancel" }));
  const text = make("p", { class: "fm-importer-step", role: "status" });
  const share = make("i");
  const busy = make("div", { class: "fm-exporter-busy" }, make("div", {}, text, make("span", { class: "fm-bar" }, share)), cancel);
  follow(model, ["state", "_models", "_is_saved"], () => {
    const working = model.get("state") === "busy";
    const had = [save, cancel].includes(document.activeElement);
    save.hidden = working;
    busy.hidden = !working;
    save.textContent = model.get("_models").length ? strings.again : strings.save;
    save.classList.toggle("fm-primary", !model.get("_is_saved"));
    if (had) (working ? cancel : save).focus();
  });
  follow(model, ["_progress"], () => {
    text.textContent = model.get("_progress").text ?? "";
    share.style.width = `${100 * (model.get("_progress").share ?? 0)}%`;
  });
  return make("div", { class: "fm-exporter-go" }, save, busy);
}

// What the file will say of itself, before it is there.
function drawCard(model, strings) {
  const title = make("bdi", { class: "fm-exporter-name" });
  const wrong = make("p", { class: "fm-exporter-wrong" });
  const error = make("p", { class: "fm-soft" });
  const stale = make("p", { class: "fm-exporter-stale", text: `${strings.stale} ${strings.card_figures}` });
  const kinds = make("ul", { class: "fm-kinds", "aria-label": strings.kinds });
  follow(model, ["_card", "_title"], () => {
    const card = model.get("_card");
    title.textContent = model.get("_title") || card.default || "";
    wrong.textContent = card.wrong ?? "";
    error.textContent = card.error ?? "";
    wrong.hidden = error.hidden = !card.wrong;
    stale.hidden = Boolean(card.wrong);
    kinds.replaceChildren(...(card.kinds ?? []).map((text) => make("li", { class: "fm-chip", text })));
  });
  return make("div", { class: "fm-exporter-card" }, make("h4", { text: strings.card }), title, wrong, error, stale, kinds);
}

// --- The saved models -----------------------------------------------------------------------------------------

function drawModels(model, strings) {
  const cards = new Map(); // by file, kept from one drawing to the next: what is unfolded stays so
  const latest = make("div");
  const earlier = make("div", { class: "fm-exporter-list" });
  const title = make("summary");
  const others = make("details", { class: "fm-exporter-earlier" }, title, earlier);
  const root = make("div", { class: "fm-exporter-models" }, latest, others);
  follow(model, ["_models"], () => {
    const files = model.get("_models").map((entry) => {
      if (!cards.has(entry.file)) cards.set(entry.file, drawModel(model, strings, entry));
      return entry.file;
    });
    const [first, ...rest] = files.map((file) => cards.get(file).root);
    place(latest, first ? [first] : []);
    place(earlier, rest);
    root.hidden = files.length === 0;
    others.hidden = rest.length === 0;
    title.textContent = fill(strings.earlier, { n: rest.length });
  });
  const receive = (message, buffers) => cards.get(message.file)?.receive(message, buffers);
  return { root, receive };
}

// Moves nothing that is where it should be: a moved control loses its focus.
function place(parent, children) {
  if (children.length !== parent.children.length || children.some((child, i) => child !== parent.children[i])) parent.replaceChildren(...children);
}

function drawModel(model, strings, entry) {
  const download = drawDownload(model, strings, entry.file);
  const serve = makeButton(strings.serve, () => model.send({ kind: "serve", file: entry.file }));
  const before = makeButton(strings.before, () => model.send({ kind: "before" }), { kind: "fm-quiet" });
  const open = make("a", { class: "fm-link", href: "classify", target: "_blank", rel: "noopener", text: strings.open_app });
  const chip = make("span", { class: "fm-chip fm-is-familiar" }, makeIcon("familiar"), make("span", { text: strings.served }));
  follow(model, ["_served", "_models", "_is_saved"], () => {
    const served = model.get("_served") === entry.sha256;
    const had = [serve, before].includes(document.activeElement);
    serve.hidden = served;
    chip.hidden = open.hidden = before.hidden = !served;
    if (had) (served ? open : serve).focus();
    download.button.classList.toggle("fm-primary", model.get("_is_saved") && model.get("_models")[0]?.file === entry.file);
  });
  const root = make("article", { class: "fm-card fm-exporter-model" },
    make("div", { class: "fm-exporter-top" }, make("h3", { class: "fm-exporter-name" }, make("bdi", { text: entry.title })), chip),
    make("p", { class: "fm-exporter-wrong", text: entry.wrong }),
    make("p", { class: "fm-soft", text: entry.facts }),
    make("p", { class: "fm-soft fm-small fm-exporter-file", text: entry.name }),
    make("div", { class: "fm-row fm-exporter-do" }, download.button, serve, open, before),
    drawInside(strings, entry));
  return { root, receive: download.receive };
}

function drawInside(strings, entry) {
  return make("details", {}, make("summary", { text: strings.knows }),
    make("p", { text: entry.summary }),
    make("h4", { text: strings.kinds }), make("ul", { class: "fm-kinds" }, ...entry.kinds.map((text) => make("li", { class: "fm-chip", text }))),
    make("h4", { text: strings.limits }), make("ul", { class: "fm-plain" }, ...entry.limits.map((text) => make("li", { text }))),
    make("h4", { text: strings.how_python }), make("pre", { class: "fm-code", text: entry.python }),
    make("h4", { text: strings.how_command }), make("pre", { class: "fm-code", text: entry.command }),
    make("p", { class: "fm-soft fm-small fm-exporter-file", text: entry.place }));
}

// The button of a download, and the pieces as they come.
function drawDownload(model, strings, file) {
  let pieces = null; // null while nothing is under way
  const button = makeButton(strings.download, () => {
    if (pieces !== null) return;
    pieces = new Map();
    model.send({ kind: "download", file });
  });
  const end = () => {
    pieces = null;
    button.textContent = strings.download;
  };
  const receive = ({ kind, offset, size }, buffers) => {
    if (pieces === null) return; // another page of the same kernel asked
    if (kind === "refused") end();
    if (kind !== "chunk") return;
    pieces.set(offset, buffers[0]);
    const got = [...pieces.values()].reduce((sum, piece) => sum + piece.byteLength, 0);
    button.textContent = fill(strings.downloading, { percent: Math.floor((100 * got) / size) });
    if (got < size) return;
    keep(file, [...pieces.keys()].sort((a, b) => a - b).map((start) => pieces.get(start)));
    end();
  };
  return { button, receive };
}

function keep(file, pieces) {
  const url = URL.createObjectURL(new Blob(pieces, { type: "application/octet-stream" }));
  const link = make("a", { href: url, download: file });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}
