// The browser's side of the dashboard: one event to decide about, large; the others, the cameras and the week beside it.

const TICK_MS = 1000; // news is asked for by the page, so that one that is closed asks for nothing
const BURST_MS = 350;
const NAME_KEY = "fieldmark-name";

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const pictures = keepPictures(model);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const empty = drawEmpty(model, strings);
    const head = drawHead(model, strings);
    const desk = drawDesk(model, strings, pictures);
    const wall = drawWall(model, strings, pictures);
    const plan = drawPlace(model, strings);
    const office = drawOffice(model, strings);
    const alerts = drawAlerts(model, strings), log = drawLog(model, strings);
    const week = drawWeek(model, strings);
    const board = make("div", { class: "fm-monitor-board" }, head.root, desk.root, make("div", { class: "fm-monitor-side" }, alerts.root, wall.root, week.root, plan.root), make("div", { class: "fm-monitor-more" }, log.root, office.root));
    const root = make("section", { class: "fm-monitor", "aria-label": strings.region }, problem, empty, board);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      empty.hidden = model.get("state") !== "empty";
      board.hidden = !empty.hidden;
      head.update();
      desk.update();
      wall.update();
      plan.update();
      office.update();
      alerts.update();
      log.update();
      week.update();
    };
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => { due = false; update(); });
    };
    for (const name of ["state", "problem", "_station", "_wall", "_queue", "_figures", "_did", "_me", "_office", "_alerts", "_logged"]) model.on(`change:${name}`, soon);
    pictures.onPicture = soon;
    update();
    const tick = setInterval(() => {
      if (document.hidden || !el.isConnected) return;
      try {
        model.send({ kind: "look" });
      } catch {
        clearInterval(tick); // the page is being left
      }
    }, TICK_MS);
    return () => { clearInterval(tick); pictures.close(); };
  },
};

// Asks for each frame once and keeps what came; "withheld" is kept as null.
const MOST_PICTURES = 200; // a dashboard is open for days
function keepPictures(model) {
  const kept = new Map(), asked = new Set();
  const pictures = {
    onPicture: () => {},
    get(id, large) {
      const key = `${id} ${large}`;
      if (kept.has(key)) { const url = kept.get(key); kept.delete(key); kept.set(key, url); } // the ones used last stay
      if (id && !asked.has(key)) { asked.add(key); model.send({ kind: "frame", id, large }); }
      return kept.get(key);
    },
    // While an event is withheld nothing of it is asked for; what was refused is asked for again once it is not.
    forgetRefused(ids) {
      for (const key of ids.map((id) => `${id} true`)) if (kept.get(key) === null) { kept.delete(key); asked.delete(key); }
    },
    close() { for (const url of kept.values()) if (url) URL.revokeObjectURL(url); },
  };
  model.on("msg:custom", (message, buffers) => {
    if (message.kind === "frame") kept.set(`${message.id} ${message.large}`, makeImageUrl(buffers[0], "image/jpeg"));
    else if (message.kind === "withheld") for (const large of [true, false]) kept.set(`${message.id} ${large}`, null);
    else return;
    for (const key of kept.keys()) {
      if (kept.size <= MOST_PICTURES) break;
      if (kept.get(key)) URL.revokeObjectURL(kept.get(key));
      kept.delete(key);
      asked.delete(key);
    }
    pictures.onPicture();
  });
  return pictures;
}

function drawEmpty(model, strings) {
  const folder = model.get("_folder");
  return make("div", { class: "fm-card fm-monitor-empty" }, make("h2", { class: "fm-title", text: strings.empty_title }),
    ...drawDemo(model, strings, strings.demo, strings.demo_hint),
    make("p", { class: "fm-soft", text: strings.empty }),
    make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.empty_command, { folder }) }),
    make("p", { class: "fm-soft fm-small", text: strings.worker_hint }));
}

// The button that lets the server play a simulated station; none where no server offers it.
function drawDemo(model, strings, text, hint) {
  const url = model.get("_demo_url");
  if (!url) return [];
  const said = make("p", { class: "fm-soft", role: "status", text: hint });
  const go = makeButton(text, async () => {
    go.disabled = true;
    said.textContent = strings.demo_begins;
    const token = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";
    const answer = await fetch(url, { method: "POST", headers: { "X-XSRFToken": token } }).catch(() => null);
    go.disabled = Boolean(answer?.ok);
    if (!answer?.ok) said.textContent = strings.demo_failed;
  }, { kind: "fm-primary" });
  return [go, said];
}

