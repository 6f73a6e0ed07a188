// The browser's side of the checker: what was found, a filter for each fault, and the photos with it.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const empty = drawEmpty(model, strings);
    const busy = drawProgress(model, strings, () => "");
    const found = drawFound(model, strings);
    const root = make("section", { class: "fm-checker", "aria-label": strings.region }, problem, empty.root, busy.root, found.root);
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      showState(root, model.get("state"));
      showText(problem, model.get("problem"));
      empty.update();
      busy.update();
      found.update();
    };
    follow(model, ["state", "problem", "fault", "_blocker", "_headline", "_notes", "_faults", "_action", "_did", "_progress", "_stale", "_is_stopped"], update);
    const gallery = await host.getWidget(model.get("gallery"));
    await gallery.render({ el: found.place });
  },
};

function drawEmpty(model, strings) {
  const text = make("p", { class: "fm-soft" });
  const check = make("div", { class: "fm-row" }, makeButton(strings.check, () => model.send({ kind: "check" }), { kind: "fm-primary" }));
  const root = make("div", { class: "fm-card" }, make("h2", { class: "fm-title", text: strings.empty_title }), text, check);
  const update = () => {
    const stopped = model.get("_is_stopped");
    root.hidden = !model.get("_blocker") && !stopped;
    text.textContent = stopped ? strings.stopped : model.get("_blocker");
    check.hidden = !stopped;
  };
  return { root, update };
}

function drawFound(model, strings) {
  const headline = make("h2", { class: "fm-title" });
  const sign = make("span", { class: "fm-checker-sign" });
  const notes = make("div", { class: "fm-checker-notes" });
  const filters = make("div", { class: "fm-row", role: "group", "aria-label": strings.region });
  const text = make("p", { class: "fm-soft fm-checker-text" });
  const action = makeButton("", () => model.send({ kind: model.get("_action").kind }), { kind: "fm-primary" });
  const undo = makeButton(strings.undo, () => model.send({ kind: "undo" }), { kind: "fm-quiet" });
  const did = make("p", { role: "status" });
  const again = makeButton(strings.again, () => model.send({ kind: "check" }));
  const stale = make("p", { class: "fm-checker-stale", text: strings.stale });
  const place = make("div", { class: "fm-checker-gallery" });
  const done = make("div", { class: "fm-row fm-checker-done" }, did, undo);
  const act = make("div", { class: "fm-row" }, action);
  const root = make("div", { class: "fm-checker-found" },
    make("div", { class: "fm-card" },
      make("div", { class: "fm-checker-head" }, sign, make("div", {}, headline, notes), again), stale),
    done, filters, text, act, place);
  const update = () => {
    const faults = model.get("_faults");
    const shown = model.get("_headline") !== "" && !model.get("_blocker") && model.get("state") !== "busy";
    root.hidden = !shown;
    headline.textContent = model.get("_headline");
    const clean = faults.every(({ name }) => name === "quarantined");
    sign.replaceChildren(makeIcon(clean ? "familiar" : "unsure"));
    sign.className = `fm-checker-sign ${clean ? "fm-is-familiar" : "fm-is-unsure"}`;
    notes.replaceChildren(...[...model.get("_notes"), ...(clean ? [] : [strings.quiet])].map((line) => make("p", { class: "fm-soft", text: line })));
    stale.hidden = !model.get("_stale");
    drawFilters(model, filters, faults);
    const current = faults.find(({ name }) => name === model.get("fault"));
    text.textContent = current?.text ?? "";
    place.hidden = !current;
    action.textContent = model.get("_action").label ?? "";
    act.hidden = !action.textContent;
    did.textContent = model.get("_did");
    done.hidden = !did.textContent;
  };
  return { root, place, update };
}

function drawFilters(model, filters, faults) {
  const focused = filters.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  filters.replaceChildren(...faults.map(({ name, title, n }) =>
    make("button", { type: "button", class: "fm-filter", "data-name": name, "aria-pressed": String(name === model.get("fault")), on: { click: () => model.send({ kind: "fault", name }) } },
      make("span", { text: title }), make("span", { class: "fm-soft", text: ` ${n.toLocaleString()}` }))));
  if (focused) filters.querySelector(`[data-name="${focused}"]`)?.focus();
}
