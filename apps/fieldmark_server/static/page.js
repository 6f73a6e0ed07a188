// The page around an app: the theme switch, the skeleton until the app is there, and a word when it is gone.

(() => {
  const ALIVE_EVERY_MS = 10_000;
  const THEME = "fieldmark-theme";
  const page = document.documentElement;

  // Before anything is painted, so that a dark page does not flash white.
  const stored = readStored();
  if (stored === "light" || stored === "dark") page.dataset.theme = stored;

  // Voilà calls these while a page takes long, and when its own look is loaded.
  window.voila_heartbeat = () => {};
  window.voila_process = () => {};
  window.voila_finish = () => {};

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme").addEventListener("click", switchTheme);
    document.getElementById("banner-reload").addEventListener("click", () => location.reload());
    const cells = document.getElementById("app");
    if (cells) waitForApp(cells);
    if (kernelId()) watchKernel();
  });
  // A photo dropped beside its place must not replace the page.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());

  function readStored() {
    try {
      return localStorage.getItem(THEME);
    } catch {
      return null; // a browser that keeps nothing for us
    }
  }

  function switchTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const current = page.dataset.theme ?? (dark ? "dark" : "light");
    page.dataset.theme = current === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(THEME, page.dataset.theme);
    } catch {
      // then only for as long as this page is open
    }
  }

  function waitForApp(cells) {
    const done = () => {
      if (!cells.querySelector(".fm > *") || cells.querySelector(".fm-uploader-place:empty")) return;
      document.getElementById("waiting")?.remove();
      document.body.classList.remove("fm-is-opening");
      observer.disconnect();
    };
    const observer = new MutationObserver(done);
    observer.observe(cells, { childList: true, subtree: true });
    done();
  }

  function kernelId() {
    const config = document.getElementById("jupyter-config-data");
    return config && JSON.parse(config.textContent).kernelId;
  }

  // A page whose kernel has ended looks alive and does nothing; asking now and then does not keep it alive.
  function watchKernel() {
    const home = document.querySelector(".fm-logo").getAttribute("href");
    const ask = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(`${home}api/kernels/${kernelId()}`, { cache: "no-store" });
        showBanner(answer.ok ? "" : `This page has gone to sleep: it was idle for long, or the server was started anew. Reconnect to go on; ${sayWhatIsSafe()}`);
      } catch {
        showBanner("The connection to the server is lost. What you see stays; new photos wait until it is back. Trying again.");
      }
    };
    setInterval(ask, ALIVE_EVERY_MS);
    for (const name of ["visibilitychange", "online", "offline", "focus"]) window.addEventListener(name, ask);
  }

  function sayWhatIsSafe() {
    const isKept = document.querySelector(".fm-studio"); // what is done there is on the disk at once
    return isKept ? "photos, decisions and trainings are kept." : "photos of the last hour come back with their answers.";
  }

  function showBanner(text) {
    document.getElementById("banner-text").textContent = text;
    document.getElementById("banner").hidden = text === "";
  }
})();