function drawHead(model, strings) {
  const name = make("h2", { class: "fm-title" });
  const stage = make("p", { class: "fm-soft" });
  const simulated = make("span", { class: "fm-chip fm-is-unsure", text: strings.simulated });
  const who = drawWho(model, strings);
  const stopped = make("div", { class: "fm-monitor-stopped", role: "status" });
  const root = make("header", { class: "fm-monitor-head" }, make("div", {}, name, make("div", { class: "fm-row" }, stage, simulated)), who.root, stopped);
  const update = () => {
    who.update();
    const station = model.get("_station");
    name.textContent = station.name ?? "";
    stage.textContent = station.stage ?? "";
    simulated.hidden = !station.simulated;
    const lines = station.worker === false && station.simulated && model.get("_demo_url")
      ? [make("p", { text: strings.demo_stopped }), ...drawDemo(model, strings, strings.demo_on, "")]
      : station.worker === false ? [make("p", { text: strings.no_worker }), make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.worker_command, { folder: model.get("_folder") }) }), make("p", { class: "fm-small", text: strings.worker_hint })]
      : station.note ? [make("p", { text: fill(strings.worker_note, { note: station.note }) })] : [];
    lines.push(...(station.troubles ?? []).map((text) => make("p", { text })));
    const text = JSON.stringify(lines.map((line) => line.textContent));
    if (stopped.dataset.said !== text) { stopped.dataset.said = text; stopped.replaceChildren(...lines); }
    stopped.hidden = lines.length === 0;
  };
  return { root, update };
}

function readName() { try { return localStorage.getItem(NAME_KEY) ?? ""; } catch { return ""; } }
function keepName(name) { try { localStorage.setItem(NAME_KEY, name); } catch { /* the page still knows it */ } }

