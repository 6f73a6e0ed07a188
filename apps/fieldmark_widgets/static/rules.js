// The settings of a station in a ranger's units: per cent and minutes. The store keeps shares and seconds.

const UNITS = { percent: 100, minutes: 1 / 60 };
// Name, unit, least and most. What only stage 3 asks for stands behind a fold of its own.
const RULES = [["alarm_min", "percent", 1, 99], ["sure_min", "percent", 0, 99], ["audit_share", "percent", 5, 100], ["gap_s", "minutes", 0, 1440], ["escalate_s", "minutes", 1, 1440], ["silence_notices", "yes"]];
const RULES_OF_3 = [["precision_min", "percent", 50, 99], ["missed_max", "percent", 0, 20], ["cooldown_s", "minutes", 0, 10080]];

const rounded = (number) => Number(number.toPrecision(10)); // 100 × 0.07 is not 7

function drawRule([name, unit, min, max], strings) {
  const isYes = unit === "yes";
  const input = isYes ? make("input", { type: "checkbox", name }) : box(name, { type: "number", step: "any", min, max, required: true });
  return {
    name,
    row: field(strings[`rule_${name}`], input),
    show(value, isChief) { input.disabled = !isChief; if (isYes) input.checked = value; else input.value = rounded(value * UNITS[unit]); },
    get value() { return isYes ? input.checked : rounded(Number(input.value) / UNITS[unit]); },
  };
}

function drawRules(model, strings, ask) {
  const usual = RULES.map((rule) => drawRule(rule, strings)), rare = RULES_OF_3.map((rule) => drawRule(rule, strings));
  const all = [...usual, ...rare], notices = make("p", { class: "fm-soft fm-small" });
  const save = make("button", { class: "fm-button", text: strings.settings_save });
  const form = make("form", { on: { submit: (event) => {
    event.preventDefault();
    ask("rules", { changed: Object.fromEntries(all.map(({ name, value }) => [name, value])) });
  } } }, ...usual.map(({ row }) => row), notices, fold(strings.settings_stage_3, ...rare.map(({ row }) => row)), save);
  const zone = drawZone(strings, ask);
  const root = make("section", {}, make("h4", { text: strings.settings }), fold(strings.settings_fold, form, zone.root));
  const update = (office, isChief) => {
    notices.textContent = office.notices_to ?? "";
    save.hidden = !isChief;
    zone.update(office.zone ?? "", isChief);
    const said = JSON.stringify([office.rules, isChief]);
    if (!office.rules || form.dataset.said === said) return;
    form.dataset.said = said;
    for (const rule of all) rule.show(office.rules[rule.name], isChief);
  };
  return { root, update };
}

function drawZone(strings, ask) {
  const zone = box("zone", { list: "fm-monitor-zones", required: true });
  const zones = make("datalist", { id: "fm-monitor-zones" }, ...(Intl.supportedValuesOf?.("timeZone") ?? []).map((value) => make("option", { value })));
  const root = make("form", { on: { submit: (event) => { event.preventDefault(); ask("zone", { zone: zone.value.trim() }); } } },
    zones, field(strings.rule_zone, zone), make("p", { class: "fm-soft fm-small", text: strings.zone_hint }), make("button", { class: "fm-button", text: strings.zone_save }));
  const update = (now, isChief) => {
    root.hidden = !isChief;
    if (zone.dataset.said !== now) zone.value = zone.dataset.said = now;
  };
  return { root, update };
}
