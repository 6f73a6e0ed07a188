// The page: theme switch, the components, and the model once it is there.

function startPage() {
  const facts = window.FIELDMARK;
  document.getElementById("theme").addEventListener("click", switchTheme);
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
  const place = document.getElementById("app");
  const predictor = whenLoaded().then(() => Predictor.load(facts));
  const model = new LocalClassifier(facts, predictor);
  const host = { getWidget: async () => ({ render: async ({ el }) => UploaderComponent.render({ model: model.uploader, el }) }) };
  ClassifierComponent.render({ model, el: place, host });
  document.getElementById("waiting").remove();
  const status = document.getElementById("model-state");
  predictor.then(
    () => { status.textContent = ""; document.body.dataset.model = "ready"; },
    (error) => {
      console.error(error);
      document.body.dataset.model = "failed";
      model.update({ problem: facts.page.no_model });
      status.textContent = "";
    });
  window.fieldmark = { model, predictor, fitPhoto, openPhoto, sayAnswer, drawMap }; // for whoever builds on this page, and its tests
}

// The scripts with runtime and model come after this one.
function whenLoaded() {
  if (document.readyState === "complete") return Promise.resolve();
  return new Promise((resolve) => window.addEventListener("load", resolve, { once: true }));
}

function switchTheme() {
  const page = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  page.dataset.theme = (page.dataset.theme ?? (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
}

document.addEventListener("DOMContentLoaded", startPage);
