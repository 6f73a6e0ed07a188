// The browser's side of the studio: the datasets, the bar of steps, and the component of the step.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const picker = drawPicker(model, strings);
    const steps = drawSteps(model, strings);
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const place = make("div", { class: "fm-panel" });
    const ways = drawWays(model, strings);
    el.classList.add("fm");
    el.append(make("section", { class: "fm-studio", "aria-label": strings.region },
      make("div", { class: "fm-studio-head" }, picker.root, ways.next), steps.root, problem, place, ways.back));

    const panels = new Map(); // a component is drawn once, then only hidden, so that nothing in it is lost
    const showPanel = async () => {
      const id = model.get("panel");
      if (!id) return;
      if (!panels.has(id)) {
        const shown = make("div");
        panels.set(id, shown);
        place.append(shown);
        const widget = await host.getWidget(id);
        await widget.render({ el: shown });
      }
      for (const [other, shown] of panels) shown.hidden = other !== model.get("panel");
    };
    const update = () => {
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      picker.update();
      steps.update();
      ways.update();
      place.classList.toggle("is-blocked", !ways.back.hidden);
    };
    for (const name of ["step", "datasets", "dataset", "problem", "_steps", "_counts"]) model.on(`change:${name}`, update);
    model.on("change:panel", showPanel);
    update();
    await showPanel();
  },
};

function drawPicker(model, strings) {
  const list = make("select", { class: "fm-select", "aria-label": strings.dataset });
  list.addEventListener("change", () => model.send({ kind: "open", name: list.value }));
  const counts = make("span", { class: "fm-soft" });
  const add = makeButton(strings.new, () => model.send({ kind: "new" }), { kind: "fm-quiet" });
  const root = make("div", { class: "fm-picker" }, list, counts, add);
  const update = () => {
    const names = model.get("datasets");
    const open = model.get("dataset");
    list.replaceChildren(...names.map((name) => make("option", { value: name, text: name, selected: name === open })));
    if (!open) list.prepend(make("option", { value: "", text: strings.no_dataset, selected: true, disabled: true }));
    list.disabled = names.length === 0;
    counts.textContent = model.get("_counts");
    add.hidden = !open;
  };
  return { root, update };
}

// One click to where it goes on: the next step, or the one at which what is missing here is done.
function drawWays(model, strings) {
  let after = null, needed = null;
  const go = (step) => model.send({ kind: "go", step: step.name });
  const next = makeButton("", () => go(after), { kind: "fm-studio-next" });
  const back = makeButton("", () => go(needed), { kind: "fm-primary fm-studio-back" });
  const update = () => {
    const steps = model.get("_steps");
    const at = steps.findIndex(({ name }) => name === model.get("step"));
    after = steps[at + 1];
    needed = steps.find(({ name }) => name === steps[at]?.needs);
    next.hidden = Boolean(needed) || !after || after.state === "blocked";
    back.hidden = !needed;
    next.textContent = after ? fill(strings.next, { step: after.title }) : "";
    back.textContent = needed ? fill(strings.go_there, { step: needed.title }) : "";
  };
  return { next, back, update };
}

function drawSteps(model, strings) {
  const list = make("ol", { class: "fm-steps" });
  const root = make("nav", { "aria-label": strings.steps }, list);
  const update = () => {
    const current = model.get("step");
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.step : null;
    list.replaceChildren(...model.get("_steps").map((step, index) => drawStep(model, strings, step, index, current)));
    if (focused) list.querySelector(`[data-step="${focused}"]`)?.focus();
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  };
  return { root, update };
}

function drawStep(model, strings, step, index, current) {
  const sign = step.state === "done" ? "✓" : String(index + 1);
  const note = step.state === "blocked" ? strings.not_yet : step.note;
  const button = make("button", {
    type: "button",
    class: `fm-step is-${step.state}`,
    "data-step": step.name,
    "aria-current": step.name === current ? "step" : null,
    title: step.blocker || step.hint,
    on: { click: () => model.send({ kind: "go", step: step.name }) },
  },
  make("span", { class: "fm-step-sign", "aria-hidden": "true", text: sign }),
  make("span", { class: "fm-step-title", text: step.title }),
  make("span", { class: "fm-step-note", text: note }));
  return make("li", {}, button);
}
