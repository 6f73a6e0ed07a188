// A card with a sentence.
export default {
  render({ model, el }) {
    const title = make("h2", { class: "fm-title" });
    const text = make("p");
    const show = () => {
      title.textContent = model.get("title");
      text.textContent = model.get("text");
    };
    model.on("change:title", show);
    model.on("change:text", show);
    show();
    el.classList.add("fm");
    const mark = make("p", { class: "fm-mark" }, makeIcon("unfamiliar"));
    el.append(make("section", { class: "fm-card fm-notice is-failed", role: "alert" }, mark, title, text));
  },
};
