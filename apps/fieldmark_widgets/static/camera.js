// A camera as a source of photos: live where the browser gives us one, otherwise a phone's own camera app. Part of
// the uploader.

const CAMERA_QUALITY = 0.92;
const CAMERA_SIDE = 1920; // wished for; a camera gives what it has

const CAMERA_PROBLEMS = {
  NotAllowedError: "camera_denied",
  SecurityError: "camera_denied",
  NotFoundError: "camera_none",
  OverconstrainedError: "camera_none",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
};

// A live camera in a video: starting (`wake`: where it is off), going on to the next one, ending; `close` is for good. `show`
// is told "starting", "live" (and whether there are others) or "off", `refuse` why it did not start. It ends by itself in a
// tab that nobody looks at.
function makeLiveCamera(strings, video, { show, refuse }) {
  let stream = null, cameras = [], turn = 0, isOff = true; // a camera that comes when it is not wanted any more is let go
  const start = async (deviceId) => {
    const mine = ++turn;
    letGo(stream);
    isOff = false;
    show("starting", {});
    try {
      const wished = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "environment" };
      const size = { width: { ideal: CAMERA_SIDE }, height: { ideal: CAMERA_SIDE } };
      const got = await navigator.mediaDevices.getUserMedia({ video: { ...wished, ...size }, audio: false });
      if (mine !== turn) return letGo(got);
      stream = got;
      video.srcObject = stream;
      await video.play();
      cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    } catch (error) {
      if (mine !== turn) return;
      end(true);
      refuse(fill(strings[CAMERA_PROBLEMS[error.name] ?? "camera_failed"], { reason: error.name }));
      return;
    }
    if (mine === turn) show("live", { others: cameras.length > 1 });
  };
  const next = () => {
    const now = stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const place = cameras.findIndex(({ deviceId }) => deviceId === now);
    return start(cameras[(place + 1) % cameras.length]?.deviceId);
  };
  const end = (focus = false) => {
    turn += 1;
    letGo(stream);
    stream = video.srcObject = null;
    isOff = true;
    show("off", { focus });
  };
  const wake = () => { if (isOff) start(); };
  const leave = () => document.hidden && !isOff && end(); // no light stays on
  document.addEventListener("visibilitychange", leave);
  const close = () => {
    document.removeEventListener("visibilitychange", leave);
    end();
  };
  return { start, wake, next, end, close, isOff: () => isOff, isLive: () => stream !== null };
}

function makeVideo(strings) {
  const video = make("video", { class: "fm-camera-video", playsinline: true, muted: true, "aria-label": strings.camera_view });
  video.muted = true; // the attribute alone does not count on an element made by a script
  return video;
}

// Gives the button that starts it, the view to put below, and how to end it; null where there can be no camera.
// `take` gets each photo as a File, `refuse` a sentence.
function drawCamera(strings, { take, refuse }) {
  if (!navigator.mediaDevices?.getUserMedia) return drawCameraApp(strings, take);
  const video = makeVideo(strings);
  const waiting = make("p", { class: "fm-soft fm-camera-waiting", role: "status" });
  const shoot = makeButton(strings.camera_take, () => photograph(), { kind: "fm-primary fm-camera-take" });
  const other = makeButton(strings.camera_other, () => camera.next(), { kind: "fm-camera-other" });
  const stop = makeButton(strings.camera_stop, () => camera.end(true), { kind: "fm-camera-stop" });
  const view = make("div", { class: "fm-camera", role: "group", "aria-label": strings.camera, hidden: true },
    video, waiting, make("div", { class: "fm-row fm-camera-buttons" }, shoot, other, stop));
  const button = makeButton(strings.camera, () => camera.start(), { kind: "fm-camera-start" });
  const show = (state, { others = false, focus = false }) => {
    view.hidden = state === "off";
    shoot.disabled = state !== "live";
    other.hidden = !others;
    waiting.textContent = state === "starting" ? strings.camera_starting : "";
    view.parentElement?.classList.toggle("is-live", state !== "off");
    if (state === "live") shoot.focus();
    if (focus) button.focus();
  };
  const camera = makeLiveCamera(strings, video, { show, refuse });
  const photograph = async () => {
    shoot.disabled = true;
    const file = await grabFrame(video, strings);
    camera.end();
    if (file) take([file]);
  };
  view.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    camera.end(true);
  });
  return { button, view, close: camera.close };
}

function letGo(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// The picture that is seen now, as a file.
async function grabFrame(video, strings) {
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  if (canvas.width === 0) return null;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", CAMERA_QUALITY));
  const time = new Date().toTimeString().slice(0, 8).replaceAll(":", ".");
  return blob && new File([blob], fill(strings.camera_name, { time }), { type: "image/jpeg" });
}

// A page over plain http from another computer gets no live camera; a phone still opens its own.
function drawCameraApp(strings, take) {
  if (!matchMedia("(hover: none)").matches) return null;
  const input = make("input", { type: "file", accept: "image/*", capture: "environment", hidden: true, "aria-hidden": "true", tabindex: "-1" });
  input.addEventListener("change", () => {
    take(input.files);
    input.value = "";
  });
  return { button: makeButton(strings.camera, () => input.click(), { kind: "fm-camera-start" }), view: input, close: () => {} };
}
