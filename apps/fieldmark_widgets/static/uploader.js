// The browser's side of the uploader: choosing, dropping, pasting, and sending files piece by piece.

const CHUNK_BYTES = 1024 * 1024;
const CHUNKS_IN_FLIGHT = 4;
const SILENCE_MS = 45_000; // so long without a word from the kernel means that the connection is lost
const ROWS_SHOWN = 4;
const MIB = 1024 * 1024;

export default {
  initialize({ model }) {
    model.send({ kind: "hello" });
  },
  render({ model, el }) {
    el.classList.add("fm");
    const strings = model.get("_strings");
    const outbox = new Outbox(model, strings);
    const { root, closeCamera } = drawUploader(model, strings, outbox);
    el.append(root);
    root.addEventListener("fm-restore", ({ detail }) => outbox.add(detail)); // from the page's bridge
    const tell = (name, file) => root.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: file }));
    outbox.onAdded = (file) => tell("fm-added", file);
    outbox.onDropped = (file) => tell("fm-dropped", file);
    const stopDrops = takeDrops(root, (files) => outbox.add(files));
    const stopPastes = takePastes(root, (files) => outbox.add(files));
    return () => {
      stopDrops();
      stopPastes();
      closeCamera();
      outbox.close();
    };
  },
};

// --- Sending --------------------------------------------------------------------------------------------------

// The files of this page that are on their way, or were refused. The kernel lets in one after the other.
class Outbox {
  constructor(model, strings) {
    this.model = model;
    this.strings = strings;
    this.entries = new Map(); // id → {id, name, file, acked, failure, wake}
    this.onChange = this.onAdded = this.onDropped = () => {};
    this.heard = 0;
    this.receive = this.receive.bind(this);
    model.on("msg:custom", this.receive);
    this.watch = setInterval(() => this.checkSilence(), 5_000);
  }

  close() {
    clearInterval(this.watch);
    this.model.off("msg:custom", this.receive);
  }

  get pending() {
    return [...this.entries.values()].filter((entry) => !entry.failure);
  }

  get failures() {
    return [...this.entries.values()].filter((entry) => entry.failure);
  }

  add(files) {
    const limit = this.model.get("max_files");
    for (const old of this.failures) this.entries.delete(old.id);
    this.heard = Date.now();
    for (const file of [...files].slice(0, limit)) this.addOne(file);
    if (files.length > limit) this.note(fill(this.strings.too_many, { limit, n: files.length }));
    this.onChange();
  }

  addOne(file) {
    const limit = this.model.get("max_upload_mib") * MIB;
    const name = file.name || this.strings.unnamed;
    if (file.size > limit) {
      this.note(fill(this.strings.too_large, { name, size: saySize(file.size), limit: saySize(limit) }));
      return;
    }
    const entry = { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), name, file, acked: 0, wake: () => {} };
    this.entries.set(entry.id, entry);
    this.onAdded(file);
    this.model.send({ kind: "begin", id: entry.id, name, size: file.size });
  }

  // Shows a sentence that belongs to no file on its way.
  note(sentence) {
    const id = `note-${this.entries.size}-${Date.now()}`;
    this.entries.set(id, { id, failure: sentence });
  }

  // Shows why nothing comes, in the place of earlier reasons.
  refuse(sentence) {
    for (const old of this.failures) this.entries.delete(old.id);
    this.note(sentence);
    this.onChange();
  }

  cancel(id) {
    this.forget(id);
    this.model.send({ kind: "cancel", id });
  }

  forget(id) {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    entry?.wake?.();
    this.onChange();
  }

  forgetAll() {
    const entries = [...this.entries.values()];
    this.entries.clear();
    for (const entry of entries) {
      entry.wake?.();
      if (entry.file) this.onDropped(entry.file);
    }
    this.onChange();
  }

  fail(id, sentence) {
    const entry = this.entries.get(id);
    if (!entry) return;
    entry.failure = sentence;
    entry.wake?.();
    this.onChange();
  }

  receive(message) {
    const entry = this.entries.get(message.id);
    this.heard = Date.now();
    if (message.kind === "cleared") this.forgetAll();
    if (!entry || entry.failure) return;
    if (message.kind === "ready") this.sendFile(entry);
    else if (message.kind === "done") this.forget(entry.id);
    else if (message.kind === "refused") this.fail(entry.id, message.reason);
    else if (message.kind === "ack") {
      entry.acked = message.received;
      entry.wake();
      this.onChange();
    }
  }

  async sendFile(entry) {
    const goesOn = () => this.entries.get(entry.id) === entry && !entry.failure;
    for (let offset = 0; offset < entry.file.size; offset += CHUNK_BYTES) {
      while (goesOn() && offset - entry.acked >= CHUNKS_IN_FLIGHT * CHUNK_BYTES) {
        await new Promise((resolve) => (entry.wake = resolve));
      }
      const chunk = await readChunk(entry.file, offset);
      if (!goesOn()) return;
      if (chunk === null) {
        this.model.send({ kind: "cancel", id: entry.id });
        this.fail(entry.id, fill(this.strings.unreadable, { name: entry.name }));
        return;
      }
      this.model.send({ kind: "chunk", id: entry.id, offset }, undefined, [chunk]);
    }
  }

  checkSilence() {
    if (Date.now() - this.heard < SILENCE_MS) return;
    for (const entry of this.pending) this.fail(entry.id, fill(this.strings.lost, { name: entry.name }));
  }
}

// A piece of a file; null where the file cannot be read, as with a folder.
async function readChunk(file, offset) {
  try {
    return await file.slice(offset, offset + CHUNK_BYTES).arrayBuffer();
  } catch {
    return null;
  }
}

