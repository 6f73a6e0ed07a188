// "Is this wrong?" below an answer: what it is instead, with consent, and a way back. Part of the classifier.

const NO_KIND = "", OTHER_KIND = "\u0000other";

// A place below the answer that outlives it: what somebody has typed stays while the answer is drawn anew.
function drawCorrection(model) {
  const strings = model.get("_correction_strings");
  const ask = makeButton(strings.ask, () => open(true), { kind: "fm-quiet fm-correct", "aria-expanded": "false" });
  const form = drawCorrectionForm(strings, {
    send: (said) => {
      model.send({ kind: "correct", key: photoKey(), said, consent: true });
      form.sending(true);
    },
    cancel: () => open(false),
  });
  const told = make("p", { class: "fm-corrected-text", role: "status" });
  const takeBack = makeButton(strings.take_back, () => model.send({ kind: "take_back", key: photoKey() }), { kind: "fm-take-back" });
  const root = make("div", { class: "fm-correction" }, ask, form.root, told, takeBack);
  let shownKey = null;

  const photoKey = () => model.get("_shown")?.key;
  const open = (wanted) => {
    form.root.hidden = !wanted;
    ask.setAttribute("aria-expanded", String(wanted));
    ask.hidden = wanted;
    if (wanted) told.textContent = "";
    (wanted ? form.first : ask).focus();
  };
  const update = () => {
    const shown = model.get("_shown");
    root.hidden = !model.get("_corrects") || !shown || shown.answer.bars.length === 0;
    if (root.hidden) return;
    const corrected = model.get("_corrected")[shown.key];
    if (shown.key !== shownKey) { // another photo: what was begun for the one before is over
      shownKey = shown.key;
      form.start(shown.answer);
      form.root.hidden = true;
      ask.setAttribute("aria-expanded", "false");
      told.textContent = "";
    }
    form.sending(false);
    form.say(corrected?.problem ?? "");
    if (corrected?.said !== undefined) {
      told.textContent = fill(strings.kept, { said: corrected.said });
      form.root.hidden = true;
    } else if (corrected?.taken_back) told.textContent = strings.taken_back;
    const focused = takeBack === document.activeElement;
    takeBack.hidden = corrected?.said === undefined;
    ask.hidden = !takeBack.hidden || !form.root.hidden;
    if (focused && takeBack.hidden && !ask.hidden) ask.focus();
  };
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || form.root.hidden) return;
    event.stopPropagation();
    open(false);
  });
  return { root, update };
}

function drawCorrectionForm(strings, { send, cancel }) {
  const kinds = make("select", { class: "fm-input", id: "fm-correct-kind" });
  const name = make("input", { class: "fm-input", type: "text", maxlength: 100, autocomplete: "off", id: "fm-correct-name" });
  const nameRow = make("div", { hidden: true }, make("label", { for: name.id, text: strings.name }), name);
  const consent = make("input", { type: "checkbox" });
  const submit = make("button", { type: "submit", class: "fm-button fm-primary", text: strings.send });
  const problem = make("p", { class: "fm-failure", role: "alert", hidden: true });
  const root = make("form", { class: "fm-correct-form", "aria-label": strings.region, hidden: true },
    make("label", { for: kinds.id, text: strings.what }), kinds, nameRow,
    make("label", { class: "fm-consent" }, consent, make("span", { text: strings.consent })),
    problem,
    make("div", { class: "fm-row" }, submit, makeButton(strings.cancel, cancel, { kind: "fm-quiet" })));

  let busy = false;
  const said = () => (kinds.value === OTHER_KIND ? name.value.trim() : kinds.value);
  const check = () => {
    nameRow.hidden = kinds.value !== OTHER_KIND;
    submit.disabled = busy || said() === "" || !consent.checked;
  };
  kinds.addEventListener("change", () => {
    check();
    if (!nameRow.hidden) name.focus();
  });
  for (const field of [name, consent]) field.addEventListener("input", check);
  root.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!submit.disabled) send(said());
  });
  return {
    root,
    first: kinds,
    start: (answer) => {
      const options = answer.bars.slice(1).map(({ label, value }) => make("option", { value: value ?? label, text: label }));
      kinds.replaceChildren(make("option", { value: NO_KIND, text: strings.choose }), ...options, make("option", { value: OTHER_KIND, text: strings.other }));
      name.value = "";
      consent.checked = false;
      check();
    },
    sending: (now) => {
      busy = now;
      submit.textContent = now ? strings.keeping : strings.send;
      check();
    },
    say: (sentence) => {
      problem.textContent = sentence;
      problem.hidden = sentence === "";
    },
  };
}
