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

Object.assign(ICONS, {
  zoom_in: "M10.5 3.5a7 7 0 1 0 0 14a7 7 0 1 0 0-14z M15.6 15.6l5.4 5.4 M7.5 10.5h6 M10.5 7.5v6",
  zoom_out: "M10.5 3.5a7 7 0 1 0 0 14a7 7 0 1 0 0-14z M15.6 15.6l5.4 5.4 M7.5 10.5h6",
});

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

// One photo, as large as the window, and beside it what is known of it. Keys that decide something reach whatever is
// around the gallery: so it is no <dialog>, but like one it lies above everything, wherever the gallery is.
class Whole {
  constructor(grid) {
    this.grid = grid;
    const { strings } = grid;
    this.image = make("img", { class: "fm-whole-photo", alt: "", on: { click: () => this.zoom(!this.isZoomed), load: () => this.fit() } });
    this.map = make("img", { class: "fm-whole-map", alt: "", hidden: true });
    this.picture = make("div", { class: "fm-whole-picture" }, this.image, this.map);
    this.title = make("bdi", { class: "fm-whole-title" });
    this.text = make("bdi", { class: "fm-soft" });
    this.tag = make("span", { class: "fm-cell-tag" });
    this.position = make("span", { class: "fm-soft fm-whole-position" });
    this.failed = make("p", { class: "fm-failure", hidden: true });
    this.frame = make("div", { class: "fm-whole-frame", tabindex: "-1" }, this.picture, this.failed);
    this.magnify = makeIconButton("zoom_in", strings.zoom_in, () => this.zoom(!this.isZoomed));
    this.previous = makeIconButton("previous", strings.previous, () => grid.focus(grid.at - 1));
    this.next = makeIconButton("next", strings.next, () => grid.focus(grid.at + 1));
    this.panel = drawPanel(strings, () => this.toggleMap());
    this.actions = make("div", { class: "fm-whole-actions" }); // for whoever shows the gallery
    const words = make("div", { class: "fm-whole-words" }, this.tag, this.title, this.text, this.position);
    this.root = make("div", { class: "fm-whole", role: "dialog", "aria-modal": "true", "aria-label": strings.whole, tabindex: "-1", popover: "manual" },
      make("div", { class: "fm-whole-bar" }, words, this.magnify, makeIconButton("close", strings.close, () => this.close())),
      make("div", { class: "fm-whole-stage" }, this.previous, this.frame, this.next), this.panel.root, this.actions);
    this.root.addEventListener("keydown", (event) => this.keepFocus(event));
    this.isMapped = false;
    this.urls = [];
  }

  get isOpen() { return this.root.matches(":popover-open"); }

  get isZoomed() { return this.frame.classList.contains("is-zoomed"); }

  open() {
    if (this.grid.at < 0 || this.isOpen) return;
    this.shown = undefined;
    this.root.showPopover();
    this.update();
    this.root.focus();
  }

  close() {
    this.root.hidePopover();
    this.image.removeAttribute("src");
    this.forget();
    this.grid.list.focus();
  }

  forget() {
    for (const url of [this.url, ...this.urls]) if (url) URL.revokeObjectURL(url);
    this.url = undefined;
    this.urls = [];
  }

  fit() { // the map lies over the photo, whatever its shape
    this.picture.style.setProperty("--fm-ratio", String(this.image.naturalWidth / this.image.naturalHeight || 1));
  }

  zoom(on) {
    this.frame.classList.toggle("is-zoomed", on);
    const name = on ? "zoom_out" : "zoom_in";
    this.magnify.replaceChildren(makeIcon(name));
    for (const attribute of ["aria-label", "title"]) setAttribute(this.magnify, attribute, this.grid.strings[name]);
    if (!on) return;
    this.frame.scrollTo((this.frame.scrollWidth - this.frame.clientWidth) / 2, (this.frame.scrollHeight - this.frame.clientHeight) / 2);
    this.frame.focus();
  }

  toggleMap() {
    this.isMapped = !this.isMapped;
    this.showMap();
  }

  showMap() {
    this.map.hidden = !(this.isMapped && this.map.src && !this.image.classList.contains("is-loading"));
    this.panel.showMapped(this.isMapped);
  }

  keepFocus(event) { // Tab goes round among the dialog's buttons
    if (event.key !== "Tab") return;
    const buttons = [...this.root.querySelectorAll("button:enabled, a[href]")].filter((button) => button.offsetParent);
    const now = buttons.indexOf(document.activeElement);
    const next = now < 0 ? (event.shiftKey ? -1 : 0) : now + (event.shiftKey ? -1 : 1);
    buttons.at(next % buttons.length).focus();
    event.preventDefault();
  }

  update() {
    if (!this.isOpen) return;
    const { grid } = this;
    if (grid.at < 0) { this.close(); return; }
    const row = grid.known.get(grid.at);
    if (!row) { grid.reveal(); grid.ask(); return; }
    this.title.textContent = row.title;
    this.text.textContent = [row.text, row.credit].filter(Boolean).join(" · ");
    showTag(this.tag, row);
    this.position.textContent = fill(grid.strings.position, { i: (grid.at + 1).toLocaleString(), n: grid.n.toLocaleString() });
    this.previous.disabled = grid.at === 0;
    this.next.disabled = grid.at === grid.n - 1;
    if (document.activeElement?.disabled) this.root.focus(); // keys would go nowhere
    this.image.alt = sayRow(row);
    if (this.shown !== row.id) this.look(row);
  }