function drawDesk(model, strings, pictures) {
  let current = null, frame = 0, playing = null, bright = false;
  const chip = make("span", { class: "fm-chip" });
  const title = make("h3", { class: "fm-monitor-title" });
  const place = make("span", { class: "fm-soft" });
  const text = make("p", { class: "fm-monitor-text" });
  const image = make("img", { alt: "" });
  const withheld = make("p", { class: "fm-soft", text: strings.withheld });
  const why = make("input", { type: "text", class: "fm-monitor-input", maxlength: 300, "aria-label": strings.show_person_why, placeholder: strings.show_person_why });
  const ask = make("form", { class: "fm-monitor-ask", on: { submit: (event) => {
    event.preventDefault();
    model.send({ kind: "office", act: "frames", said: { event_id: current, why: why.value } });
    why.value = "";
  } } }, why, make("button", { class: "fm-button", text: strings.show_person }), make("p", { class: "fm-soft fm-small", text: strings.show_person_hint }));
  const stage = make("div", { class: "fm-monitor-stage" }, image, make("div", { class: "fm-monitor-withheld" }, withheld, ask));
  const dots = make("div", { class: "fm-monitor-dots", "aria-hidden": "true" });
  const yes = makeButton("", () => decide("confirmed"), { kind: "fm-primary" });
  const no = makeButton(strings.reject, () => decide("rejected"));
  const unsure = makeButton(strings.unsure, () => decide("unsure"));
  const others = make("div", { class: "fm-row fm-monitor-others", role: "group", "aria-label": strings.other });
  const another = make("input", { type: "text", class: "fm-monitor-input", maxlength: 200, "aria-label": strings.another, placeholder: strings.another });
  const naming = make("form", { on: { submit: (event) => {
    event.preventDefault();
    const label = another.value.trim();
    another.value = "";
    if (label) decide("relabelled", label);
  } } }, another);
  const same = make("input", { type: "checkbox" }), sameText = make("span");
  const alike = make("label", { class: "fm-monitor-alike" }, same, sameText);
  const play = makeButton(strings.play, () => toggle(), { kind: "fm-quiet" });
  const brighten = makeButton(strings.brighten, () => { bright = !bright; update(); }, { kind: "fm-quiet", "aria-pressed": "false" });
  const undo = makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" });
  const back = makeIconButton("previous", strings.previous, () => move(-1));
  const forth = makeIconButton("next", strings.next, () => move(1));
  const did = make("p", { role: "status", class: "fm-monitor-did" });
  let isRefused = false; // somebody who may not decide has tried to
  const none = make("p", { class: "fm-monitor-none", text: strings.queue_none });
  const card = make("div", { class: "fm-monitor-event" },
    make("div", { class: "fm-monitor-top" }, chip, title, make("div", { class: "fm-monitor-place" }, place, back, forth)),
    stage, dots, text, alike, make("div", { class: "fm-row" }, yes, no, unsure), others, naming, make("div", { class: "fm-row" }, play, brighten),
    make("p", { class: "fm-soft fm-small fm-monitor-keys", text: strings.keys }));
  const root = make("div", { class: "fm-card fm-monitor-desk", tabindex: "0", "aria-label": strings.queue },
    make("div", { class: "fm-monitor-done" }, did, undo), none, card);

  const queue = () => model.get("_queue");
  const shown = () => queue().find(({ event_id: id }) => id === current) ?? queue()[0] ?? null;
  const show = (event) => {
    if (event?.event_id === current) return;
    current = event?.event_id ?? null;
    frame = event ? Math.max(0, event.frames.indexOf(event.best)) : 0;
    bright = false;
    stop();
    if (event) model.send({ kind: "hold", event: event.event_id });
  };
  const move = (by) => {
    const events = queue(), at = events.findIndex(({ event_id: id }) => id === current);
    show(events[Math.min(events.length - 1, Math.max(0, at + by))] ?? null);
    update();
  };
  const page = () => root.closest(".fm-monitor");
  // Why whoever looks cannot decide yet; empty where they can.
  const lacking = () => {
    const { entered = [], role, is_account: isAccount = false } = model.get("_me");
    if (entered.length === 0 && !isAccount) return page().querySelector(".fm-monitor-name").value.trim() ? "" : strings.who_needed;
    return ["ranger", "chief"].includes(role) ? "" : role ? strings.viewer : strings.sign_needed;
  };
  const decide = (verdict, label) => {
    const event = shown();
    if (!event) return;
    if (lacking()) {
      isRefused = true;
      update();
      const { role } = model.get("_me");
      (role ? root : page().querySelector(".fm-monitor-who :is(input, select):not([hidden])")).focus();
      return;
    }
    const at = queue().indexOf(event);
    model.send({ kind: "review", event: event.event_id, verdict, label, alike: same.checked && event.alike.length > 0 });
    same.checked = false;
    show(queue()[at + 1] ?? queue()[at - 1] ?? null);
    update();
    root.focus({ preventScroll: true });
  };
  const stop = () => { clearInterval(playing); playing = null; };
  const toggle = () => {
    if (playing) stop();
    else playing = setInterval(() => { frame = (frame + 1) % (shown()?.frames.length || 1); update(); }, BURST_MS);
    update();
  };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
    const onButton = event.target.tagName === "BUTTON";
    const vocab = model.get("_station").vocab ?? [];
    const digit = "1234567890".indexOf(event.key);
    if ((event.key === "Enter" && !onButton) || event.key === "c") { if (!yes.hidden) decide("confirmed"); } // what is not shown is not confirmed
    else if (event.key === "r") decide("rejected");
    else if (event.key === "u") decide("unsure");
    else if (event.key === "z") model.send({ kind: "undo" });
    else if (event.key === " " && !onButton) toggle();
    else if (event.key === "/") another.focus();
    else if (event.key === "b") { bright = !bright; update(); }
    else if (event.key === "ArrowRight" || event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") move(-1);
    else if (digit >= 0 && digit < vocab.length) decide("relabelled", vocab[digit]);
    else return;
    event.preventDefault();
  });
  const update = () => {
    const event = shown();
    show(event);
    isRefused = isRefused && lacking() !== "";
    did.textContent = isRefused ? lacking() : model.get("_did");
    did.parentNode.hidden = !did.textContent;
    did.parentNode.classList.toggle("is-refused", isRefused);
    undo.hidden = isRefused;
    none.hidden = event !== null;
    card.hidden = event === null;
    if (!event) return;
    const kinds = { alarm: "fm-is-failed", unfamiliar: "fm-is-unfamiliar", unsure: "fm-is-unsure" };
    chip.className = `fm-chip ${kinds[event.reason] ?? ""}`;
    chip.replaceChildren(makeIcon({ alarm: "failed", unfamiliar: "unfamiliar", unsure: "unsure" }[event.reason] ?? "photo"), event.chip);
    root.dataset.reason = event.reason;
    title.textContent = event.title;
    place.textContent = fill(strings.of, { n: queue().indexOf(event) + 1, total: queue().length });
    text.textContent = event.text;
    alike.hidden = event.alike.length === 0;
    sameText.textContent = fill(strings.alike, { n: event.alike.length });
    yes.textContent = event.label ? fill(strings.confirm, { label: event.label }) : strings.confirm_;
    yes.hidden = !event.label;
    if (event.is_withheld) pictures.forgetRefused(event.frames);
    const url = event.is_withheld ? null : pictures.get(event.frames[frame], true);
    for (const next of queue().slice(queue().indexOf(event) + 1).slice(0, 2)) if (!next.is_withheld) pictures.get(next.best, true); // there when a key asks for it
    withheld.parentNode.hidden = url !== null;
    ask.hidden = model.get("_me").role !== "chief";
    withheld.textContent = ask.hidden ? strings.withheld_ask : strings.withheld;
    if (url) image.src = url;
    image.hidden = !url;
    image.alt = event.title;
    image.classList.toggle("is-bright", bright);
    brighten.setAttribute("aria-pressed", String(bright));
    brighten.hidden = !event.is_night;
    play.hidden = event.frames.length < 2;
    play.textContent = playing ? strings.stop : strings.play;
    dots.replaceChildren(...(event.frames.length > 1 ? event.frames.map((_, i) => make("i", { class: i === frame ? "is-now" : "" })) : []));
    drawOthers(event);
  };
  const drawOthers = (event) => {
    const vocab = model.get("_station").vocab ?? [];
    const wanted = JSON.stringify([vocab, event.label]);
    if (others.dataset.said === wanted) return;
    others.dataset.said = wanted;
    others.replaceChildren(make("span", { class: "fm-soft", text: strings.other }), ...vocab.slice(0, 10).map((label, i) =>
      make("button", { type: "button", class: "fm-filter", on: { click: () => decide("relabelled", label) } },
        make("span", { class: "fm-soft", text: `${(i + 1) % 10} ` }), make("span", { text: label }))));
  };
  return { root, update };
}

