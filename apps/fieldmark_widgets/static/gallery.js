// The browser's side of the gallery. The grid is as high as all photos need, but only the cells in sight, and some
// around them, are in the page; their texts and pictures are asked for when they come into sight.

const GAP = 12;
const TEXT_HEIGHT = 62; // below each picture
const MIN_CELL = 156, MIN_CELL_LOW = 132, MIN_CELL_PHONE = 98;
const PHONE = 480, LOW = 760; // px: a narrow grid, and a low window, in which a row of photos is to be seen whole
const MOST_COLUMNS = 8; // on a wide screen pictures grow instead
const MOST_CELLS = 60; // in the page, but where more are in sight
const KEPT_ROWS = 2_000;
const KEPT_PICTURES = 600; // some 8 KB each; the ones not seen longest make room
const REST_MS = 40; // scrolling rests; what only flies past is not asked for
const SILENCE_MS = 10_000, LONGEST_SILENCE_MS = 120_000;
const HOLD_MS = 500; // a finger that stays so long chooses a photo
const NO_KEY = new Set(["Tab", "Escape", "Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead", "Process", "Unidentified"]);

export default {
  render({ model, el }) {
    const gallery = new Grid(model);
    el.classList.add("fm");
    el.append(gallery.root);
    return () => gallery.close();
  },
};

class Grid {
  constructor(model) {
    this.model = model;
    this.strings = model.get("_strings");
    this.cells = new Map(); // place -> element
    this.known = new Map(); // place -> row, which a newer version of the rows replaces when it is here
    this.asked = new Set(); // places whose rows are on their way
    this.awaited = new Set(); // ids whose pictures are
    this.pictures = new Map(); // id -> { photo, url } or { photo, reason }; in the order of last use
    this.columns = 1;
    this.acts = model.get("_heard");
    this.at = model.get("_at");
    this.ranges = model.get("_ranges");
    this.draw();
    this.listen();
    this.layOut();
  }

  draw() {
    const { strings } = this;
    const id = `fm-${Math.random().toString(36).slice(2)}`;
    this.hint = make("p", { class: "fm-visually-hidden", text: strings.keys, id });
    this.list = make("div", { class: "fm-grid", role: "listbox", "aria-multiselectable": "true", "aria-label": this.model.get("name"), "aria-describedby": id, tabindex: "0" });
    this.view = make("div", { class: "fm-grid-view" }, this.list);
    this.empty = make("p", { class: "fm-soft fm-grid-empty" });
    this.problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    this.silent = make("p", { class: "fm-grid-silent", role: "status", text: strings.silent, hidden: true });
    this.status = make("p", { class: "fm-visually-hidden", role: "status" });
    this.count = make("span", { role: "status" });
    this.chosen = make("div", { class: "fm-grid-chosen", hidden: true }, this.count, makeButton(strings.select_none, () => this.chooseNone(), { kind: "fm-quiet" }));
    this.whole = new Whole(this);
    this.root = make("div", { class: "fm-gallery", "data-lm-suppress-shortcuts": "true" }, // JupyterLab's, such as d d
      this.problem, this.empty, this.silent, this.view, this.chosen, this.hint, this.status, this.whole.root);
  }

