// The browser's side of the gallery. The grid is as high as all photos need, but only the cells in sight, and a
// screen around them, are in the page; their texts and pictures are asked for when they come into sight.

const GAP = 12;
const TEXT_HEIGHT = 58; // below each picture
const MIN_CELL = 132, MIN_CELL_PHONE = 104;
const KEPT_PICTURES = 600; // some 8 KB each; the ones not seen longest make room

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
    this.known = new Map(); // place -> row of this version
    this.asked = new Set(); // places whose rows are on their way
    this.pictures = new Map(); // id -> address, or { reason }; in the order of last use
    this.columns = 1;
    this.draw();
    this.listen();
    this.layOut();
  }

  draw() {
    this.list = make("div", { class: "fm-grid", role: "listbox", "aria-multiselectable": "true", "aria-label": this.model.get("name"), tabindex: "0" });
    this.hint = make("p", { class: "fm-visually-hidden", text: this.strings.keys, id: `fm-keys-${this.model.model_id ?? Math.random().toString(36).slice(2)}` });
    this.list.setAttribute("aria-describedby", this.hint.id);
    this.view = make("div", { class: "fm-grid-view" }, this.list);
    this.empty = make("p", { class: "fm-soft fm-grid-empty" });
    this.chosen = make("div", { class: "fm-grid-chosen", hidden: true },
      make("span", { role: "status" }), makeButton(this.strings.select_none, () => this.select([]), { kind: "fm-quiet" }));
    this.whole = new Whole(this);
    this.root = make("div", { class: "fm-gallery" }, this.empty, this.view, this.chosen, this.hint, this.whole.root);
  }

  listen() {
    this.view.addEventListener("scroll", () => this.soon(), { passive: true });
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    this.list.addEventListener("click", (event) => this.onClick(event));
    this.list.addEventListener("dblclick", (event) => this.placeOf(event) >= 0 && this.whole.open());
    this.resized = new ResizeObserver(() => this.layOut());
    this.resized.observe(this.view);
    this.onMessage = (message, buffers) => this.take(message, buffers);
    this.model.on("msg:custom", this.onMessage);
    this.model.on("change:_version", () => this.forgetRows());
    this.model.on("change:_at", () => this.onFocus());
    this.model.on("change:_ranges", () => this.showChosen());
    this.model.on("change:message", () => this.layOut());
  }

  close() {
    this.resized.disconnect();
    this.model.off("msg:custom", this.onMessage);
    for (const picture of this.pictures.values()) if (picture.url) URL.revokeObjectURL(picture.url);
  }

  // --- Layout ---

  get n() { return this.model.get("_n"); }

  layOut() {
    const width = this.view.clientWidth;
    this.empty.hidden = this.n > 0;
    this.empty.textContent = this.model.get("message");
    this.view.hidden = this.n === 0;
    if (!width || !this.n) return;
    const smallest = width < 480 ? MIN_CELL_PHONE : MIN_CELL;
    this.columns = Math.max(2, Math.floor((width + GAP) / (smallest + GAP)));
    this.cell = (width - GAP * (this.columns - 1)) / this.columns;
    this.step = this.cell + TEXT_HEIGHT + GAP;
    this.list.style.height = `${Math.ceil(this.n / this.columns) * this.step}px`;
    for (const element of this.cells.values()) element.remove();
    this.cells.clear();
    this.show();
  }

  soon() { // draw once a frame, and ask once scrolling rests
    this.frame ??= requestAnimationFrame(() => { this.frame = undefined; this.show(); });
  }

  inSight(margin) {
    const top = this.view.scrollTop, height = this.view.clientHeight;
    const first = Math.floor((top - margin * height) / this.step) * this.columns;
    const last = Math.ceil((top + (1 + margin) * height) / this.step) * this.columns - 1;
    return [Math.max(0, first), Math.min(this.n - 1, last)];
  }

  show() {
    if (!this.step) return;
    const [first, last] = this.inSight(0.5);
    for (const [place, element] of this.cells) {
      if (place < first || place > last) { element.remove(); this.cells.delete(place); }
    }
    for (let place = first; place <= last; place++) if (!this.cells.has(place)) this.addCell(place);
    this.showChosen();
    clearTimeout(this.asking);
    this.asking = setTimeout(() => this.ask(), 40);
  }

  addCell(place) {
    const picture = make("span", { class: "fm-cell-picture" });
    const title = make("bdi", { class: "fm-cell-title" });
    const text = make("bdi", { class: "fm-cell-text" });
    const tag = make("span", { class: "fm-cell-tag", hidden: true });
    const element = make("div", { class: "fm-cell", role: "option", id: `${this.hint.id}-${place}`, "aria-posinset": place + 1, "aria-setsize": this.n, "data-place": place }, picture, tag, title, text);
    const row = Math.floor(place / this.columns), column = place % this.columns;
    Object.assign(element.style, { width: `${this.cell}px`, transform: `translate(${column * (this.cell + GAP)}px, ${row * this.step}px)` });
    picture.style.height = `${this.cell}px`;
    this.cells.set(place, element);
    this.list.append(element);
    this.fillCell(place);
  }

  fillCell(place) {
    const element = this.cells.get(place), row = this.known.get(place);
    if (!element || !row) return;
    const [picture, tag, title, text] = element.children;
    title.textContent = row.title;
    text.textContent = row.text;
    text.title = row.text;
    tag.textContent = row.tag;
    tag.hidden = !row.tag;
    tag.className = `fm-cell-tag fm-tag-${/^\w+$/.test(row.tag_kind) ? row.tag_kind : "none"}`;
    element.setAttribute("aria-label", [row.title, row.text, row.tag].filter(Boolean).join(", "));
    const known = this.pictures.get(row.id);
    if (known?.url) {
      if (picture.firstChild?.src !== known.url) picture.replaceChildren(make("img", { src: known.url, alt: "", decoding: "async", draggable: "false" }));
    } else if (known?.reason) {
      picture.replaceChildren(makeIcon("failed"), make("span", { text: this.strings.unreadable }));
      element.classList.add("is-failed");
      element.title = known.reason;
    } else picture.replaceChildren();
  }

  // --- Rows and pictures ---

  ask() {
    const [first, last] = this.inSight(0.5);
    const missing = [];
    for (let place = first; place <= last; place++) if (!this.known.has(place) && !this.asked.has(place)) missing.push(place);
    if (missing.length) {
      for (const place of missing) this.asked.add(place);
      this.model.send({ kind: "rows", first: missing[0], last: missing.at(-1) });
    }
    this.askPictures();
  }

  askPictures() {
    const wanted = [];
    const [first, last] = this.inSight(0.5);
    for (let place = first; place <= last; place++) {
      const row = this.known.get(place);
      if (row && !this.pictures.has(row.id)) wanted.push(row.id);
    }
    const key = wanted.join();
    if (key === this.wanted) return;
    this.wanted = key;
    if (wanted.length) this.model.send({ kind: "thumbs", ids: wanted });
  }

  forgetRows() {
    this.known.clear();
    this.asked.clear();
    this.wanted = undefined;
    this.layOut();
    this.whole.update();
  }

  take(message, buffers) {
    if (message.kind === "rows") {
      if (message.version !== this.model.get("_version")) return;
      message.rows.forEach((row, index) => {
        this.known.set(message.first + index, row);
        this.asked.delete(message.first + index);
        this.fillCell(message.first + index);
      });
      this.askPictures();
      this.whole.update();
    } else if (message.kind === "thumb") {
      this.keepPicture(message.id, buffers.length ? { url: makeImageUrl(buffers[0], "image/jpeg") } : { reason: message.reason });
      for (const [place, row] of this.known) if (row.id === message.id) this.fillCell(place);
    } else if (message.kind === "whole") {
      this.whole.take(message, buffers);
    }
  }

  keepPicture(id, picture) {
    this.pictures.set(id, picture);
    const inUse = new Set([...this.cells.keys()].map((place) => this.known.get(place)?.id));
    for (const [old, { url }] of this.pictures) {
      if (this.pictures.size <= KEPT_PICTURES) return;
      if (inUse.has(old)) continue;
      if (url) URL.revokeObjectURL(url);
      this.pictures.delete(old);
    }
  }

  // --- Focus and choice ---

  get at() { return this.model.get("_at"); }

  onFocus() {
    this.reveal(this.at);
    this.showChosen();
    this.whole.update();
  }

  reveal(place) {
    if (place < 0 || !this.step) return;
    const top = Math.floor(place / this.columns) * this.step;
    const view = this.view;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + this.step > view.scrollTop + view.clientHeight) view.scrollTop = top + this.step - view.clientHeight;
  }

  focus(place, { extend = false } = {}) {
    const to = Math.min(Math.max(place, 0), this.n - 1);
    if (extend) {
      this.anchor ??= this.at;
      this.select([[Math.min(this.anchor, to), Math.max(this.anchor, to)]], { keepAnchor: true });
    } else this.anchor = undefined;
    if (to === this.at) return;
    this.model.set("_at", to); // seen at once; the kernel says the same when it has heard
    this.model.send({ kind: "focus", at: to });
  }

  select(ranges, { keepAnchor = false } = {}) {
    if (!keepAnchor) this.anchor = undefined;
    this.model.set("_ranges", ranges);
    this.model.send({ kind: "select", ranges });
  }

  isChosen(place) {
    return this.model.get("_ranges").some(([first, last]) => place >= first && place <= last);
  }

  toggle(place) {
    const places = new Set();
    for (const [first, last] of this.model.get("_ranges")) for (let one = first; one <= last; one++) places.add(one);
    places.has(place) ? places.delete(place) : places.add(place);
    this.select([...places].sort((a, b) => a - b).map((one) => [one, one]), { keepAnchor: true });
    this.anchor = place;
  }

  showChosen() {
    for (const [place, element] of this.cells) {
      element.setAttribute("aria-selected", String(this.isChosen(place)));
      element.classList.toggle("is-current", place === this.at);
    }
    const current = this.cells.get(this.at);
    setAttribute(this.list, "aria-activedescendant", current ? current.id : null);
    const count = this.model.get("_ranges").reduce((sum, [first, last]) => sum + last - first + 1, 0);
    this.chosen.hidden = count === 0;
    this.chosen.firstChild.textContent = fill(count === 1 ? this.strings.selected_one : this.strings.selected_many, { n: count.toLocaleString() });
  }

  placeOf(event) {
    const cell = event.target.closest(".fm-cell");
    return cell ? Number(cell.dataset.place) : -1;
  }

  onClick(event) {
    const place = this.placeOf(event);
    if (place < 0) return;
    if (event.ctrlKey || event.metaKey) { this.focus(place); this.toggle(place); return; }
    if (event.shiftKey) { this.focus(place, { extend: true }); return; }
    if (place === this.at && event.pointerType === "touch") this.whole.open(); // the second tap on a photo
    this.focus(place);
  }

  onKey(event) {
    if (event.target.closest("input, select, textarea") || event.altKey) return;
    if (event.target.closest("button") && (event.key === " " || event.key === "Enter")) return;
    if ((event.ctrlKey || event.metaKey) && event.key !== "a" && event.key !== " ") return;
    const page = Math.max(1, Math.floor(this.view.clientHeight / (this.step || 1))) * this.columns;
    const open = this.whole.isOpen;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: open ? -1 : -this.columns, ArrowDown: open ? 1 : this.columns, PageUp: -page, PageDown: page, Home: -this.n, End: this.n };
    if (event.key in moves) this.focus(this.at + moves[event.key], { extend: event.shiftKey && !open });
    else if (event.key === " " && event.ctrlKey) this.toggle(this.at);
    else if (event.key === " ") open ? this.whole.close() : this.whole.open();
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.select(this.n ? [[0, this.n - 1]] : []);
    else if (event.key === "Escape" && open) this.whole.close();
    else if (event.key === "Escape" && this.model.get("_ranges").length) this.select([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// One photo, as large as the window. Keys that decide something reach whatever is around the gallery.
class Whole {
  constructor(grid) {
    this.grid = grid;
    const { strings } = grid;
    this.image = make("img", { class: "fm-whole-photo", alt: "" });
    this.title = make("bdi", { class: "fm-whole-title" });
    this.text = make("bdi", { class: "fm-soft" });
    this.tag = make("span", { class: "fm-cell-tag" });
    this.position = make("span", { class: "fm-soft" });
    this.failed = make("p", { class: "fm-failure", hidden: true });
    const words = make("div", { class: "fm-whole-words" }, this.tag, this.title, this.text, this.position);
    this.root = make("div", { class: "fm-whole", role: "dialog", "aria-modal": "true", "aria-label": strings.whole, tabindex: "-1", hidden: true },
      make("div", { class: "fm-whole-bar" }, words, makeIconButton("close", strings.close, () => this.close())),
      make("div", { class: "fm-whole-stage" },
        makeIconButton("previous", strings.previous, () => grid.focus(grid.at - 1)), make("div", { class: "fm-whole-frame" }, this.image, this.failed),
        makeIconButton("next", strings.next, () => grid.focus(grid.at + 1))));
    this.root.addEventListener("keydown", (event) => this.keepFocus(event));
  }

  get isOpen() { return !this.root.hidden; }

  open() {
    if (this.grid.at < 0) return;
    this.root.hidden = false;
    this.shown = undefined;
    this.update();
    this.root.focus();
  }

  close() {
    this.root.hidden = true;
    this.image.removeAttribute("src");
    this.grid.list.focus();
  }

  keepFocus(event) { // Tab goes round among the dialog's buttons
    if (event.key !== "Tab") return;
    const buttons = [...this.root.querySelectorAll("button")];
    const now = buttons.indexOf(document.activeElement);
    buttons[(now + (event.shiftKey ? -1 : 1) + buttons.length) % buttons.length].focus();
    event.preventDefault();
  }

  update() {
    if (!this.isOpen) return;
    const { grid } = this;
    if (grid.at < 0) { this.close(); return; }
    const row = grid.known.get(grid.at);
    if (!row) { grid.reveal(grid.at); grid.ask(); return; }
    this.title.textContent = row.title;
    this.text.textContent = [row.text, row.credit].filter(Boolean).join(" · ");
    this.tag.textContent = row.tag;
    this.tag.hidden = !row.tag;
    this.tag.className = `fm-cell-tag fm-tag-${/^\w+$/.test(row.tag_kind) ? row.tag_kind : "none"}`;
    this.position.textContent = fill(grid.strings.position, { i: (grid.at + 1).toLocaleString(), n: grid.n.toLocaleString() });
    this.image.alt = row.title;
    if (this.shown === row.id) return;
    this.shown = row.id;
    this.failed.hidden = true;
    this.image.src = grid.pictures.get(row.id)?.url ?? ""; // the thumbnail until the photo is here
    this.image.hidden = !grid.pictures.get(row.id)?.url;
    grid.model.send({ kind: "whole", id: row.id });
  }

  take(message, buffers) {
    if (!this.isOpen || message.id !== this.shown) return;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = buffers.length ? makeImageUrl(buffers[0], "image/jpeg") : undefined;
    this.image.hidden = !this.url;
    if (this.url) this.image.src = this.url;
    this.failed.hidden = Boolean(this.url);
    this.failed.textContent = message.reason ?? "";
  }
}
