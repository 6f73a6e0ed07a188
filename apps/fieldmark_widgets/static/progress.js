// How far long work is, with a way to stop it. Part of several components; it exports nothing.

// `remark` says something beside "cancel", from what the kernel tells of the progress.
function drawProgress(model, strings, remark) {
  const text = make("p", { role: "status", class: "fm-importer-step" });
  const share = make("i");
  const said = make("span", { class: "fm-soft" });
  const root = make("div", { class: "fm-card", hidden: true }, text, make("span", { class: "fm-bar" }, share),
    make("div", { class: "fm-row fm-importer-cancel" }, makeButton(strings.cancel, () => model.send({ kind: "cancel" })), said));
  const update = () => {
    const progress = model.get("_progress");
    root.hidden = model.get("state") !== "busy";
    text.textContent = progress.text ?? "";
    share.style.width = `${100 * (progress.share ?? 0)}%`;
    said.textContent = remark(progress);
  };
  return { root, update };
}
