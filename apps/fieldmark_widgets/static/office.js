// Who somebody is, and what only a chief decides: the stage and its plan, the people, the settings.

const TOKEN_KEY = "fieldmark-shift"; // for as long as the tab is open
const FEARS = 3;

function keepToken(token) { try { token ? sessionStorage.setItem(TOKEN_KEY, token) : sessionStorage.removeItem(TOKEN_KEY); } catch { /* then until the page is reloaded */ } }
function readToken() { try { return sessionStorage.getItem(TOKEN_KEY) ?? ""; } catch { return ""; } }

// A name to type where nobody is entered; else a name to choose and a PIN; then who it is.
function drawWho(model, strings) {
  const typed = make("input", { type: "text", class: "fm-monitor-name", maxlength: 80, autocomplete: "name", title: strings.who_hint });
  const choice = make("select", { class: "fm-monitor-input", "aria-label": strings.who });
  const pin = make("input", { type: "password", class: "fm-monitor-input fm-monitor-pin", maxlength: 80, autocomplete: "current-password", "aria-label": strings.pin, placeholder: strings.pin });
  const form = make("form", { class: "fm-row", on: { submit: (event) => {
    event.preventDefault();
    model.send({ kind: "sign_in", name: choice.value, pin: pin.value });
    pin.value = "";
  } } }, choice, pin, make("button", { class: "fm-button", text: strings.sign_in }));
  const me = make("span", { class: "fm-chip fm-monitor-me" });
  const out = makeButton(strings.sign_out, () => { keepToken(""); model.send({ kind: "sign_out" }); }, { kind: "fm-quiet" });
  const signed = make("div", { class: "fm-row" }, me, out);
  const label = make("label", { class: "fm-monitor-typed" }, make("span", { class: "fm-soft fm-small", text: strings.who }), typed);
  const root = make("div", { class: "fm-monitor-who" }, label, form, signed);
  typed.value = model.get("who") || readName();
  const tell = () => { keepName(typed.value); model.set("who", typed.value); model.save_changes(); model.send({ kind: "look" }); };
  typed.addEventListener("change", tell);
  if (typed.value) tell();
  if (readToken()) model.send({ kind: "resume", token: readToken() });
  model.on("msg:custom", (message) => { if (message.kind === "signed_in") keepToken(message.token); });
  const update = () => {
    const { entered = [], name = "", role = "", is_account = false } = model.get("_me");
    typed.hidden = label.hidden = entered.length > 0 || is_account;
    form.hidden = is_account || entered.length === 0 || name !== "";
    signed.hidden = (entered.length === 0 && !is_account) || name === "";
    out.hidden = is_account; // that is the server's
    me.textContent = `${name} · ${role}`;
    if (choice.dataset.said !== JSON.stringify(entered)) {
      choice.dataset.said = JSON.stringify(entered);
      choice.replaceChildren(...entered.map((one) => make("option", { text: one })));
    }
  };
  return { root, update, focus: () => (typed.hidden ? choice : typed).focus() };
}

function field(label, input) { return make("label", { class: "fm-monitor-field" }, make("span", { text: label }), input); }
function box(name, attributes = {}) { return make("input", { type: "text", class: "fm-monitor-input", name, maxlength: 300, ...attributes }); }

