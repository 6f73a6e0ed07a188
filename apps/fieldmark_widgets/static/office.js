// What only a chief decides: the stage and its plan, the people, the models; and the settings, in rules.js.

const FEARS = 3;

function field(label, input) { return make("label", { class: "fm-monitor-field" }, make("span", { text: label }), input); }
function box(name, attributes = {}) { return make("input", { type: "text", class: "fm-monitor-input", name, maxlength: 300, ...attributes }); }

// What is not needed every day, behind its own words.
function fold(text, ...content) { return make("details", { class: "fm-monitor-inner" }, make("summary", { text }), ...content); }

function drawOffice(model, strings) {
  const ask = (act, said) => model.send({ kind: "office", act, said });
  const parts = [drawStage(model, strings, ask), drawPlan(model, strings, ask), drawPeople(model, strings, ask), drawModels(model, strings, ask), drawRules(model, strings, ask)];
  const title = make("summary", { class: "fm-monitor-office-title" }, make("h3", { text: strings.office }));
  const locked = make("p", { class: "fm-soft fm-monitor-locked" });
  const root = make("details", { class: "fm-card fm-monitor-fold fm-monitor-office" }, title, locked, make("div", { class: "fm-monitor-office-parts" }, ...parts.map(({ root: part }) => part)));
  root.addEventListener("toggle", () => { if (root.open) model.send({ kind: "office", act: "look", said: {} }); });
  const update = () => {
    const office = model.get("_office"), { entered = [], role, is_account: isAccount = false } = model.get("_me");
    locked.hidden = role === "chief";
    locked.textContent = entered.length || isAccount ? strings.office_chief : strings.office_name;
    for (const part of parts) part.update(office, model.get("_me").role === "chief");
  };
  return { root, update };
}

function drawStage(model, strings, ask) {
  const ladder = make("ol", { class: "fm-monitor-ladder" }, ...[1, 2, 3].map((n) => make("li", { text: strings[`stage_${n}`] })));
  const lacks = make("p"), gate = make("ul", { class: "fm-monitor-blockers" });
  const why = box("why", { placeholder: strings.why, "aria-label": strings.why });
  const up = makeButton("", () => ask("stage", { to: model.get("_office").stage + 1, why: why.value }));
  const down = makeButton(strings.stage_down, () => ask("stage", { to: 1, why: why.value }));
  const acts = make("div", { class: "fm-row" }, why, up, down);
  const root = make("section", {}, make("h4", { text: strings.stage }), ladder, lacks, gate, acts);
  const update = ({ stage = 0, blockers = [] }, isChief) => {
    [...ladder.children].forEach((step, i) => { if (i + 1 === stage) step.setAttribute("aria-current", "step"); else step.removeAttribute("aria-current"); });
    lacks.hidden = blockers.length === 0;
    lacks.textContent = fill(strings.stage_lacks, { to: stage + 1 });
    gate.replaceChildren(...blockers.map((text) => make("li", { text })));
    acts.hidden = !isChief;
    up.hidden = !(stage < 3);
    down.hidden = !(stage > 1);
    up.textContent = fill(strings.stage_up, { to: stage + 1 });
  };
  return { root, update };
}

