// The browser's side of the recorder: the live picture, and a button to hold for each class. Photos are made small here,
// and sent while the button is held; a slow connection skips some.

const EVERY_MS = 200; // between two photos
const PHOTO_PX = 1280; // of the longer side
const PHOTO_QUALITY = 0.9;
const ON_THE_WAY = 8; // photos that the kernel has not acknowledged; more would only fill a queue
const PREVIEWS = 6;
const MOST_CLASSES = 12;

export default {
  render({ model, el }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const sentence = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const refuse = (text) => { sentence.textContent = text; sentence.hidden = !text; };
    const source = drawSource(strings, refuse);
    const classes = drawClasses(model, strings, source, refuse);
    const result = drawResult(model, strings);
    const advice = make("p", { class: "fm-recorder-advice", role: "status" });
    const body = make("div", { class: "fm-recorder-body" }, make("p", { class: "fm-soft", text: strings.intro }), source.root, sentence, classes.root,
      make("p", { class: "fm-soft fm-small", text: strings.hold_hint }), result.root, advice);
    const root = make("details", { class: "fm-card fm-importer-source fm-recorder", "aria-label": strings.region, open: model.get("_is_open") },
      make("summary", { class: "fm-importer-title", text: strings.title }), problem, body);
    el.classList.add("fm");
    el.append(root);
    root.addEventListener("toggle", () => { if (!root.open) source.end(); });

    const update = () => {
      showState(root, model.get("state"));
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      advice.textContent = model.get("_advice");
      advice.hidden = !advice.textContent;
      classes.update();
      result.update();
    };
    for (const name of ["state", "problem", "counts", "_result", "_advice"]) model.on(`change:${name}`, update);
    update();
    return () => source.close();
  },
};

// One recording, and what of it is on its way. It begins with its first photo.
function makeRecording(model, label) {
  const id = crypto.getRandomValues(new Uint32Array(2)).join("-");
  let sent = 0, came = 0, isOver = false;
  const receive = (message) => {
    if (message.id !== id) return;
    if (message.kind === "ack") came = message.n;
    if (message.kind === "refused") isOver = true;
  };
  model.on("msg:custom", receive);
  const add = (photo) => {
    if (isOver) return;
    if (sent === 0) model.send({ kind: "begin", id, label });
    sent += 1;
    model.send({ kind: "frame", id }, undefined, [photo]);
  };
  const end = () => {
    if (sent > 0 && !isOver) model.send({ kind: "end", id });
    isOver = true;
    model.off("msg:custom", receive);
  };
  return { add, end, sent: () => sent, isFull: () => sent - came >= ON_THE_WAY, isOver: () => isOver };
}

// The live camera; where there can be none, a sentence why, and how else.
function drawSource(strings, refuse) {
  const video = makeVideo(strings);
  if (!navigator.mediaDevices?.getUserMedia) {
    const why = window.isSecureContext ? strings.no_camera_api : strings.insecure;
    return { root: make("p", { class: "fm-cleaner-notice fm-recorder-none", text: why }), video, canBeLive: false, onChange: () => {}, end: () => {}, close: () => {} };
  }
  const waiting = make("p", { class: "fm-soft fm-camera-waiting", role: "status" });
  const start = makeButton(strings.camera, () => camera.start(), { kind: "fm-primary fm-camera-start" });
  const other = makeButton(strings.camera_other, () => camera.next());
  const stop = makeButton(strings.camera_stop, () => camera.end(true));
  const view = make("div", { class: "fm-camera fm-recorder-view", role: "group", "aria-label": strings.camera, hidden: true }, video, waiting, make("div", { class: "fm-row fm-camera-buttons" }, other, stop));
  const source = { root: make("div", {}, start, view), video, canBeLive: true, onChange: () => {} };
  const show = (state, { others = false, focus = false }) => {
    if (state === "starting") refuse("");
    view.hidden = state === "off";
    start.hidden = state !== "off";
    other.hidden = !others;
    waiting.textContent = state === "starting" ? strings.camera_starting : "";
    if (focus) start.focus();
    source.onChange();
  };
  const camera = makeLiveCamera(strings, video, { show, refuse });
  return Object.assign(source, camera);
}

function drawClasses(model, strings, source, refuse) {
  const list = make("div", { class: "fm-recorder-classes" });
  const hand = { letGo: () => {} }; // of the button that is held, whichever it is
  const cards = [];
  const add = (name) => {
    const card = drawClass(model, strings, source, hand, refuse, cards.length + 1, name);
    cards.push(card);
    list.append(card.root);
    more.hidden = cards.length >= MOST_CLASSES;
    return card;
  };
  const more = makeButton(strings.add, () => add("").name.focus(), { kind: "fm-quiet" });
  const update = () => {
    for (const label of Object.keys(model.get("counts"))) {
      if (cards.some((card) => card.name.value.trim() === label)) continue;
      const free = cards.find((card) => !card.name.value.trim() && card.name !== document.activeElement);
      if (free) free.name.value = label;
      else add(label);
    }
    while (cards.length < 2) add("");
    for (const card of cards) card.update();
  };
  source.onChange = update;
  return { root: make("div", { class: "fm-recorder-list" }, list, make("div", { class: "fm-row" }, more)), update };
}

