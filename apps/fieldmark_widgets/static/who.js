// Who somebody is: a name to type where nobody is entered; else a name to choose and a PIN.

const TOKEN_KEY = "fieldmark-shift"; // for as long as the tab is open

function keepToken(token) { try { token ? sessionStorage.setItem(TOKEN_KEY, token) : sessionStorage.removeItem(TOKEN_KEY); } catch { /* then until the page is reloaded */ } }
function readToken() { try { return sessionStorage.getItem(TOKEN_KEY) ?? ""; } catch { return ""; } }

function drawWho(model, strings) {
  const typed = make("input", { type: "text", class: "fm-monitor-name", maxlength: 80, autocomplete: "name", title: strings.who_hint });
  const choice = make("select", { class: "fm-monitor-input", "aria-label": strings.who, required: true });
  const pin = make("input", { type: "password", class: "fm-monitor-input fm-monitor-pin", maxlength: 80, autocomplete: "current-password", "aria-label": strings.pin, placeholder: strings.pin, required: true });
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
      choice.replaceChildren(make("option", { value: "", text: strings.who }), ...entered.map((one) => make("option", { text: one })));
    }
  };
  return { root, update };
}
