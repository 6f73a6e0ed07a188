// One photo, as large as the window, and beside it what is known of it. Keys that decide something reach whatever is
// around the gallery: so it is no <dialog>, but like one it lies above everything, wherever the gallery is.

Object.assign(ICONS, {
  zoom_in: "M10.5 3.5a7 7 0 1 0 0 14a7 7 0 1 0 0-14z M15.6 15.6l5.4 5.4 M7.5 10.5h6 M10.5 7.5v6",
  zoom_out: "M10.5 3.5a7 7 0 1 0 0 14a7 7 0 1 0 0-14z M15.6 15.6l5.4 5.4 M7.5 10.5h6",
});

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
  const title = make("p", { class: "fm-closeup-title", text: strings.looking });
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

function sayRow(row) { return [row.title, row.text, row.tag].filter(Boolean).join(", "); }

function showTag(element, row) {
  element.textContent = row.tag;
  element.hidden = !row.tag;
  element.className = `fm-cell-tag fm-tag-${/^\w+$/.test(row.tag_kind) ? row.tag_kind : "none"}`;
}
