// The page's bridge to its kernel: says now and then that somebody is looking, and keeps this page's photos in this
// browser, under the session in the address, so that a page whose kernel is gone can begin where it was.
//
// What is kept never leaves the browser but as an upload, and goes after an hour or with "Clear". A page of elsewhere
// cannot read it; the address alone, in another browser, shows nothing.

const TICK_MS = 5_000;
const KEEP_MS = 60 * 60 * 1000;
const MAX_FILES = 60;
const MAX_BYTES = 200 * 1024 * 1024;
const SESSION = /^[0-9a-f]{32}$/;

export default {
  async render({ model, el }) {
    el.hidden = true;
    if (!document.body.classList.contains("fm-page")) return; // in a notebook the address is not ours
    const session = takeSession();
    const timer = setInterval(() => {
      if (!document.hidden) model.send({ kind: "tick" });
    }, TICK_MS);
    const stop = new AbortController();
    const keeper = await openKeeper(session);
    if (keeper) {
      const listen = (name, act) => document.addEventListener(name, act, { signal: stop.signal });
      listen("fm-added", ({ detail }) => keeper.keep(detail));
      listen("fm-dropped", ({ detail }) => keeper.drop(detail));
      listen("fm-cleared", () => keeper.clear());
      whenThere(".fm-uploader", async (uploader) => {
        const files = await keeper.restore();
        if (files.length) uploader.dispatchEvent(new CustomEvent("fm-restore", { detail: files }));
      });
    }
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  },
};

function takeSession() {
  const address = new URL(location.href);
  let session = address.searchParams.get("session") ?? "";
  if (!SESSION.test(session)) {
    session = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    address.searchParams.set("session", session);
    history.replaceState(null, "", address);
  }
  return session;
}

function whenThere(selector, act) {
  const look = () => {
    const found = document.querySelector(selector);
    if (found) act(found);
    else requestAnimationFrame(look);
  };
  look();
}

// --- What is kept ---------------------------------------------------------------------------------------------

// null where this browser keeps nothing for us, as in some private windows.
async function openKeeper(session) {
  try {
    const request = indexedDB.open("fieldmark", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("files", { autoIncrement: true });
    return new Keeper(await settled(request), session);
  } catch {
    return null;
  }
}

class Keeper {
  constructor(db, session) {
    this.db = db;
    this.session = session;
    this.keys = new WeakMap(); // file → the promise of its key
    this.held = 0;
    this.count = 0;
  }

  keep(file) {
    if (this.keys.has(file)) return; // it was restored
    if (this.count >= MAX_FILES || this.held + file.size > MAX_BYTES) return;
    this.count += 1;
    this.held += file.size;
    const record = { session: this.session, at: Date.now(), name: file.name, file };
    this.keys.set(file, settled(this.files("readwrite").add(record)).catch(() => undefined));
  }

  async drop(file) {
    const key = await this.keys.get(file);
    if (key !== undefined) this.files("readwrite").delete(key);
  }

  async clear() {
    this.count = this.held = 0;
    for (const [key, record] of await this.all()) {
      if (record.session === this.session) this.files("readwrite").delete(key);
    }
  }

  // The files of this session, in the order they came; what is older than an hour goes, of every session.
  async restore() {
    const found = [];
    for (const [key, record] of await this.all()) {
      if (Date.now() - record.at > KEEP_MS) this.files("readwrite").delete(key);
      else if (record.session === this.session) {
        const file = new File([record.file], record.name, { type: record.file.type });
        this.keys.set(file, Promise.resolve(key));
        this.count += 1;
        this.held += file.size;
        found.push(file);
      }
    }
    return found;
  }

  async all() {
    const store = this.files("readonly");
    const [keys, records] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
    return keys.map((key, i) => [key, records[i]]);
  }

  files(mode) {
    return this.db.transaction("files", mode).objectStore("files");
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