function drawWall(model, strings, pictures) {
  const list = make("ul", { class: "fm-monitor-wall" });
  const refused = make("div", { class: "fm-soft fm-small fm-monitor-refused" });
  const line = (text) => make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(text, { folder: model.get("_folder") }) });
  const none = make("div", { class: "fm-soft" }, make("p", { text: strings.wall_none }), line(strings.wall_folder), make("p", { text: strings.wall_card }), line(strings.wall_card_command));
  const root = make("div", { class: "fm-card" }, make("h3", { text: strings.wall }), list, none, refused);
  const signs = { red: "failed", amber: "unsure", grey: "close", ok: "clear" };
  const kept = new Map(); // a tile is changed and not drawn anew: a picture would blink
  const keep = (name) => {
    if (!kept.has(name)) {
      const image = make("img", { alt: "" }), blank = make("span", { class: "fm-monitor-blank" }, makeIcon("photo"));
      const word = make("span", { class: "fm-monitor-word" }), text = make("span", { class: "fm-soft fm-small" });
      const root = make("li", {}, image, blank, make("div", {}, make("strong", { text: name }), word, text));
      kept.set(name, { root, image, blank, word, text });
    }
    return kept.get(name);
  };
  const update = () => {
    none.hidden = model.get("_wall").length > 0;
    const lines = model.get("_station").refused ?? [];
    if (refused.dataset.said !== JSON.stringify(lines)) { refused.dataset.said = JSON.stringify(lines); refused.replaceChildren(...lines.map((text) => make("p", { text }))); }
    const tiles = model.get("_wall").map((tile) => {
      const drawn = keep(tile.name), url = pictures.get(tile.frame, false);
      drawn.root.className = `fm-monitor-tile is-${tile.urgency}`;
      drawn.image.hidden = !url;
      drawn.blank.hidden = Boolean(url);
      if (url && drawn.image.src !== url) drawn.image.src = url;
      if (drawn.word.dataset.said !== tile.word) { drawn.word.dataset.said = tile.word; drawn.word.replaceChildren(makeIcon(signs[tile.urgency]), tile.word); }
      drawn.text.textContent = tile.text;
      return drawn.root;
    });
    if (tiles.some((tile, i) => list.children[i] !== tile) || list.children.length !== tiles.length) list.replaceChildren(...tiles);
  };
  return { root, update };
}