function saySize(bytes) {
  if (bytes < MIB) return `${Math.ceil(bytes / 1024)} KiB`;
  return `${(bytes / MIB).toFixed(1).replace(/\.0$/, "")} MiB`;
}

// --- Drawing --------------------------------------------------------------------------------------------------

function drawUploader(model, strings, outbox) {
  const input = make("input", { type: "file", multiple: true, hidden: true, accept: model.get("accept"), "aria-hidden": "true", tabindex: "-1" });
  input.addEventListener("change", () => {
    outbox.add(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  const choose = makeButton(strings.choose, () => input.click(), { kind: "fm-primary" });
  const camera = !model.get("camera") ? null : drawCamera(strings, { take: (files) => outbox.add(files), refuse: (sentence) => outbox.refuse(sentence) });
  const sending = make("ul", { class: "fm-sending" });
  const failures = make("div", { class: "fm-failures", role: "alert" });
  const arrived = make("p", { class: "fm-arrived", role: "status" });
  const clear = makeButton(strings.clear, () => model.send({ kind: "clear" }));
  const root = make(
    "section",
    { class: "fm-uploader", "aria-label": strings.region },
    make("div", { class: "fm-drop" },
      make("div", { class: "fm-drop-sign" }, makeIcon("photo")),
      make("p", { class: "fm-drop-headline", text: strings.headline }),
      make("div", { class: "fm-row fm-sources" }, choose, camera?.button ?? null),
      make("p", { class: "fm-soft fm-hints" },
        make("span", { class: "fm-hint", text: `${strings.hint} ` }),
        make("span", { class: "fm-hint-more", text: `${strings.hint_more} ` }),
        make("span", { text: strings.private })),
      input),
    camera?.view ?? null,
    sending,
    failures,
    make("div", { class: "fm-row fm-uploader-done" }, arrived, clear),
    make("p", { class: "fm-release", "aria-hidden": "true", text: strings.release }),
  );
  const update = () => {
    showState(root, uploaderState(model, outbox));
    updateSending(sending, outbox, strings);
    updateFailures(failures, outbox, strings, model.get("problem"));
    const n = model.get("_names").length;
    arrived.textContent = n === 1 ? strings.done_one : fill(strings.done_many, { n });
    clear.parentElement.hidden = n === 0;
  };
  outbox.onChange = update;
  for (const name of ["state", "_names", "problem"]) model.on(`change:${name}`, update);
  update();
  return { root, closeCamera: () => camera?.close() };
}

function uploaderState(model, outbox) {
  if (outbox.pending.length) return "busy";
  if (outbox.failures.length) return "failed";
  return model.get("state");
}

function updateSending(list, outbox, strings) {
  const rows = outbox.pending.slice(0, ROWS_SHOWN).map((entry) => drawSending(entry, outbox, strings));
  const hidden = outbox.pending.length - rows.length;
  if (hidden > 0) rows.push(make("li", { class: "fm-soft", text: `+ ${hidden}` }));
  list.replaceChildren(...rows);
}

function drawSending(entry, outbox, strings) {
  const percent = entry.file.size ? Math.floor((100 * entry.acked) / entry.file.size) : 0;
  const bar = make("span", { class: "fm-bar", role: "progressbar", "aria-label": fill(strings.sending, entry), "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent }, make("i"));
  bar.firstChild.style.width = `${percent}%`;
  const cancel = makeIconButton("close", fill(strings.cancel_one, entry), () => outbox.cancel(entry.id));
  const told = entry.acked ? fill(strings.percent, { percent }) : strings.waiting;
  return make("li", {}, make("bdi", { class: "fm-name", text: entry.name }), bar, make("em", { text: told }), cancel);
}

function updateFailures(box, outbox, strings, problem) {
  const rows = outbox.failures.map((entry) =>
    make("div", { class: "fm-failure" }, makeIcon("failed"), make("p", { text: entry.failure }), makeIconButton("close", strings.dismiss, () => outbox.forget(entry.id))),
  );
  if (problem) rows.push(make("div", { class: "fm-failure" }, makeIcon("failed"), make("p", { text: problem })));
  if (rows.length || box.childElementCount) box.replaceChildren(...rows);
}

// --- Dropping and pasting -------------------------------------------------------------------------------------

// Where files may be dropped: the whole page in an app of ours, the component's card in anybody's notebook.
function dropArea(root) {
  return root.closest("body.fm-page") ?? root.closest(".fm-classifier") ?? root;
}

function takeDrops(root, take) {
  let leaving;
  const isOurs = (event) => event.dataTransfer?.types.includes("Files") && dropArea(root).contains(event.target);
  const over = (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = "copy";
    dropArea(root).classList.add("fm-is-over");
    clearTimeout(leaving);
    leaving = setTimeout(() => dropArea(root).classList.remove("fm-is-over"), 200);
  };
  const drop = (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    event.stopPropagation();
    dropArea(root).classList.remove("fm-is-over");
    take(event.dataTransfer.files);
  };
  // In the capture phase: a notebook around us has listeners of its own for dropped files.
  document.addEventListener("dragover", over, true);
  document.addEventListener("drop", drop, true);
  return () => {
    document.removeEventListener("dragover", over, true);
    document.removeEventListener("drop", drop, true);
  };
}

function takePastes(root, take) {
  const paste = (event) => {
    const files = event.clipboardData?.files ?? [];
    const typing = event.target.closest?.("input, textarea, [contenteditable=true], [contenteditable='']");
    const first = document.querySelector(".fm-uploader") === root; // one paste goes to one uploader
    if (!files.length || typing || !(first || root.contains(document.activeElement))) return;
    event.preventDefault();
    take(files);
  };
  document.addEventListener("paste", paste);
  return () => document.removeEventListener("paste", paste);
}
