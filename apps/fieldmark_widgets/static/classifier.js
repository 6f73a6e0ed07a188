// The browser's side of the classifier: the photo with where the model looked, the answer beside it, the strip
// of all photos, and what the model knows.

const BARS_SHOWN = 5;

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const photo = drawPhoto(model, strings);
    const strip = drawStrip(model, strings);
    const answer = drawAnswer(model, strings);
    const announcement = make("p", { class: "fm-visually-hidden", role: "status" });
    const place = make("div", { class: "fm-uploader-place" });
    const waiting = make("span", { class: "fm-soft fm-waiting-count" });
    const ask = (kind) => {
      model.send({ kind });
      if (kind === "clear") root.dispatchEvent(new CustomEvent("fm-cleared", { bubbles: true })); // for the page's bridge
      place.querySelector("button")?.focus(); // the button that was pressed goes away
    };
    const stop = makeButton(strings.stop, () => ask("stop"), { kind: "fm-stop" });
    const clear = makeButton(strings.clear, () => ask("clear"), { kind: "fm-quiet fm-clear" });
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    let more = drawMore(model.get("_knowledge"), strings);
    const root = make(
      "section",
      { class: "fm-classifier", "aria-label": strings.region },
      announcement,
      problem,
      make("div", { class: "fm-columns" },
        photo.root,
        answer.root,
        strip.root,
        make("div", { class: "fm-add" }, place, waiting, stop, clear),
        ...more),
    );
    el.classList.add("fm");
    el.append(root);

    let rowsBefore = model.get("_rows").length;
    let shownBefore = model.get("_shown")?.key;
    const update = () => {
      const busy = model.get("state") === "busy";
      const rows = model.get("_rows").length, shown = model.get("_shown")?.key;
      // Whoever added more from further down wants to see what comes of it.
      const came = rowsBefore > 0 && rows > rowsBefore && shown !== shownBefore;
      [rowsBefore, shownBefore] = [rows, shown];
      if (came) requestAnimationFrame(() => photo.root.scrollIntoView({ block: "nearest" }));
      showState(root, model.get("state"));
      root.classList.toggle("has-photo", model.get("_shown") !== null);
      const n = busy ? model.get("_waiting") : 0;
      waiting.textContent = n > 1 ? fill(strings.waiting, { n }) : strings.waiting_one;
      waiting.hidden = stop.hidden = n === 0 || model.get("_shown") === null;
      clear.hidden = model.get("_rows").length === 0 || !stop.hidden;
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      for (const part of [photo, strip, answer]) part.update();
      announcement.textContent = announce(model, strings);
    };
    model.on("change:_knowledge", () => { // another model answers now
      const [first, ...others] = more;
      more = drawMore(model.get("_knowledge"), strings);
      first.replaceWith(...more);
      others.forEach((part) => part.remove());
    });
    const names = ["state", "selected", "show_map", "problem", "_rows", "_shown", "_overlay", "_waiting", "_corrected"];
    let due = false;
    const soon = () => { // many traits change while a batch comes in; once a frame is enough
      if (due) return;
      due = true;
      requestAnimationFrame(() => { due = false; update(); });
    };
    for (const name of names) model.on(`change:${name}`, soon);
    update();
    model.send({ kind: "opened" });

    const uploader = await host.getWidget(model.get("uploader"));
    await uploader.render({ el: place });
    return () => {
      photo.close();
      strip.close();
    };
  },
};

function announce(model, strings) {
  const shown = model.get("_shown");
  if (shown) return shown.answer.announcement;
  return model.get("state") === "busy" ? strings.busy_title : "";
}

function select(model, index) {
  if (index < 0 || index >= model.get("_rows").length) return;
  model.set("selected", index);
  model.save_changes();
}

// --- The photo ------------------------------------------------------------------------------------------------