// One class: its name, the button to hold, what came.
function drawClass(model, strings, source, hand, refuse, number, value) {
  const name = make("input", { type: "text", class: "fm-input", "aria-label": fill(strings.class_n, { n: number }), placeholder: fill(strings.class_n, { n: number }), maxlength: 200, value });
  const previews = make("div", { class: "fm-recorder-previews", "aria-hidden": "true" });
  const said = make("p", { class: "fm-soft fm-small", role: "status" });
  let recording = null, timer = null; // while the button is held
  const label = () => name.value.trim();
  const start = () => {
    if (!label()) return refuse(strings.no_name), name.focus();
    refuse("");
    recording = makeRecording(model, label());
  };
  const keep = (photo) => {
    if (!photo) return;
    recording.add(photo);
    showPreview(previews, photo);
    said.textContent = fill(strings.recording, { n: recording.sent() });
  };
  const snap = () => {
    if (recording.isOver()) return end();
    if (source.isLive() && !recording.isFull()) keep(makeSmall(source.video, source.video.videoWidth, source.video.videoHeight));
  };
  const begin = () => {
    if (recording) return; // by a finger and a key at once
    hand.letGo(); // of another class: one thing is shown to the camera at a time
    start();
    if (!recording) return;
    hand.letGo = end;
    hold.classList.add("is-on");
    source.wake();
    timer = setInterval(snap, EVERY_MS);
    snap(); // a tap takes one photo
  };
  const end = () => {
    if (!recording) return;
    clearInterval(timer);
    hold.classList.remove("is-on");
    if (recording.sent() === 0 && !source.isOff()) refuse(strings.none_came);
    recording.end();
    recording = null;
  };
  const hold = source.canBeLive ? drawHold(strings, begin, end) : drawTake(strings, async (files) => {
    start();
    for (const file of recording ? files : []) keep(await makeSmallOf(file));
    end();
  });
  const root = make("div", { class: "fm-recorder-class" }, name, hold, said, previews);
  name.addEventListener("input", () => update());
  const update = () => {
    if (recording) return;
    const have = model.get("counts")[label()];
    const sentence = have?.n === 1 ? strings.have_one : have?.times === 1 ? strings.have_once : strings.have;
    said.textContent = have ? fill(sentence, have) : "";
  };
  return { root, name, update };
}

// Held by a finger, a mouse, or the space bar or Enter on it.
function drawHold(strings, begin, end) {
  const isKey = (event) => event.key === " " || event.key === "Enter";
  const press = (event) => {
    if (event.type === "keydown" && (!isKey(event) || event.repeat)) return;
    if (event.type === "keydown") event.preventDefault();
    else event.currentTarget.setPointerCapture(event.pointerId);
    begin();
  };
  const release = (event) => { if (event.type !== "keyup" || isKey(event)) end(); };
  return make("button", { type: "button", class: "fm-button fm-recorder-hold", text: strings.hold,
    on: { pointerdown: press, keydown: press, pointerup: release, pointercancel: release, keyup: release, blur: release, contextmenu: (event) => event.preventDefault() } });
}

// Where a page gets no live camera, a phone's own camera app.
function drawTake(strings, take) {
  const input = make("input", { type: "file", accept: "image/*", capture: "environment", multiple: true, hidden: true, "aria-hidden": "true", tabindex: "-1" });
  const button = makeButton(strings.take_photos, () => input.click(), { kind: "fm-recorder-take" });
  input.addEventListener("change", async () => {
    button.disabled = true;
    await take([...input.files]);
    button.disabled = false;
    input.value = "";
  });
  return make("span", {}, button, input);
}

function showPreview(previews, photo) {
  const image = make("img", { alt: "", src: makeImageUrl(photo, "image/jpeg"), on: { load: () => URL.revokeObjectURL(image.src) } });
  previews.prepend(image);
  while (previews.children.length > PREVIEWS) previews.lastElementChild.remove();
}

async function makeSmallOf(file) {
  try {
    const image = await createImageBitmap(file); // upright, as its metadata says
    return makeSmall(image, image.width, image.height);
  } catch {
    return file.size < 2 ** 20 ? new Uint8Array(await file.arrayBuffer()) : null; // the kernel says what is wrong with it
  }
}

// The bytes of a JPEG, made at once: `toBlob` waits until the page is idle, which beside a live picture takes seconds on a
// slow machine; by then the button has been let go, and the next one pressed.
function makeSmall(picture, width, height) {
  if (!width) return null; // no picture has come yet
  const scale = Math.min(1, PHOTO_PX / Math.max(width, height));
  const canvas = make("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d", { willReadFrequently: true }).drawImage(picture, 0, 0, canvas.width, canvas.height);
  const written = canvas.toDataURL("image/jpeg", PHOTO_QUALITY);
  return Uint8Array.from(atob(written.slice(written.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
}

function drawResult(model, strings) {
  const text = make("span");
  const undo = makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" });
  const root = make("div", { class: "fm-row fm-recorder-result", role: "status" }, text, undo);
  const update = () => {
    const result = model.get("_result");
    root.hidden = !result.text;
    text.textContent = [result.text, result.same].filter(Boolean).join(". ");
    undo.hidden = !result.can_undo;
  };
  return { root, update };
}