  look(row) {
    const thumb = this.grid.pictureOf(row)?.url;
    this.shown = row.id;
    this.zoom(false);
    this.failed.hidden = true;
    this.magnify.hidden = false;
    this.image.hidden = !thumb;
    this.image.classList.add("is-loading");
    this.map.removeAttribute("src");
    this.map.hidden = true;
    if (thumb) this.image.src = thumb; // until the photo is here
    this.root.classList.toggle("has-panel", this.grid.model.get("_has_closeups"));
    this.panel.wait();
    this.grid.send({ kind: "whole", id: row.id });
    if (this.grid.model.get("_has_closeups")) this.grid.send({ kind: "closeup", id: row.id });
    this.grid.announce();
  }

  take(message, buffers) {
    if (!this.isOpen || message.id !== this.shown) return;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = buffers.length ? makeImageUrl(buffers[0], "image/jpeg") : undefined;
    this.image.hidden = !this.url;
    this.image.classList.remove("is-loading");
    if (this.url) this.image.src = this.url;
    this.failed.hidden = Boolean(this.url);
    this.magnify.hidden = !this.url;
    this.failed.textContent = message.reason ?? "";
    this.showMap();
  }

  takeCloseUp(message, buffers) {
    if (!this.isOpen || message.id !== this.shown) return;
    for (const url of this.urls) URL.revokeObjectURL(url);
    this.urls = buffers.map((buffer, i) => makeImageUrl(buffer, message.has_map && i === 0 ? "image/png" : "image/jpeg"));
    const [left, top, right, bottom] = message.map_region.map((share) => 100 * share);
    Object.assign(this.map.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
    if (message.has_map) this.map.src = this.urls[0];
    this.panel.show(message, message.has_map ? this.urls.slice(1) : this.urls);
    this.showMap();
  }
}

// What is known of the photo that is shown whole.
function drawPanel(strings, toggleMap) {
  const title = make("p", { class: "fm-closeup-title" });
  const why = make("ul", { class: "fm-plain" });
  const bars = make("ul", { class: "fm-closeup-bars", "aria-label": strings.bars });
  const mapText = make("span");
  const map = make("button", { type: "button", class: "fm-button fm-closeup-map", "aria-pressed": "false", hidden: true, on: { click: toggleMap } }, mapText, make("kbd", { text: "m", "aria-hidden": "true" }));
  const near = make("div", { class: "fm-closeup-near" });
  const nearby = make("div", { hidden: true }, make("h3", { text: strings.neighbours }), near);
  const facts = make("dl", { class: "fm-closeup-facts" });
  const body = make("div", { class: "fm-closeup-body" }, title, why, bars, map, nearby, facts);
  const root = make("section", { class: "fm-closeup", "aria-label": strings.closeup, tabindex: "0" }, body);
  const bar = ([label, prob, given]) => make("li", { class: given ? "is-given" : null },
    make("bdi", { text: given ? fill(strings.given, { label }) : label }),
    make("span", { class: "fm-bar", "aria-hidden": "true" }, makeFill(prob)),
    make("em", { text: `${Math.round(100 * prob)} %` }));
  const show = (message, thumbs) => {
    body.classList.remove("is-waiting");
    title.textContent = message.title;
    why.replaceChildren(...message.why.map((text) => make("li", { text })));
    bars.replaceChildren(...message.bars.map(bar));
    bars.hidden = !message.bars.length;
    map.hidden = !message.has_map;
    mapText.textContent = fill(strings.map, { label: message.map_label });
    nearby.hidden = !thumbs.length;
    near.replaceChildren(...thumbs.map((src, i) => make("figure", {}, make("img", { src, alt: "" }), make("figcaption", { text: message.neighbours[i] }))));
    const link = message.page ? [[strings.page, make("a", { href: message.page, rel: "noopener noreferrer", target: "_blank", text: message.page })]] : [];
    facts.replaceChildren(...[...message.facts, ...link].flatMap(([name, value]) => [make("dt", { text: name }), make("dd", {}, value)]));
  };
  return { root, show, wait: () => body.classList.add("is-waiting"), showMapped: (on) => setAttribute(map, "aria-pressed", String(on)) };
}

function makeFill(prob) {
  const inner = make("i");
  inner.style.width = `${100 * prob}%`;
  return inner;
}

function isCheck(event) { return Boolean(event.target.closest(".fm-cell-check")); }

function sayRow(row) { return [row.title, row.text, row.tag].filter(Boolean).join(", "); }

function showTag(element, row) {
  element.textContent = row.tag;
  element.hidden = !row.tag;
  element.className = `fm-cell-tag fm-tag-${/^\w+$/.test(row.tag_kind) ? row.tag_kind : "none"}`;
}

// Ranges are [first, last], sorted, and never touch each other.
function without(ranges, place) {
  return ranges.flatMap(([first, last]) => (place < first || place > last ? [[first, last]] : [[first, place - 1], [place + 1, last]])).filter(([first, last]) => first <= last);
}

function withPlace(ranges, place) {
  const joined = [];
  for (const [first, last] of [...ranges, [place, place]].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}
