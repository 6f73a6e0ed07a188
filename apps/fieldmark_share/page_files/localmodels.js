// In the place of a kernel: what the components talk to. Photos never leave this page.

const MAX_PHOTOS = 60;

// The face that an anywidget shows its own script.
class LocalModel {
  constructor(state) {
    this.state = state;
    this.listeners = new Map();
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.update({ [name]: value });
  }

  save_changes() {
    this.changed?.();
  }

  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  }

  off(event, listener) {
    this.listeners.set(event, (this.listeners.get(event) ?? []).filter((each) => each !== listener));
  }

  emit(event, ...told) {
    for (const listener of this.listeners.get(event) ?? []) listener(...told);
  }

  update(changes) {
    Object.assign(this.state, changes);
    for (const name of Object.keys(changes)) this.emit(`change:${name}`);
  }

  tell(content, buffers = []) {
    this.emit("msg:custom", content, buffers);
  }

  send(content, _callbacks, buffers = []) {
    this.receive(content, buffers);
  }
}

// Takes the files that the uploader sends, one after the other, and gives each to `take`.
class LocalUploader extends LocalModel {
  constructor(facts, take) {
    super({ _strings: facts.uploader, _names: [], state: "empty", problem: "", ...facts.limits });
    this.take = take;
    this.waiting = []; // let in one after the other, so that they arrive in the order they were chosen
    this.file = null;
  }

  receive(message, buffers) {
    const { file } = this;
    if (message.kind === "begin") this.waiting.push({ ...message, parts: [], received: 0 });
    else if (message.kind === "cancel") this.forget(message.id);
    else if (message.kind === "clear") this.clear();
    else if (message.kind === "chunk" && file?.id === message.id) {
      file.parts.push(buffers[0]);
      file.received += buffers[0].byteLength;
      this.tell({ kind: "ack", id: file.id, received: file.received });
    }
    this.goOn();
  }

  goOn() {
    while (this.file === null ? this.waiting.length > 0 : this.file.received === this.file.size) {
      if (this.file === null) {
        this.file = this.waiting.shift();
        this.tell({ kind: "ready", id: this.file.id });
      } else {
        const { id, name, parts } = this.file;
        this.file = null;
        this.tell({ kind: "done", id });
        this.take(name, new Blob(parts));
      }
    }
    this.update({ state: this.file || this.waiting.length > 0 ? "busy" : "ready" });
  }

  forget(id) {
    this.waiting = this.waiting.filter((file) => file.id !== id);
    if (this.file?.id === id) this.file = null;
  }

  clear() {
    this.waiting = [];
    this.file = null;
    this.tell({ kind: "cleared" });
  }
}

// Answers for photos, as fieldmark_widgets/classifier.py does.
class LocalClassifier extends LocalModel {
  constructor(facts, predictor) {
    super({
      _strings: facts.classifier, _knowledge: facts.knowledge, _samples: [], _explains: true, _waiting: 0, _rows: [], _shown: null, _overlay: null,
      _corrects: false, _corrected: {}, _correction_strings: facts.correction, state: "empty", selected: -1, show_map: true, problem: "", uploader: "uploader",
    });
    this.facts = facts;
    this.predictor = predictor; // a promise
    this.uploader = new LocalUploader(facts, (name, file) => this.add(name, file));
    this.photos = [];
    this.queue = [];
    this.keys = 0;
    this.working = false;
    this.showNext = false;
  }

  changed() {
    this.showSelected();
  }

  receive(message) {
    if (message.kind === "thumbs") this.sendThumbs(new Set(message.keys));
    else if (message.kind === "stop") this.stop();
    else if (message.kind === "clear") {
      this.stop();
      this.keep([]);
    }
  }

  stop() {
    this.queue = [];
    this.uploader.clear();
    this.showState();
  }

  add(name, file) {
    if (!this.working && this.queue.length === 0) this.showNext = true;
    this.queue.push({ name, file });
    this.goOn();
  }

  async goOn() {
    if (this.working) return;
    this.working = true;
    this.showState();
    while (this.queue.length > 0) {
      const upload = this.queue[0];
      const photo = await this.classify(upload);
      if (this.queue[0] !== upload) continue; // it was cleared meanwhile
      this.queue.shift();
      this.keep([...this.photos, photo]);
    }
    this.working = false;
    this.showState();
  }

  async classify({ name, file }) {
    const key = (this.keys += 1);
    try {
      const photo = await openPhoto(file);
      const predictor = await this.predictor;
      const prediction = await predictor.predict(photo);
      const map = predictor.explain(prediction, photo);
      const picture = await makePicture(photo);
      return { key, name, prediction, map, picture, answer: sayAnswer(name, prediction, this.facts) };
    } catch (error) {
      if (!(error instanceof PhotoError)) console.error(error); // for whoever made the page; visitors get the sentence
      return { key, name, picture: null, answer: sayFailure(name, error instanceof PhotoError ? error.message : "unexpected", this.facts) };
    }
  }

  keep(photos) {
    const dropped = Math.max(0, photos.length - MAX_PHOTOS);
    this.photos = photos.slice(dropped);
    if (photos.length === 0) this.state.selected = -1;
    else {
      this.state.selected = this.showNext ? this.photos.length - 1 : Math.max(0, this.state.selected - dropped);
      this.showNext = false;
    }
    const rows = this.photos.map(({ key, name, answer, picture }) => ({ key, name, title: answer.title, verdict: answer.verdict, word: answer.word, has_thumb: picture !== null }));
    this.update({ _rows: rows, selected: this.state.selected });
    this.showSelected();
    this.showState();
  }

  showState() {
    const failed = this.photos.every(({ answer }) => answer.verdict === "failed");
    const rest = this.photos.length === 0 ? "empty" : failed ? "failed" : "ready";
    this.update({ _waiting: this.queue.length, state: this.queue.length > 0 ? "busy" : rest });
  }

  async showSelected() {
    const photo = this.photos[this.state.selected];
    if (photo?.key !== this.state._shown?.key) this.update({ _overlay: null, _shown: photo ? shownOf(photo) : null });
    if (!photo?.map || !this.state.show_map) return;
    photo.png ??= drawMap(photo.map);
    const png = await photo.png;
    if (this.photos[this.state.selected] === photo) this.update({ _overlay: { key: photo.key, png, region: photo.map.region } });
  }

  sendThumbs(keys) {
    for (const { key, picture } of this.photos) if (keys.has(key) && picture) this.tell({ kind: "thumb", key }, [picture.thumb]);
  }
}

function shownOf({ key, name, answer, picture }) {
  return { key, name, answer, notes: [], jpeg: picture?.jpeg ?? null, width: picture?.width ?? 0, height: picture?.height ?? 0 };
}
