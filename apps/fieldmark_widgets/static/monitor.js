// The browser's side of the dashboard: one event to decide about, large; the others, the cameras and the week beside it.

const TICK_MS = 2000; // news is asked for by the page, so that one that is closed asks for nothing
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
    const office = drawOffice(model, strings);
    const week = make("div", { class: "fm-card fm-monitor-week" }, make("h3", { text: strings.figures }), make("div"));
    const board = make("div", { class: "fm-monitor-board" }, head.root, desk.root, make("div", { class: "fm-monitor-side" }, wall.root, week, office.root));
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
      office.update();
      week.lastChild.replaceChildren(...model.get("_figures").map((text) => make("p", { text })));
    };
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => { due = false; update(); });
    };
    for (const name of ["state", "problem", "_station", "_wall", "_queue", "_figures", "_did", "_me", "_office"]) model.on(`change:${name}`, soon);
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
function keepPictures(model) {
  const kept = new Map(), asked = new Set();
  const pictures = {
    onPicture: () => {},
    get(id, large) {
      const key = `${id} ${large}`;
      if (id && !asked.has(key)) { asked.add(key); model.send({ kind: "frame", id, large }); }
      return kept.get(key);
    },
    close() { for (const url of kept.values()) if (url) URL.revokeObjectURL(url); },
  };
  model.on("msg:custom", (message, buffers) => {
    if (message.kind === "frame") kept.set(`${message.id} ${message.large}`, makeImageUrl(buffers[0], "image/jpeg"));
    else if (message.kind === "withheld") for (const large of [true, false]) kept.set(`${message.id} ${large}`, null);
    else return;
    pictures.onPicture();
  });
  return pictures;
}

function drawEmpty(model, strings) {
  const folder = model.get("_folder");
  return make("div", { class: "fm-card fm-monitor-empty" }, make("h2", { class: "fm-title", text: strings.empty_title }),
    ...drawDemo(model, strings, strings.demo, strings.demo_hint),
    make("p", { class: "fm-soft", text: strings.empty }),
    make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.empty_command, { folder }) }));
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
      : station.worker === false ? [make("p", { text: strings.no_worker }), make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.worker_command, { folder: model.get("_folder") }) })]
      : station.note ? [make("p", { text: fill(strings.worker_note, { note: station.note }) })] : [];
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
  const why = make("input", { type: "text", class: "fm-monitor-name", maxlength: 300, "aria-label": strings.show_person_why, placeholder: strings.show_person_why });
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
  const play = makeButton(strings.play, () => toggle(), { kind: "fm-quiet" });
  const brighten = makeButton(strings.brighten, () => { bright = !bright; update(); }, { kind: "fm-quiet", "aria-pressed": "false" });
  const undo = makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" });
  const back = makeIconButton("previous", strings.previous, () => move(-1));
  const forth = makeIconButton("next", strings.next, () => move(1));
  const did = make("p", { role: "status", class: "fm-monitor-did" });
  const none = make("p", { class: "fm-monitor-none", text: strings.queue_none });
  const card = make("div", { class: "fm-monitor-event" },
    make("div", { class: "fm-monitor-top" }, chip, title, make("div", { class: "fm-monitor-place" }, place, back, forth)),
    stage, dots, text, make("div", { class: "fm-row" }, yes, no, unsure), others, make("div", { class: "fm-row" }, play, brighten),
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
  const decide = (verdict, label) => {
    const event = shown();
    if (!event) return;
    const { entered = [], role } = model.get("_me");
    const typed = root.closest(".fm-monitor").querySelector(".fm-monitor-who .fm-monitor-name:not([hidden])");
    if (entered.length === 0 ? !typed.value.trim() : !["ranger", "chief"].includes(role)) {
      did.textContent = entered.length === 0 ? strings.who_needed : role ? strings.viewer : strings.sign_needed;
      did.parentNode.hidden = false;
      (role ? root : root.closest(".fm-monitor").querySelector(".fm-monitor-who :is(input, select):not([hidden])")).focus();
      return;
    }
    const at = queue().indexOf(event);
    model.send({ kind: "review", event: event.event_id, verdict, label });
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
    if ((event.key === "Enter" && !onButton) || event.key === "c") decide("confirmed");
    else if (event.key === "r") decide("rejected");
    else if (event.key === "u") decide("unsure");
    else if (event.key === "z") model.send({ kind: "undo" });
    else if (event.key === " " && !onButton) toggle();
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
    did.textContent = model.get("_did") || did.textContent;
    did.parentNode.hidden = !did.textContent;
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
    yes.textContent = event.label ? fill(strings.confirm, { label: event.label }) : strings.confirm_;
    yes.hidden = !event.label;
    const url = event.is_withheld ? null : pictures.get(event.frames[frame], true);
    withheld.parentNode.hidden = url !== null;
    ask.hidden = model.get("_me").role !== "chief";
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
  const root = make("div", { class: "fm-card" }, make("h3", { text: strings.wall }), list);
  const signs = { red: "failed", amber: "unsure", grey: "close", ok: "clear" };
  const update = () => {
    list.replaceChildren(...model.get("_wall").map((tile) => {
      const url = pictures.get(tile.frame, false);
      return make("li", { class: `fm-monitor-tile is-${tile.urgency}` },
        url ? make("img", { src: url, alt: "" }) : make("span", { class: "fm-monitor-blank" }, makeIcon("photo")),
        make("div", {}, make("strong", { text: tile.name }),
          make("span", { class: "fm-monitor-word" }, makeIcon(signs[tile.urgency]), tile.word),
          make("span", { class: "fm-soft fm-small", text: tile.text })));
    }));
  };
  return { root, update };
}