function drawPlan(model, strings, ask) {
  const signed = make("div", { class: "fm-monitor-plan" });
  const inputs = Object.fromEntries(["goal", "action", "responsible"].map((name) => [name, box(name, { maxlength: 2000 })]));
  const fears = Array.from({ length: FEARS }, () => [box("fear", { placeholder: strings.fear, "aria-label": strings.fear }), box("figure", { placeholder: strings.figure, "aria-label": strings.figure })]);
  const sign = () => ask("plan", {
    ...Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value])),
    fears: Object.fromEntries(fears.map((pair) => pair.map((input) => input.value.trim())).filter(([fear, figure]) => fear || figure)),
  });
  const form = make("form", { on: { submit: (event) => { event.preventDefault(); sign(); } } },
    ...Object.entries(inputs).map(([name, input]) => field(strings[`plan_${name}`], input)),
    make("p", { class: "fm-soft fm-small", text: strings.plan_fears }),
    ...fears.map((pair) => make("div", { class: "fm-monitor-fear" }, ...pair)),
    make("button", { class: "fm-button", text: strings.plan_sign }));
  const another = fold(strings.plan_another, form);
  const root = make("section", {}, make("h4", { text: strings.plan }), signed, another);
  const update = (office, isChief) => {
    const plan = office.plan ?? {};
    const lines = plan.signed_by
      ? [plan.signed_text, `${strings.plan_goal}: ${plan.goal}`, `${strings.plan_action}: ${plan.action}`, `${strings.plan_responsible}: ${plan.responsible}`, ...Object.entries(plan.fears).map(([fear, figure]) => `${fear} → ${figure}`)]
      : [strings.plan_none];
    another.hidden = !isChief;
    if (signed.dataset.said === JSON.stringify(lines)) return;
    signed.dataset.said = JSON.stringify(lines);
    signed.replaceChildren(...lines.map((text) => make("p", { text })));
    another.open = !plan.signed_by; // the first one is what a chief came for
  };
  return { root, update };
}

function drawPeople(model, strings, ask) {
  const list = make("ul", { class: "fm-monitor-people" });
  const name = box("name", { maxlength: 80, autocomplete: "off" });
  const role = make("select", { class: "fm-monitor-input" }, ...["ranger", "chief", "viewer"].map((one) => make("option", { value: one, text: strings[`role_${one}`] })));
  const pin = box("pin", { type: "password", autocomplete: "new-password", maxlength: 80 });
  const form = make("form", { on: { submit: (event) => { event.preventDefault(); ask("enter", { name: name.value, role: role.value, pin: pin.value }); pin.value = ""; } } },
    field(strings.person_name, name), field(strings.person_role, role), field(strings.person_pin, pin), make("button", { class: "fm-button", text: strings.person_enter }));
  const rule = make("p", { class: "fm-soft fm-small", text: strings.people_account });
  const entering = fold(strings.person_enter_fold, form);
  const root = make("section", {}, make("h4", { text: strings.people }), rule, list, entering);
  const update = (office, isChief) => {
    const people = office.people ?? [];
    const { is_account: isAccount = false } = model.get("_me");
    const said = JSON.stringify([people, isChief, isAccount]);
    entering.hidden = !isChief;
    rule.hidden = !isAccount;
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...(people.length || isAccount ? people : [{ none: true }]).map((one) => one.none
      ? make("li", { class: "fm-soft", text: strings.people_none })
      : make("li", {}, make("span", { text: `${one.name} · ${one.role}` }), isChief ? makeButton(strings.person_remove, () => ask("remove", { name: one.name }), { kind: "fm-quiet", "aria-label": `${strings.person_remove}: ${one.name}` }) : null)));
  };
  return { root, update };
}

function drawModels(model, strings, ask) {
  const list = make("ul", { class: "fm-monitor-people" });
  const compared = make("p"), differ = make("ul", { class: "fm-monitor-people fm-small" }), where = fold(strings.differ_fold, differ);
  const none = make("div", { class: "fm-soft fm-small" }, make("p", { text: strings.models_none }),
    make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.models_none_command, { folder: model.get("_folder") }) }));
  const root = make("section", {}, make("h4", { text: strings.models }), none, list, compared, where);
  const update = (office, isChief) => {
    const models = office.models ?? [];
    none.hidden = models.length > 0 || office.models === undefined;
    compared.textContent = office.compared ?? "";
    where.hidden = !office.differ?.length;
    differ.replaceChildren(...(office.differ ?? []).map((text) => make("li", { text })));
    const said = JSON.stringify([models, isChief]);
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...models.map((one) => make("li", {}, make("span", { text: one.text }),
      isChief && one.role === "shadow" ? makeButton(strings.promote, () => ask("promote", { model_id: one.id }), { kind: "fm-quiet" }) : null)));
  };
  return { root, update };
}
