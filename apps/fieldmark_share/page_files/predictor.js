// The model: the same ONNX file as everywhere, in onnxruntime-web. What fieldmark/predictor.py does, here.

const COOL = [255, 205, 70], HOT = [255, 100, 20]; // as in fieldmark_widgets/picture.py
const MAP_PX = 224, MAX_ALPHA = 128, FADE = 0.12, FLOOR = 0.25;

class Predictor {
  constructor(session, facts) {
    this.session = session;
    this.facts = facts;
  }

  // Unpacks runtime and model, which came as scripts so that a page from a disk may load them too.
  static async load(facts) {
    const [wasm, model] = await Promise.all([unpack(window.FIELDMARK_WASM), unpack(window.FIELDMARK_MODEL)]);
    window.FIELDMARK_WASM = window.FIELDMARK_MODEL = null; // their text is some 20 MB of memory
    const { env, InferenceSession } = window.ort;
    env.wasm.numThreads = 1; // more need headers that a plain web host does not send
    env.wasm.wasmBinary = wasm;
    env.wasm.wasmPaths = { mjs: URL.createObjectURL(new Blob([window.FIELDMARK_GLUE], { type: "text/javascript" })) };
    const session = await InferenceSession.create(new Uint8Array(model), { executionProviders: ["wasm"] });
    return new Predictor(session, facts);
  }

  // Every output of the graph for one photo, by name: Float32Array.
  async compute(photo) {
    const { rule } = this.facts;
    return this.computeSquare(fitPhoto(photo, rule));
  }

  async computeSquare(square) {
    const size = this.facts.rule.size_px;
    const tensor = new window.ort.Tensor("uint8", square, [1, size, size, 3]);
    const outputs = await this.session.run({ [this.session.inputNames[0]]: tensor });
    return Object.fromEntries(Object.entries(outputs).map(([name, output]) => [name, output]));
  }

  async predict(photo) {
    const { vocab, calibration, prob_min: probMin } = this.facts;
    const outputs = await this.compute(photo);
    const sum = outputs.probs.data.reduce((total, prob) => total + prob, 0);
    const probs = [...outputs.probs.data].map((prob) => prob / sum);
    const best = probs.indexOf(Math.max(...probs));
    const p = calibration && familiarity(outputs, calibration);
    const unfamiliar = calibration?.level != null && p < calibration.level;
    const verdict = unfamiliar ? "unfamiliar" : probs[best] < probMin ? "unsure" : "familiar";
    return { label: vocab[best], best, prob: probs[best], probs, verdict, familiarity_p: p ?? null, cam: outputs.cam };
  }

  // Where the evidence for the answer lies: values (h × w), 0 … 1, and the part of the photo that they cover.
  explain({ cam, best }, photo) {
    const [, classes, height, width] = cam.dims;
    const cells = height * width, values = new Float32Array(cells);
    for (let cell = 0; cell < cells; cell += 1) {
      let mean = 0;
      for (let k = 0; k < classes; k += 1) mean += cam.data[k * cells + cell] / classes;
      values[cell] = Math.max(0, cam.data[best * cells + cell] - mean);
    }
    const highest = Math.max(...values) || 1;
    return { values: values.map((value) => value / highest), width, height, region: seenRegion(photo, this.facts.rule) };
  }
}

// Twice the smaller of two p-values, at most 1.
function familiarity(outputs, { knn, mahalanobis }) {
  return Math.min(1, 2 * Math.min(pValue(outputs.knn.data[0], knn), pValue(outputs.mahalanobis.data[0], mahalanobis)));
}

// Share of known scores at least as high, the photo itself counted; `known` is sorted.
function pValue(score, known) {
  const below = known.filter((each) => each < score).length;
  return (1 + known.length - below) / (known.length + 1);
}

async function unpack(base64) {
  const letters = atob(base64), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

// A PNG that is clear where the model did not look.
async function drawMap({ values, width, height, region }) {
  const scale = MAP_PX / Math.max(width, height);
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const smooth = resample({ data: values, width, height }, 1, w, h, [0, 0, width, height], FILTERS.bicubic, false);
  const across = fadeRamp(w, region[0] > 0, region[2] < 1), down = fadeRamp(h, region[1] > 0, region[3] < 1);
  const canvas = make("canvas", { width: w, height: h });
  const context = canvas.getContext("2d");
  const image = context.createImageData(w, h);
  for (let y = 0, at = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1, at += 4) {
      const strength = Math.min(1, Math.max(0, (smooth.data[y * w + x] - FLOOR) / (1 - FLOOR)));
      for (let c = 0; c < 3; c += 1) image.data[at + c] = Math.round(COOL[c] + (HOT[c] - COOL[c]) * strength);
      image.data[at + 3] = Math.round(MAX_ALPHA * strength ** 0.75 * across[x] * down[y]);
    }
  }
  context.putImageData(image, 0, 0);
  return encode(canvas, "image/png");
}

// 1 inside, falling to 0 at each side where the photo goes on.
function fadeRamp(length, atStart, atEnd) {
  return Array.from({ length }, (_, i) => {
    const fromStart = (i + 0.5) / length, fromEnd = 1 - fromStart;
    return (atStart ? Math.min(1, fromStart / FADE) : 1) * (atEnd ? Math.min(1, fromEnd / FADE) : 1);
  });
}