function drawPhoto(model, strings) {
  const image = make("img", { class: "fm-photo" });
  const backdrop = make("img", { class: "fm-backdrop", alt: "" });
  const overlay = make("img", { class: "fm-overlay", alt: "" });
  const unreadable = make("div", { class: "fm-unreadable" }, makeIcon("photo"));
  const frame = make("div", { class: "fm-frame" }, image, overlay);
  const previous = makeIconButton("previous", strings.previous, () => select(model, model.get("selected") - 1), "fm-previous");
  const next = makeIconButton("next", strings.next, () => select(model, model.get("selected") + 1), "fm-next");
  const name = make("bdi", { class: "fm-name" });
  const position = make("span", { class: "fm-soft" });
  const notes = make("p", { class: "fm-soft" });
  const caption = make("figcaption", { class: "fm-caption" }, name, position);
  const stage = make("div", { class: "fm-stage" }, backdrop, frame, unreadable, previous, next);
  const root = make("figure", { class: "fm-figure" }, stage, caption, notes);
  const urls = { photo: null, overlay: null };
  let key = null;

  const update = () => {
    const shown = model.get("_shown");
    root.hidden = shown === null;
    if (shown === null) return;
    if (shown.key !== key) showPhoto(shown);
    showOverlay(shown);
    const rows = model.get("_rows");
    const n = rows.length;
    const i = model.get("selected");
    const failed = rows.filter((row) => row.verdict === "failed").length;
    previous.hidden = next.hidden = n < 2;
    previous.disabled = i <= 0;
    next.disabled = i >= n - 1;
    const sentence = failed ? strings.position_failed : strings.position;
    position.textContent = n > 1 ? fill(sentence, { i: i + 1, n, failed }) : "";
  };
  const showPhoto = (shown) => {
    key = shown.key;
    replaceUrl(urls, "photo", shown.jpeg, "image/jpeg");
    frame.hidden = backdrop.hidden = !shown.jpeg;
    unreadable.hidden = Boolean(shown.jpeg);
    image.alt = fill(strings.photo_alt, shown);
    for (const each of [image, backdrop]) setAttribute(each, "src", urls.photo);
    frame.style.setProperty("--fm-ratio", shown.width / shown.height || 1);
    name.textContent = shown.name;
    notes.textContent = shown.notes.join(" ");
    notes.hidden = shown.notes.length === 0;
  };
  const showOverlay = (shown) => {
    const map = model.get("_overlay");
    const visible = model.get("show_map") && map !== null && map.key === shown.key;
    overlay.classList.toggle("is-visible", visible);
    if (!visible) return;
    replaceUrl(urls, "overlay", map.png, "image/png");
    overlay.src = urls.overlay;
    const [left, top, right, bottom] = map.region.map((share) => 100 * share);
    Object.assign(overlay.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
  };
  return { root, update, close: () => Object.keys(urls).forEach((which) => replaceUrl(urls, which, null)) };
}

function replaceUrl(urls, which, bytes, type) {
  if (urls[which]) URL.revokeObjectURL(urls[which]);
  urls[which] = bytes ? makeImageUrl(bytes, type) : null;
}

// --- The strip of all photos ----------------------------------------------------------------------------------

// Tabs: one stop of the tab key, arrows move within.
function drawStrip(model, strings) {
  const list = make("div", { class: "fm-strip", role: "tablist", "aria-label": strings.photos });
  const thumbs = new Map(); // key → address; empty while it is asked for

  const receive = (message, buffers) => {
    if (message.kind !== "thumb" || !thumbs.has(message.key)) return;
    thumbs.set(message.key, makeImageUrl(buffers[0], "image/jpeg"));
    update();
  };
  model.on("msg:custom", receive);
  list.addEventListener("keydown", (event) => moveByKey(event, model, list));

  const update = () => {
    const rows = model.get("_rows");
    askForThumbs(rows);
    list.hidden = rows.length < 2;
    const selected = model.get("selected");
    const focused = list.contains(document.activeElement);
    list.replaceChildren(...rows.map((row, i) => drawTab(row, i, i === selected)));
    if (focused) list.children[selected]?.focus();
    showTab(list, list.children[selected]);
  };
  const askForThumbs = (rows) => {
    const present = new Set(rows.map((row) => row.key));
    for (const [key, url] of thumbs) {
      if (present.has(key)) continue;
      URL.revokeObjectURL(url);
      thumbs.delete(key);
    }
    const keys = rows.filter((row) => row.has_thumb && !thumbs.has(row.key)).map((row) => row.key);
    if (rows.length < 2 || keys.length === 0) return;
    keys.forEach((key) => thumbs.set(key, ""));
    model.send({ kind: "thumbs", keys });
  };
  const drawTab = (row, i, selected) => {
    const url = thumbs.get(row.key);
    const picture = url ? make("img", { src: url, alt: "" }) : make("span", { class: "fm-no-thumb" }, makeIcon("photo"));
    const word = make("span", { class: `fm-thumb-verdict fm-is-${row.verdict}` }, makeIcon(row.verdict), make("span", { text: row.word }));
    const attributes = { type: "button", role: "tab", class: "fm-thumb", "aria-selected": selected, tabindex: selected ? 0 : -1, "aria-label": `${row.name}: ${row.title}. ${row.word}`, title: row.name };
    return make("button", { ...attributes, "aria-selected": String(selected), on: { click: () => select(model, i) } }, picture, make("span", { class: "fm-thumb-title", text: row.title }), word);
  };
  const close = () => {
    model.off("msg:custom", receive);
    for (const url of thumbs.values()) URL.revokeObjectURL(url);
  };
  return { root: list, update, close };
}

// Scrolls the strip alone: scrollIntoView would move the page too, away from the answer.
function showTab(list, tab) {
  if (!tab) return;
  const [strip, place] = [list.getBoundingClientRect(), tab.getBoundingClientRect()];
  if (place.left < strip.left) list.scrollLeft -= strip.left - place.left + 8;
  else if (place.right > strip.right) list.scrollLeft += place.right - strip.right + 8;
}

function moveByKey(event, model, list) {
  const i = model.get("selected");
  const last = model.get("_rows").length - 1;
  const target = { ArrowLeft: i - 1, ArrowUp: i - 1, ArrowRight: i + 1, ArrowDown: i + 1, Home: 0, End: last }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  select(model, Math.max(0, Math.min(last, target)));
  list.children[model.get("selected")]?.focus();
}

// --- The answer -----------------------------------------------------------------------------------------------

function drawAnswer(model, strings) {
  const correction = drawCorrection(model);
  const root = make("div", { class: "fm-card fm-answer", tabindex: -1 }, correction.root);
  let all = false; // whether all bars are shown

  const update = () => {
    const shown = model.get("_shown");
    const busy = model.get("state") === "busy";
    root.setAttribute("aria-busy", String(busy));
    setAttribute(root, "data-verdict", shown?.answer.verdict);
    const parts = shown ? drawAnswered(shown) : busy ? drawBusy(strings) : drawEmpty(model, strings);
    keepFocus(root, correction.root, [".fm-map-toggle", ".fm-more"], () => {
      while (root.firstChild !== correction.root) root.firstChild.remove();
      correction.root.before(...parts);
    });
    correction.update();
  };
  const toggleAll = () => {
    all = !all;
    update();
  };
  const toggleMap = () => {
    model.set("show_map", !model.get("show_map"));
    model.save_changes();
    update();
  };
  const drawAnswered = ({ answer }) => {
    const parts = [
      make("p", { class: "fm-soft fm-intro" }, make("bdi", { text: answer.intro })),
      make("h2", { class: "fm-title", text: answer.title }),
      make("div", { class: "fm-row fm-verdict" },
        make("span", { class: `fm-chip fm-is-${answer.verdict}` }, makeIcon(answer.verdict), make("span", { text: answer.word })),
        make("span", { class: "fm-verdict-text", text: answer.text })),
    ];
    if (answer.bars.length === 0) return parts;
    const few = answer.bars.length > BARS_SHOWN + 1 && !all; // a button that shows one more is not worth it
    parts.push(drawBars(answer.bars.slice(0, few ? BARS_SHOWN : undefined), strings));
    const buttons = make("div", { class: "fm-row fm-answer-buttons" });
    if (model.get("_explains")) buttons.append(drawMapToggle());
    if (answer.bars.length > BARS_SHOWN + 1) buttons.append(drawAllToggle(answer.bars.length));
    return [...parts, buttons];
  };
  const drawMapToggle = () => {
    const on = model.get("show_map");
    return makeButton(on ? strings.hide_map : strings.show_map, toggleMap, { kind: "fm-map-toggle", "aria-pressed": String(on) });
  };
  const drawAllToggle = (n) =>
    makeButton(all ? strings.show_few : fill(strings.show_all, { n }), toggleAll, { kind: "fm-more fm-quiet", "aria-expanded": String(all) });
  return { root, update };
}

// Draws anew without losing the place of whoever goes by keyboard: a control gets its focus back, and where it is
// gone the card takes it.
function keepFocus(root, lasting, controls, draw) {
  const had = root.contains(document.activeElement) && !lasting.contains(document.activeElement);
  const control = controls.find((selector) => document.activeElement?.matches(selector));
  draw();
  if (had) ((control && root.querySelector(control)) ?? root).focus({ preventScroll: true });
}

function drawBars(bars, strings) {
  const rows = bars.map(({ label, prob, percent }) => {
    const bar = make("span", { class: "fm-bar", "aria-hidden": "true" }, make("i"));
    bar.firstChild.style.width = `${100 * prob}%`;
    return make("li", {}, make("span", { class: "fm-bar-label", text: label }), bar, make("em", { text: percent }));
  });
  return make("ul", { class: "fm-bars", "aria-label": strings.bars }, ...rows);
}

function drawBusy(strings) {
  const line = (width) => {
    const element = make("div", { class: "fm-skeleton" });
    element.style.width = width;
    return element;
  };
  return [make("p", { class: "fm-soft fm-intro", text: strings.busy_title }), line("60%"), line("35%"), line("100%"), line("100%"), line("90%")];
}

function drawEmpty(model, strings) {
  return [
    make("p", { class: "fm-soft fm-intro", text: strings.empty_intro }),
    make("h2", { class: "fm-title", text: strings.empty_title }),
    make("p", { class: "fm-soft", text: strings.empty_text }),
    ...drawSamples(model, strings),
  ];
}

// Photos that are a click away. Their pictures are made once and stay as long as the page.
function drawSamples(model, strings) {
  const samples = model.get("_samples");
  if (samples.length === 0) return [];
  const tiles = samples.map(({ name, title, thumb }) => {
    const picture = make("img", { src: sampleUrl(name, thumb), alt: "", width: 88, height: 88 });
    const add = () => model.send({ kind: "sample", name });
    return make("button", { type: "button", class: "fm-sample", "aria-label": fill(strings.sample, { title }), on: { click: add } }, picture, make("span", { text: title }));
  });
  return [make("p", { class: "fm-soft fm-samples-intro", text: strings.samples }), make("div", { class: "fm-row fm-samples" }, ...tiles)];
}

const sampleUrls = new Map();

function sampleUrl(name, thumb) {
  if (!sampleUrls.has(name)) sampleUrls.set(name, makeImageUrl(thumb, "image/jpeg"));
  return sampleUrls.get(name);
}

// --- What the model knows -------------------------------------------------------------------------------------

function drawMore(known, strings) {
  return [drawKnows(known, strings), make("div", { class: "fm-aside" }, drawHonest(known, strings), drawOwn(known, strings) ?? "")].filter(Boolean);
}

// A bare function has no card to show.
function drawKnows(known, strings) {
  if (!known.title) return null;
  const list = (title, items) =>
    items.length ? [make("h4", { text: title }), make("ul", { class: "fm-plain" }, ...items.map((text) => make("li", { text })))] : [];
  return make(
    "section",
    { class: "fm-card fm-knows" },
    make("h3", { text: strings.knows }),
    make("p", {}, make("b", { text: known.title })),
    make("p", { class: "fm-soft", text: known.summary }),
    make("ul", { class: "fm-kinds", "aria-label": strings.kinds }, ...known.kinds.map((text) => make("li", { class: "fm-chip", text }))),
    ...list(strings.limits, known.limits),
    make("p", { class: "fm-soft fm-small", text: [known.source, known.file].filter(Boolean).join(" · ") }),
  );
}

function drawHonest(known, strings) {
  const examples = known.honest.map(([verdict, word, text]) =>
    make("li", {}, make("span", { class: `fm-chip fm-is-${verdict}` }, makeIcon(verdict), make("span", { text: word })), make("span", { class: "fm-soft", text })),
  );
  return make("section", { class: "fm-card" }, make("h3", { text: strings.honest }), make("ul", { class: "fm-honest" }, ...examples));
}

function drawOwn(known, strings) {
  if (known.own_commands.length === 0) return null;
  const lines = [strings.own_folders, ...known.own_commands].map((text) => make("code", { text }));
  return make("section", { class: "fm-card" }, make("h3", { text: strings.own }), make("p", { class: "fm-soft", text: strings.own_text }), make("div", { class: "fm-commands" }, ...lines));
}
