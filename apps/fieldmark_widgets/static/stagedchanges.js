// The browser's side of the staged changes: what waits, the diff, apply, undo and redo, and training again.

export default {
  async render({ model, el, host }) {
    const strings = model.get("_strings");
    const send = (kind) => () => model.send({ kind });
    const title = make("h3");
    const note = make("p", { class: "fm-soft fm-small" });
    const overtaken = make("p", { class: "fm-cleaner-notice", role: "status" });
    const apply = makeButton(strings.apply, send("apply"), { kind: "fm-primary" });
    const back = makeButton(strings.take_back, send("take_back"));
    const train = makeButton(strings.train_again, send("train"));
    const place = make("div", { class: "fm-cleaner-diff" });
    const review = make("details", { class: "fm-cleaner-review" }, make("summary", { text: strings.review }), place, make("div", { class: "fm-row" }, back));
    const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
    const done = drawDone(model);
    const acts = drawActs(model, strings);
    const busy = make("span", { class: "fm-row", role: "status" });
    const busyText = make("span", { class: "fm-soft" });
    busy.append(make("span", { class: "fm-results-pulse", "aria-hidden": "true" }), busyText, makeButton(strings.cancel, send("cancel"), { kind: "fm-quiet" }));
    const blocker = make("p", { class: "fm-cleaner-notice", role: "status" });
    const compared = make("p", { class: "fm-cleaner-compared", role: "status" });
    const root = make("section", { class: "fm-card fm-changes", "aria-label": strings.staged },
      problem, make("div", { class: "fm-changes-head" }, make("div", { role: "status" }, title, note), make("div", { class: "fm-row" }, busy, apply, train)),
      overtaken, done.root, blocker, compared, review, acts.root);
    place.addEventListener("keydown", (event) => {
      if (event.key !== "Backspace" || event.target.closest("input")) return;
      event.preventDefault();
      event.stopPropagation();
      model.send({ kind: "take_back" });
    });
    el.classList.add("fm");
    el.append(root);

    const update = () => {
      const waiting = model.get("_waiting");
      const isBusy = model.get("state") === "busy";
      const n = model.get("_n_to_apply");
      showState(root, model.get("state"));
      title.textContent = waiting ? fill(strings.waiting, { counts: waiting }) : strings.waiting_none;
      note.textContent = waiting && n === 0 ? strings.unsure_note : strings.waiting_note;
      apply.hidden = n === 0;
      train.hidden = !model.get("_can_train");
      train.classList.toggle("fm-primary", n === 0);
      review.hidden = !waiting;
      overtaken.textContent = model.get("_overtaken");
      overtaken.hidden = !overtaken.textContent;
      blocker.textContent = model.get("_blocker");
      blocker.hidden = !blocker.textContent || n > 0; // what waits may be what is missing: apply it first
      compared.textContent = model.get("_compared");
      compared.hidden = !compared.textContent;
      busyText.textContent = model.get("_progress");
      busy.hidden = !isBusy;
      for (const button of root.querySelectorAll("button")) if (!busy.contains(button) && !place.contains(button)) button.disabled = isBusy;
      problem.textContent = model.get("problem");
      problem.hidden = !problem.textContent;
      done.update();
      acts.update();
    };
    let due = false;
    const soon = () => {
      if (due) return;
      due = true;
      queueMicrotask(() => { due = false; update(); });
    };
    for (const name of ["state", "problem", "_waiting", "_n_to_apply", "_overtaken", "_done", "_undo", "_redo", "_can_train", "_blocker", "_compared", "_progress"]) model.on(`change:${name}`, soon);
    update();
    const gallery = await host.getWidget(model.get("gallery"));
    await gallery.render({ el: place });
  },
};

function drawDone(model) {
  const text = make("p", { class: "fm-cleaner-done" });
  const title = make("p");
  const list = make("ul", { class: "fm-plain" });
  const failed = make("div", { class: "fm-cleaner-failed", role: "alert" }, title, list);
  const update = () => {
    const done = model.get("_done");
    text.textContent = done.text ?? "";
    text.hidden = !done.text;
    failed.hidden = !done.failed?.length;
    title.textContent = done.failed_title ?? "";
    list.replaceChildren(...(done.failed ?? []).map((reason) => make("li", { text: reason })));
  };
  return { root: make("div", { role: "status" }, text, failed), update };
}

// Undo and redo of whole acts; undoing an import is asked about once more.
function drawActs(model, strings) {
  const root = make("div", { class: "fm-cleaner-acts" });
  const update = () => root.replaceChildren(...["undo", "redo"].flatMap((kind) => drawAct(model, kind, strings)));
  return { root, update };
}

function drawAct(model, kind, strings) {
  const { title, note, confirm } = model.get(`_${kind}`);
  if (!title) return [];
  const go = () => model.send({ kind });
  const question = make("div", { class: "fm-cleaner-notice", role: "alert", hidden: true }, make("p", { text: confirm }),
    make("div", { class: "fm-row" }, makeButton(strings.confirm_go, go), makeButton(strings.cancel, () => { question.hidden = true; }, { kind: "fm-quiet" })));
  const button = makeButton(title, confirm ? () => { question.hidden = false; question.querySelector("button").focus(); } : go, { kind: "fm-cleaner-act", disabled: model.get("state") === "busy" });
  return [make("div", {}, make("div", { class: "fm-row" }, button, make("span", { class: "fm-soft fm-small", text: note })), question)];
}