function drawOffice(model, strings) {
  const ask = (act, said) => model.send({ kind: "office", act, said });
  const parts = [drawStage(model, strings, ask), drawPlan(model, strings, ask), drawPeople(model, strings, ask), drawSettings(model, strings, ask), drawModels(model, strings, ask)];
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
  const now = make("p"), gate = make("ul", { class: "fm-monitor-blockers" });
  const why = box("why", { placeholder: strings.why });
  const up = makeButton("", () => ask("stage", { to: model.get("_office").stage + 1, why: why.value }));
  const down = makeButton(strings.stage_down, () => ask("stage", { to: 1, why: why.value }));
  const acts = make("div", { class: "fm-row" }, why, up, down);
  const root = make("section", {}, make("h4", { text: strings.stage }), now, gate, acts);
  const update = (office, isChief) => {
    now.textContent = office.stage_text ?? "";
    gate.replaceChildren(...(office.blockers ?? []).map((text) => make("li", { text })));
    acts.hidden = !isChief;
    up.hidden = !(office.stage < 3);
    down.hidden = !(office.stage > 1);
    up.textContent = fill(strings.stage_up, { to: (office.stage ?? 0) + 1 });
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
  const root = make("section", {}, make("h4", { text: strings.plan }), signed, form);
  const update = (office, isChief) => {
    const plan = office.plan ?? {};
    const lines = plan.signed_by
      ? [plan.signed_text, `${strings.plan_goal}: ${plan.goal}`, `${strings.plan_action}: ${plan.action}`, `${strings.plan_responsible}: ${plan.responsible}`, ...Object.entries(plan.fears).map(([fear, figure]) => `${fear} → ${figure}`)]
      : [strings.plan_none];
    signed.replaceChildren(...lines.map((text) => make("p", { text })));
    form.hidden = !isChief;
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
  const root = make("section", {}, make("h4", { text: strings.people }), rule, list, form);
  const update = (office, isChief) => {
    const people = office.people ?? [];
    const { is_account: isAccount = false } = model.get("_me");
    const said = JSON.stringify([people, isChief, isAccount]);
    form.hidden = !isChief;
    rule.hidden = !isAccount;
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...(people.length || isAccount ? people : [{ none: true }]).map((one) => one.none
      ? make("li", { class: "fm-soft", text: strings.people_none })
      : make("li", {}, make("span", { text: `${one.name} · ${one.role}` }), isChief ? makeButton(strings.person_remove, () => ask("remove", { name: one.name }), { kind: "fm-quiet", "aria-label": `${strings.person_remove}: ${one.name}` }) : null)));
  };
  return { root, update };
}

function drawSettings(model, strings, ask) {
  const inputs = {};
  const form = make("form", { on: { submit: (event) => {
    event.preventDefault();
    ask("rules", { changed: Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.type === "checkbox" ? input.checked : Number(input.value)])) });
  } } });
  const notices = make("p", { class: "fm-soft fm-small" });
  const zone = box("zone", { list: "fm-monitor-zones", required: true }), zones = make("datalist", { id: "fm-monitor-zones" }, ...(Intl.supportedValuesOf?.("timeZone") ?? []).map((value) => make("option", { value })));
  const place = make("form", { on: { submit: (event) => { event.preventDefault(); ask("zone", { zone: zone.value.trim() }); } } },
    zones, field(strings.rule_zone, zone), make("button", { class: "fm-button", text: strings.zone_save }));
  const root = make("section", {}, make("h4", { text: strings.settings }), form, notices, place);
  const update = (office, isChief) => {
    const rules = office.rules ?? {};
    notices.textContent = office.notices_to ?? "";
    place.hidden = !isChief;
    if (zone.dataset.said !== office.zone) zone.value = zone.dataset.said = office.zone ?? "";
    const said = JSON.stringify([rules, isChief]);
    if (form.dataset.said === said) return;
    form.dataset.said = said;
    form.replaceChildren(...Object.entries(rules).map(([name, value]) => {
      inputs[name] = typeof value === "boolean" ? make("input", { type: "checkbox", name, disabled: !isChief }) : box(name, { type: "number", step: "any", value, disabled: !isChief });
      if (value === true) inputs[name].checked = true;
      return field(strings[`rule_${name}`], inputs[name]);
    }), ...(isChief ? [make("button", { class: "fm-button", text: strings.settings_save })] : []));
  };
  return { root, update };
}

function drawModels(model, strings, ask) {
  const list = make("ul", { class: "fm-monitor-people" });
  const compared = make("p"), differ = make("ul", { class: "fm-monitor-people fm-small" });
  const none = make("div", { class: "fm-soft fm-small" }, make("p", { text: strings.models_none }),
    make("pre", { class: "fm-monitor-command", tabindex: "0", text: fill(strings.models_none_command, { folder: model.get("_folder") }) }));
  const root = make("section", {}, make("h4", { text: strings.models }), none, list, compared, differ);
  const update = (office, isChief) => {
    const models = office.models ?? [];
    none.hidden = models.length > 0 || office.models === undefined;
    compared.textContent = office.compared ?? "";
    differ.replaceChildren(...(office.differ ?? []).map((text) => make("li", { text })));
    const said = JSON.stringify([models, isChief]);
    if (list.dataset.said === said) return;
    list.dataset.said = said;
    list.replaceChildren(...models.map((one) => make("li", {}, make("span", { text: one.text }),
      isChief && one.role === "shadow" ? makeButton(strings.promote, () => ask("promote", { model_id: one.id }), { kind: "fm-quiet" }) : null)));
  };
  return { root, update };
}
