// The page's side of its kernel, in the place of JupyterLab's: all that our pages show are widgets of one kind
// (anywidget), which need a connection, their state and their own module. That is this file instead of some eighty,
// and a third of the time. A page that shows anything else gets Voilà's own script.

(() => {
  const PROTOCOL = "v1.kernel.websocket.jupyter.org";
  const WIDGET_VIEW = "application/vnd.jupyter.widget-view+json";
  const RETRY_FIRST_MS = 500;
  const RETRY_LAST_MS = 15_000;

  const config = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const kernelUrl = `${config.baseUrl}api/kernels/${encodeURIComponent(config.kernelId)}`;

  // --- Messages: parts one behind the other, after where each begins and where the last ends ----------------------

  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const session = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let sent = 0;

  function pack(type, content, buffers = [], metadata = {}) {
    const header = { msg_id: `${session}-${sent++}`, msg_type: type, session, username: "", version: "5.3", date: new Date().toISOString() };
    const texts = ["shell", ...[header, {}, metadata, content].map((part) => JSON.stringify(part))];
    const parts = [...texts.map((text) => encoder.encode(text)), ...buffers.map(asBytes)];
    const head = new DataView(new ArrayBuffer(8 * (parts.length + 2)));
    const setNumber = (place, value) => head.setBigUint64(8 * place, BigInt(value), true);
    setNumber(0, parts.length + 1);
    let end = head.byteLength;
    parts.forEach((part, i) => {
      setNumber(i + 1, end);
      end += part.byteLength;
    });
    setNumber(parts.length + 1, end);
    return new Blob([head, ...parts]);
  }

  function asBytes(buffer) {
    return ArrayBuffer.isView(buffer) ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength) : new Uint8Array(buffer);
  }

  function unpack(bytes) {
    const head = new DataView(bytes);
    const number = (place) => Number(head.getBigUint64(8 * place, true));
    const part = (place) => bytes.slice(number(place + 1), number(place + 2));
    const read = (place) => JSON.parse(decoder.decode(part(place)));
    const buffers = [];
    for (let place = 5; place < number(0) - 1; place++) buffers.push(new DataView(part(place)));
    return { type: read(1).msg_type, content: () => read(4), buffers };
  }

  // --- The connection: what is sent while there is none goes when it is back, and the server keeps what we miss ------

  class Connection {
    constructor(hear) {
      this.hear = hear;
      this.waiting = [];
      this.failures = 0;
      this.open();
    }

    open() {
      const address = new URL(`${kernelUrl}/channels?session_id=${session}`, location.href);
      address.protocol = address.protocol.replace("http", "ws");
      this.socket = new WebSocket(address, PROTOCOL);
      this.socket.binaryType = "arraybuffer";
      this.socket.onopen = () => {
        this.failures = 0;
        for (const message of this.waiting.splice(0)) this.socket.send(message);
      };
      this.socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.hear(unpack(data));
      };
      this.socket.onclose = () => {
        if (this.isOver) return;
        this.timer = setTimeout(() => this.open(), Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** this.failures++));
      };
    }

    send(...message) {
      const packed = pack(...message);
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(packed);
      else this.waiting.push(packed);
    }

    close() {
      this.isOver = true;
      clearTimeout(this.timer);
      this.socket.close();
    }
  }

  // --- Models, as anywidget's modules know them --------------------------------------------------------------------

  class Model {
    constructor(kernel, id, state) {
      this.kernel = kernel;
      this.id = id;
      this.state = state;
      this.listeners = new Map(); // name → listeners, in their order
      this.changed = new Set();
      this.ends = new AbortController();
    }

    get(name) {
      return this.state[name];
    }

    set(name, value) {
      const wanted = typeof name === "string" ? { [name]: value } : name;
      const names = Object.keys(wanted).filter((key) => this.state[key] !== wanted[key]);
      for (const key of names) this.changed.add(key);
      this.take(Object.fromEntries(names.map((key) => [key, wanted[key]])));
    }

    save_changes() {
      if (this.changed.size === 0) return;
      const state = Object.fromEntries([...this.changed].map((name) => [name, this.state[name]]));
      this.changed.clear();
      this.kernel.send("comm_msg", { comm_id: this.id, data: { method: "update", state, buffer_paths: [] } });
    }

    send(content, _callbacks, buffers = []) {
      this.kernel.send("comm_msg", { comm_id: this.id, data: { method: "custom", content } }, buffers);
    }

    on(names, listener) {
      for (const name of names.split(" ")) this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    }

    off(names, listener) {
      for (const name of names?.split(" ") ?? [...this.listeners.keys()]) {
        this.listeners.set(name, listener ? (this.listeners.get(name) ?? []).filter((each) => each !== listener) : []);
      }
    }

    // All values are there before anybody hears of one.
    take(state) {
      Object.assign(this.state, state);
      for (const name of Object.keys(state)) this.tell(`change:${name}`, this, state[name]);
      if (Object.keys(state).length) this.tell("change", this);
    }

    tell(name, ...facts) {
      for (const listener of this.listeners.get(name) ?? []) {
        try {
          listener(...facts);
        } catch (error) {
          console.error(error); // one that fails must not keep the others
        }
      }
    }

    // A module of its own for each model: what a module remembers is about one.
    load() {
      this.module ??= (async () => {
        addStyle(this.get("_css"));
        const url = URL.createObjectURL(new Blob([this.get("_esm")], { type: "text/javascript" }));
        const { default: found } = await import(url).finally(() => URL.revokeObjectURL(url));
        const widget = typeof found === "function" ? await found() : found;
        this.whenOver(await widget.initialize?.({ model: this, host, signal: this.ends.signal }));
        return widget;
      })();
      return this.module;
    }

    async render(el) {
      const widget = await this.load();
      this.whenOver(await widget.render?.({ model: this, el, host, signal: this.ends.signal }));
      this.whenOver(() => el.replaceChildren());
    }

    whenOver(act) {
      if (typeof act === "function") this.ends.signal.addEventListener("abort", act, { once: true });
    }
  }

  const styles = new Set();

  function addStyle(text) {
    if (!text || styles.has(text)) return;
    styles.add(text);
    document.head.append(Object.assign(document.createElement("style"), { textContent: text }));
  }

  // --- The widgets of this page's kernel ---------------------------------------------------------------------------

  const models = new Map();
  const expected = new Map(); // id → who waits for it

  const host = {
    getModel: (reference) => find(idOf(reference)),
    getWidget: async (reference) => {
      const model = await find(idOf(reference));
      return { render: ({ el }) => model.render(el) };
    },
  };

  function idOf(reference) {
    return reference.replace(/^(anywidget:|IPY_MODEL_)/, "");
  }

  function find(id) {
    if (models.has(id)) return Promise.resolve(models.get(id));
    return new Promise((found) => expected.set(id, [...(expected.get(id) ?? []), found]));
  }

  function add(id, state) {
    if (models.has(id)) return;
    const model = new Model(connection, id, state);
    models.set(id, model);
    for (const found of expected.get(id) ?? []) found(model);
    expected.delete(id);
  }

  // Puts buffers back where they were taken out of a state.
  function fill(state, paths, buffers) {
    paths.forEach((path, i) => {
      const last = path.at(-1);
      path.slice(0, -1).reduce((part, key) => part[key], state)[last] = buffers[i];
    });
    return state;
  }

  let early = []; // changes of widgets whose states are still on their way; undefined once those are here
  const control = crypto.getRandomValues(new Uint32Array(4)).join("-");
  let haveStates;
  const states = new Promise((resolve) => (haveStates = resolve));

  function hear({ type, content, buffers }) {
    if (type === "comm_open") {
      const { comm_id: id, target_name: target, data } = content();
      if (target === "jupyter.widget") add(id, fill(data.state, data.buffer_paths ?? [], buffers));
    } else if (type === "comm_msg") {
      const { comm_id: id, data } = content();
      if (id === control) takeStates(data, buffers);
      else takeMessage(id, data, buffers);
    } else if (type === "comm_close") {
      const { comm_id: id } = content();
      models.get(id)?.ends.abort();
      models.delete(id);
    }
  }

  function takeStates(data, buffers) {
    if (data.method !== "update_states") return;
    for (const [id, { state }] of Object.entries(fill(data.states, data.buffer_paths ?? [], buffers))) add(id, state);
    connection.send("comm_close", { comm_id: control, data: {} });
    const changes = early ?? [];
    early = undefined;
    for (const change of changes) takeMessage(...change);
    haveStates();
  }

  function takeMessage(id, data, buffers) {
    const model = models.get(id);
    if (!model) early?.push([id, data, buffers]);
    else if (data.method === "update") model.take(fill(data.state, data.buffer_paths ?? [], buffers));
    else if (data.method === "custom") model.tell("msg:custom", data.content, buffers);
  }

  // --- The page ----------------------------------------------------------------------------------------------------

  const places = [...document.querySelectorAll('#app script[type="application/vnd.voila.cell-output+json"]')].map((script) => ({
    parent: script.parentElement,
    view: JSON.parse(script.textContent).data?.[WIDGET_VIEW]?.model_id,
  }));
  let connection;

  async function open() {
    if (places.some(({ view }) => !view)) return useVoila();
    connection = new Connection(hear);
    connection.send("comm_open", { comm_id: control, target_name: "jupyter.widget.control", data: {} }, [], { version: "1.0.0" });
    connection.send("comm_msg", { comm_id: control, data: { method: "request_states" } });
    await states;
    if (places.some(({ view }) => !models.get(view)?.get("_esm"))) return useVoila();
    window.addEventListener("pagehide", leave);
    for (const { parent, view } of places) {
      const el = document.createElement("div");
      parent.append(el);
      models.get(view).render(el).catch((error) => console.error(error));
    }
  }

  // Ends the kernel with the page; without the page's own mark the server would take it for another site's doing.
  function leave() {
    const mark = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";
    navigator.sendBeacon(`${config.baseUrl}voila/api/shutdown/${config.kernelId}`, new URLSearchParams({ _xsrf: mark }));
    connection.close();
  }

  function useVoila() {
    connection?.close();
    document.getElementById("waiting")?.remove(); // only ours say when they are there
    document.body.classList.remove("fm-is-opening");
    if (document.readyState === "complete") { // it waits for an event that has been
      const listen = window.addEventListener.bind(window);
      window.addEventListener = (name, act, ...options) => (name === "load" ? setTimeout(act) : listen(name, act, ...options));
    }
    document.body.append(Object.assign(document.createElement("script"), { src: config.voilaScript }));
  }

  open();
})();
