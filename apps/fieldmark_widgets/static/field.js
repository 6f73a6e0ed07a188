// What comes from out there: alerts that somebody has, and what people saw themselves.

function drawAlerts(model, strings) {
  const list = make("ul", { class: "fm-monitor-people" });
  const root = make("div", { class: "fm-card fm-monitor-alerts" }, make("h3", { text: strings.alerts }), list);
  const update = () => {
    const alerts = model.get("_alerts"), may = ["ranger", "chief"].includes(model.get("_me").role);
    root.hidden = alerts.length === 0;
    const said = JSON.stringify([alerts, may]);
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...alerts.map((one) => make("li", {}, make("span", { text: one.text }),
      one.open && may ? makeButton(strings.have_it, () => model.send({ kind: "have", key: one.key }), { "aria-label": `${strings.have_it}: ${one.text}` }) : null)));
  };
  return { root, update };
}

// The time now as people at the station write it, for an input; empty where the browser does not know the zone.
function timeIn(zone) {
  try { return new Date().toLocaleString("sv-SE", { timeZone: zone }).slice(0, 16).replace(" ", "T"); } catch { return ""; }
}

function drawLog(model, strings) {
  const label = box("label", { list: "fm-monitor-labels", maxlength: 200, required: true });
  const labels = make("datalist", { id: "fm-monitor-labels" });
  const at = make("input", { type: "datetime-local", class: "fm-monitor-input", name: "seen_at", required: true });
  const camera = make("select", { class: "fm-monitor-input", name: "camera" });
  const note = box("note", { maxlength: 1000 });
  const now = () => { at.value = timeIn(model.get("_station").zone); };
  const when = field("", at);
  const form = make("form", { on: { submit: (event) => {
    event.preventDefault();
    model.send({ kind: "log", label: label.value, seen_at: at.value, camera: camera.value, note: note.value });
    label.value = note.value = "";
    now();
  } } }, labels, field(strings.log_label, label), when, field(strings.log_camera, camera), field(strings.log_note, note),
    make("button", { class: "fm-button", text: strings.log_write }));
  const said = make("p", { role: "status", class: "fm-soft fm-small" });
  const root = make("details", { class: "fm-card fm-monitor-fold fm-monitor-log" }, make("summary", { class: "fm-monitor-office-title" }, make("h3", { text: strings.log })),
    make("p", { class: "fm-soft fm-small", text: strings.log_hint }), form, said);
  root.addEventListener("toggle", () => { if (root.open) now(); });
  const update = () => {
    const names = model.get("_wall").map(({ name }) => name).sort(), vocab = model.get("_station").vocab ?? [];
    when.firstChild.textContent = fill(strings.log_at, { zone: model.get("_station").zone ?? "" });
    form.hidden = !["ranger", "chief"].includes(model.get("_me").role);
    said.textContent = form.hidden ? strings.log_who : model.get("_logged");
    const drawn = JSON.stringify([names, vocab]);
    if (camera.dataset.said === drawn) return;
    camera.dataset.said = drawn;
    const chosen = camera.value;
    camera.replaceChildren(make("option", { value: "", text: strings.log_nowhere }), ...names.map((name) => make("option", { value: name, text: name })));
    camera.value = names.includes(chosen) ? chosen : "";
    labels.replaceChildren(...vocab.map((name) => make("option", { value: name })));
  };
  return { root, update };
}