  listen() {
    this.view.addEventListener("scroll", () => this.soon(), { passive: true });
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => this.onClick(event));
    this.list.addEventListener("dblclick", (event) => { if (this.placeOf(event) >= 0 && !isCheck(event) && !this.ranges.length) this.whole.open(); });
    this.list.addEventListener("pointerdown", (event) => this.onHold(event));
    for (const name of ["pointerup", "pointercancel", "pointermove"]) this.list.addEventListener(name, () => clearTimeout(this.holding));
    this.onEnter = (event) => this.openByEnter(event);
    document.addEventListener("keydown", this.onEnter);
    this.resized = new ResizeObserver(() => this.layOut());
    this.resized.observe(this.view);
    this.heard = [
      ["msg:custom", (message, buffers) => this.take(message, buffers)], ["change:_version", () => this.takeVersion()],
      ["change:_at change:_ranges change:_heard", () => this.adopt()], ["change:message change:columns change:problem change:name", () => this.layOut()],
    ];
    for (const [names, listener] of this.heard) for (const name of names.split(" ")) this.model.on(name, listener);
  }

  close() {
    this.resized.disconnect();
    document.removeEventListener("keydown", this.onEnter);
    for (const timer of [this.asking, this.silence, this.holding]) clearTimeout(timer);
    for (const [names, listener] of this.heard) for (const name of names.split(" ")) this.model.off(name, listener);
    for (const picture of this.pictures.values()) if (picture.url) URL.revokeObjectURL(picture.url);
    this.whole.forget();
  }

  // --- Layout ---

  get n() { return this.model.get("_n"); }

  layOut() {
    this.empty.hidden = this.n > 0;
    this.empty.textContent = this.model.get("message");
    this.problem.textContent = this.model.get("problem");
    this.problem.hidden = !this.problem.textContent;
    setAttribute(this.list, "aria-label", this.model.get("name"));
    this.view.hidden = this.n === 0;
    const width = this.list.clientWidth;
    if (!width || !this.n) return;
    const { columns, step, view } = this;
    const least = width < PHONE ? MIN_CELL_PHONE : window.innerHeight < LOW ? MIN_CELL_LOW : MIN_CELL;
    const fitting = Math.floor((width + GAP) / (least + GAP));
    this.columns = this.model.get("columns") || Math.min(MOST_COLUMNS, Math.max(2, fitting));
    this.cell = (width - GAP * (this.columns - 1)) / this.columns;
    this.step = this.cell + TEXT_HEIGHT + GAP;
    this.list.style.height = `${Math.ceil(this.n / this.columns) * this.step}px`;
    if (step && step !== this.step) { // the same photos stay in sight
      const rows = Math.floor(view.scrollTop / step);
      view.scrollTop = (Math.floor((rows * columns) / this.columns) + view.scrollTop / step - rows) * this.step;
    }
    for (const place of this.cells.keys()) this.placeCell(place);
    this.show();
  }

  soon() { // draw once a frame
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; this.show(); });
  }

  // Places from first to last, with as many rows around those in sight as the page can well hold.
  inSight({ around = true } = {}) {
    const { scrollTop, clientHeight } = this.view;
    const top = Math.floor(scrollTop / this.step), bottom = Math.ceil((scrollTop + clientHeight) / this.step) - 1;
    const spare = around ? Math.max(0, Math.floor(MOST_CELLS / this.columns) - (bottom - top + 1)) : 0;
    const above = Math.min(top, Math.floor(spare / 2));
    return [(top - above) * this.columns, Math.min(this.n, (bottom + spare - above + 1) * this.columns) - 1];
  }

  show() {
    if (!this.step) return;
    const [first, last] = this.inSight();
    for (const [place, element] of this.cells) {
      if (place < first || place > last) { element.remove(); this.cells.delete(place); }
    }
    for (let place = first; place <= last; place++) if (!this.cells.has(place)) this.addCell(place);
    this.showChosen();
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.ask(), REST_MS);
  }

  addCell(place) {
    const element = make("div", { class: "fm-cell", role: "option", id: `${this.hint.id}-${place}`, "data-place": place },
      make("span", { class: "fm-cell-picture" }), make("span", { class: "fm-cell-tag", hidden: true }),
      make("span", { class: "fm-cell-check", "aria-hidden": "true", title: this.strings.choose }),
      make("bdi", { class: "fm-cell-title" }), make("bdi", { class: "fm-cell-text" }));
    this.cells.set(place, element);
    this.placeCell(place);
    this.fillCell(place);
    this.list.append(element);
  }

  placeCell(place) {
    const element = this.cells.get(place);
    const row = Math.floor(place / this.columns), column = place % this.columns;
    element.style.transform = `translate(${column * (this.cell + GAP)}px, ${row * this.step}px)`;
    element.style.setProperty("--fm-cell", `${this.cell}px`);
    setAttribute(element, "aria-posinset", place + 1);
    setAttribute(element, "aria-setsize", this.n);
  }

  fillCell(place) {
    const element = this.cells.get(place), row = this.known.get(place);
    if (!element || !row) return;
    const [picture, tag, , title, text] = element.children;
    title.textContent = row.title;
    text.textContent = text.title = row.text;
    showTag(tag, row);
    setAttribute(element, "aria-label", sayRow(row));
    const known = this.pictureOf(row);
    element.classList.toggle("is-failed", Boolean(known?.reason));
    element.title = known?.reason ?? "";
    if (known?.reason) picture.replaceChildren(makeIcon("failed"), make("span", { text: this.strings.unreadable }));
    else if (!known) picture.replaceChildren();
    else if (picture.firstChild?.src !== known.url) picture.replaceChildren(make("img", { src: known.url, alt: "", decoding: "async", draggable: "false" }));
  }

  // --- Rows and pictures ---

  // The picture of a row; another dataset has other photos under the same ids.
  pictureOf(row) {
    const kept = this.pictures.get(row.id);
    return kept?.photo === row.photo ? kept : undefined;
  }

  isNew(place) { return this.known.get(place)?.version === this.model.get("_version"); }

  ask() {
    const [first, last] = this.inSight();
    const missing = [];
    for (let place = first; place <= last; place++) if (!this.isNew(place) && !this.asked.has(place)) missing.push(place);
    if (missing.length) {
      for (const place of missing) this.asked.add(place);
      this.send({ kind: "rows", first: missing[0], last: missing.at(-1) });
    }
    this.askPictures();
  }

  askPictures() { // what is in sight first, then what is around it
    const [first, last] = this.inSight(), [top, bottom] = this.inSight({ around: false });
    const seen = [], around = [];
    for (let place = first; place <= last; place++) {
      if (this.isNew(place) && !this.pictureOf(this.known.get(place))) (place >= top && place <= bottom ? seen : around).push(this.known.get(place).id);
    }
    const wanted = [...seen, ...around];
    const isAsked = wanted.every((id) => this.awaited.has(id));
    this.awaited = new Set(wanted);
    if (!isAsked) this.send({ kind: "thumbs", ids: wanted });
    this.expectAnswer();
  }

  send(message) {
    try {
      this.model.send(message);
    } catch { // the kernel has ended
      this.silent.hidden = false;
    }
  }

  expectAnswer() {
    clearTimeout(this.silence);
    if (!this.asked.size && !this.awaited.size) { this.silent.hidden = true; return; }
    this.patience ??= SILENCE_MS;
    this.silence = setTimeout(() => { // messages may have been lost with a connection that is back
      this.silent.hidden = false;
      this.patience = Math.min(2 * this.patience, LONGEST_SILENCE_MS);
      this.asked.clear();
      this.awaited.clear();
      if (this.step && this.root.isConnected) this.ask();
    }, this.patience);
  }

  takeVersion() { // what is shown stays until the new rows are here, so that nothing flickers
    this.asked.clear();
    this.awaited.clear();
    for (const place of this.known.keys()) if (place >= this.n) this.known.delete(place);
    if (this.n === 0) this.whole.update();
    this.layOut();
    if (this.step) this.ask();
  }

  take(message, buffers) {
    this.patience = undefined;
    this.silent.hidden = true;
    if (message.kind === "rows") this.takeRows(message);
    else if (message.kind === "thumb") {
      this.awaited.delete(message.id);
      this.keepPicture(message.id, { photo: message.photo, ...(buffers.length ? { url: makeImageUrl(buffers[0], "image/jpeg") } : { reason: message.reason }) });
      for (const place of this.cells.keys()) if (this.known.get(place)?.id === message.id) this.fillCell(place);
    } else if (message.kind === "whole") this.whole.take(message, buffers);
    else if (message.kind === "closeup") this.whole.takeCloseUp(message, buffers);
    this.expectAnswer();
  }

  takeRows({ version, first, rows }) {
    if (version !== this.model.get("_version")) return;
    rows.forEach((row, index) => {
      this.known.set(first + index, { ...row, version });
      this.asked.delete(first + index);
      this.fillCell(first + index);
      if (first + index === this.at && this.late) this.announce();
    });
    for (const place of this.known.keys()) {
      if (this.known.size <= KEPT_ROWS) break;
      if (!this.cells.has(place) && place !== this.at) this.known.delete(place);
    }
    this.askPictures();
    this.whole.update();
  }

  keepPicture(id, picture) {
    if (this.pictures.get(id)?.url) URL.revokeObjectURL(this.pictures.get(id).url);
    this.pictures.delete(id); // so that it becomes the newest
    this.pictures.set(id, picture);
    if (this.pictures.size <= KEPT_PICTURES) return;
    const inUse = new Set([...this.cells.keys()].map((place) => this.known.get(place)?.id));
    for (const [old, { url }] of this.pictures) {
      if (this.pictures.size <= KEPT_PICTURES) return;
      if (inUse.has(old)) continue;
      if (url) URL.revokeObjectURL(url);
      this.pictures.delete(old);
    }
  }

  // --- Focus and choice: seen at once; the kernel's word counts again when it has heard all ---

  act(message) {
    this.acts += 1;
    this.send({ ...message, act: this.acts, version: this.model.get("_version") });
  }

  adopt() {
    if (this.model.get("_heard") < this.acts) return;
    const moved = this.at !== this.model.get("_at");
    this.at = this.model.get("_at");
    this.ranges = this.model.get("_ranges");
    if (moved) this.reveal();
    this.showChosen();
    this.whole.update();
  }

  reveal() {
    if (this.at < 0 || !this.step) return;
    const { view, step } = this;
    const top = Math.floor(this.at / this.columns) * step;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + step > view.scrollTop + view.clientHeight) view.scrollTop = top + step - view.clientHeight;
    if (!this.cells.has(this.at)) this.show();
  }

  focus(place, { extend = false } = {}) {
    const to = Math.min(Math.max(place, 0), this.n - 1);
    if (extend) {
      this.anchor ??= this.at;
      this.select([[Math.min(this.anchor, to), Math.max(this.anchor, to)]]);
    } else this.anchor = undefined;
    if (to === this.at || to < 0) return;
    this.at = to;
    this.act({ kind: "focus", at: to, id: this.known.get(to)?.id }); // the photo that is seen, should the order change
    this.reveal();
    this.showChosen();
    this.whole.update();
    this.late = !this.known.has(to); // a screen reader has met a cell without words
  }

  select(ranges) {
    this.ranges = ranges;
    this.act({ kind: "select", ranges });
    this.showChosen();
  }

  chooseNone() {
    this.anchor = undefined;
    this.select([]);
    this.list.focus();
  }

  isChosen(place) { return this.ranges.some(([first, last]) => place >= first && place <= last); }

  toggle(place) {
    if (place < 0) return;
    this.select(this.isChosen(place) ? without(this.ranges, place) : withPlace(this.ranges, place));
    this.anchor = place;
  }

  showChosen() {
    for (const [place, element] of this.cells) {
      setAttribute(element, "aria-selected", String(this.isChosen(place)));
      element.classList.toggle("is-current", place === this.at);
    }
    setAttribute(this.list, "aria-activedescendant", this.cells.get(this.at)?.id);
    const count = this.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    this.root.classList.toggle("has-chosen", count > 0);
    this.chosen.hidden = count === 0;
    this.count.textContent = count === 0 ? "" : fill(count === 1 ? this.strings.selected_one : this.strings.selected_many, { n: count.toLocaleString() });
  }

  announce() {
    const row = this.known.get(this.at);
    const what = [sayRow(row), this.isChosen(this.at) ? this.strings.chosen : ""].filter(Boolean).join(", ");
    this.status.textContent = fill(this.strings.announce, { i: this.at + 1, n: this.n, what });
    this.late = false;
  }

  // --- What somebody does ---

  placeOf(event) {
    const cell = event.target.closest(".fm-cell");
    return cell ? Number(cell.dataset.place) : -1;
  }

  onClick(event) {
    const place = this.placeOf(event);
    const touch = event.pointerType === "touch";
    if (place < 0) return;
    if (this.held) { this.held = false; return; }
    if (event.shiftKey) { this.focus(place, { extend: true }); return; }
    const adds = event.ctrlKey || event.metaKey || isCheck(event) || (touch && this.ranges.length);
    const again = place === this.at;
    this.focus(place);
    if (adds) this.toggle(place);
    else if (this.ranges.length) this.select([]); // else what is decided next would be about other photos
    else if (touch && again) this.whole.open(); // the second tap on a photo
  }

  onHold(event) {
    clearTimeout(this.holding);
    this.held = false;
    const place = this.placeOf(event);
    if (event.pointerType !== "touch" || place < 0) return;
    this.holding = setTimeout(() => { this.held = true; this.focus(place); this.toggle(place); }, HOLD_MS);
  }

  onKey(event) {
    const { key } = event, command = event.ctrlKey || event.metaKey;
    if (event.isComposing || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.target.closest("button") && (key === " " || key === "Enter")) return;
    if (command && key !== "a" && key !== " ") return;
    const page = Math.max(1, Math.floor(this.view.clientHeight / (this.step || 1))) * this.columns;
    const open = this.whole.isOpen;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: open ? -1 : -this.columns, ArrowDown: open ? 1 : this.columns, PageUp: -page, PageDown: page, Home: -this.n, End: this.n };
    if (key in moves && open && this.whole.isZoomed) return; // they scroll the photo
    if (key in moves) this.focus(this.at + moves[key], { extend: event.shiftKey && !open });
    else if (key === " " && command) this.toggle(this.at);
    else if (key === " ") open ? this.whole.close() : this.whole.open();
    else if (key === "a" && command) this.select(this.n ? [[0, this.n - 1]] : []);
    else if (key === "m" && open && this.model.get("_has_closeups")) this.whole.toggleMap();
    else if ((key === "+" || key === "-") && open) this.whole.zoom(key === "+");
    else if (key === "Escape" && open) this.whole.isZoomed ? this.whole.zoom(false) : this.whole.close();
    else if (key === "Escape" && this.ranges.length) this.chooseNone();
    else if (this.model.get("_tells_keys") && this.at >= 0 && !NO_KEY.has(key)) this.send({ kind: "key", key });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  openByEnter(event) { // unless what is around the gallery has a use for Enter
    if (event.key !== "Enter" || event.defaultPrevented || event.target !== this.list || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.whole.open();
  }
}

function isCheck(event) { return Boolean(event.target.closest(".fm-cell-check")); }
