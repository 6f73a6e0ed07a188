// From a photo's pixels to the square that the model looks at: the same arithmetic, bit for bit, as Pillow's
// resize(BILINEAR, reducing_gap=2), on which the model was trained and judged. See fieldmark/imaging/resize.py. Only where
// Pillow filters a tall photo down before across, a level of 255 may differ by one.

const PADDING_GREY = 127;
const REDUCING_GAP = 2;
const PRECISION_BITS = 22; // of the 8-bit filters' fixed-point weights

const FILTERS = {
  bilinear: { support: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weigh: (value) => {
      const a = -0.5, x = Math.abs(value);
      if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    },
  },
};

// Gives uint8 (size × size × 3) of a photo {data: RGB, width, height}.
function fitPhoto(photo, rule) {
  const size = rule.size_px;
  if (rule.method === "pad") return padPhoto(photo, size);
  const box = rule.method === "crop" ? cropBox(photo) : [0, 0, photo.width, photo.height];
  return resizePhoto(photo, size, size, box).data;
}

function cropBox({ width, height }) {
  const side = Math.min(width, height), left = (width - side) / 2, top = (height - side) / 2;
  return [left, top, left + side, top + side];
}

function padPhoto(photo, size) {
  const scale = size / Math.max(photo.width, photo.height);
  const [width, height] = [photo.width, photo.height].map((side) => Math.max(1, roundHalfEven(side * scale)));
  const small = resizePhoto(photo, width, height, [0, 0, photo.width, photo.height]);
  const square = new Uint8Array(size * size * 3).fill(PADDING_GREY);
  const top = Math.floor((size - height) / 2), left = Math.floor((size - width) / 2);
  for (let y = 0; y < height; y += 1) {
    square.set(small.data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * size + left) * 3);
  }
  return square;
}

function roundHalfEven(value) { // as Python rounds
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

// Which part of the photo the square shows: left, top, right, bottom as fractions.
function seenRegion({ width, height }, rule) {
  if (rule.method === "squish") return [0, 0, 1, 1];
  if (rule.method === "crop") {
    const [left, top, right, bottom] = cropBox({ width, height });
    return [left / width, top / height, right / width, bottom / height];
  }
  const longer = Math.max(width, height);
  const [overX, overY] = [(longer / width - 1) / 2, (longer / height - 1) / 2];
  return [-overX, -overY, 1 + overX, 1 + overY];
}

// First averages whole blocks, as long as each side stays twice as large as wanted; then filters.
function resizePhoto(photo, width, height, box) {
  const scale = [(box[2] - box[0]) / width, (box[3] - box[1]) / height];
  const factor = scale.map((each) => Math.max(1, Math.trunc(each / REDUCING_GAP)));
  if (factor[0] > 1 || factor[1] > 1) {
    const support = scale.map((each) => (FILTERS.bilinear.support - 0.5) * each);
    const around = [
      Math.max(0, Math.trunc(box[0] - support[0])),
      Math.max(0, Math.trunc(box[1] - support[1])),
      Math.min(photo.width, Math.ceil(box[2] + support[0])),
      Math.min(photo.height, Math.ceil(box[3] + support[1])),
    ];
    photo = reducePhoto(photo, factor, around);
    box = box.map((edge, i) => (edge - around[i % 2]) / factor[i % 2]);
  }
  return resample(photo, 3, width, height, box, FILTERS.bilinear, true);
}

// The mean of each block of factor[0] × factor[1] pixels; blocks at the right and bottom may be smaller.
function reducePhoto(photo, [fx, fy], [left, top, right, bottom]) {
  const width = Math.ceil((right - left) / fx), height = Math.ceil((bottom - top) / fy);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const y0 = top + y * fy, y1 = Math.min(bottom, y0 + fy);
    for (let x = 0; x < width; x += 1) {
      const x0 = left + x * fx, x1 = Math.min(right, x0 + fx);
      const count = (x1 - x0) * (y1 - y0), half = Math.floor(count / 2), multiplier = Math.floor(2 ** 24 / count);
      let red = half, green = half, blue = half;
      for (let row = y0; row < y1; row += 1) {
        for (let at = (row * photo.width + x0) * 3, end = at + (x1 - x0) * 3; at < end; at += 3) {
          red += photo.data[at];
          green += photo.data[at + 1];
          blue += photo.data[at + 2];
        }
      }
      const to = (y * width + x) * 3;
      data[to] = Math.floor((red * multiplier) / 2 ** 24);
      data[to + 1] = Math.floor((green * multiplier) / 2 ** 24);
      data[to + 2] = Math.floor((blue * multiplier) / 2 ** 24);
    }
  }
  return { data, width, height };
}

// Filters across, then down. `inBytes` rounds as for 8-bit pixels after each; otherwise floats.
function resample(image, channels, width, height, box, filter, inBytes) {
  const edges = box.map(Math.fround);
  let result = image;
  if (width !== image.width || edges[0] !== 0 || edges[2] !== width) {
    result = filterLines(result, channels, filterWeights(image.width, edges[0], edges[2], width, filter, inBytes), true, inBytes);
  }
  if (height !== image.height || edges[1] !== 0 || edges[3] !== height) {
    result = filterLines(result, channels, filterWeights(image.height, edges[1], edges[3], height, filter, inBytes), false, inBytes);
  }
  return result;
}

// For each place of the result: where it begins to read, and the weights.
function filterWeights(inSize, from, to, outSize, filter, inBytes) {
  const scale = Math.fround(to - from) / outSize, filterScale = Math.max(1, scale), support = filter.support * filterScale;
  return Array.from({ length: outSize }, (_, place) => {
    const center = from + (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inSize, Math.trunc(center + support + 0.5));
    const weights = Float64Array.from({ length: end - start }, (__, x) => filter.weigh((x + start - center + 0.5) / filterScale));
    const sum = weights.reduce((total, each) => total + each, 0);
    for (let i = 0; i < weights.length; i += 1) {
      if (sum !== 0) weights[i] /= sum;
      if (inBytes) weights[i] = Math.trunc(weights[i] * 2 ** PRECISION_BITS + (weights[i] < 0 ? -0.5 : 0.5));
    }
    return { start, weights };
  });
}

function filterLines(image, channels, places, across, inBytes) {
  const width = across ? places.length : image.width, height = across ? image.height : places.length;
  const data = inBytes ? new Uint8Array(width * height * channels) : new Float32Array(width * height * channels);
  const step = (across ? 1 : image.width) * channels;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const { start, weights } = places[across ? x : y];
      const origin = (across ? y * image.width + start : start * image.width + x) * channels;
      for (let c = 0; c < channels; c += 1) {
        let sum = inBytes ? 2 ** (PRECISION_BITS - 1) : 0;
        for (let i = 0, at = origin + c; i < weights.length; i += 1, at += step) sum += image.data[at] * weights[i];
        const to = (y * width + x) * channels + c;
        data[to] = inBytes ? Math.max(0, Math.min(255, Math.floor(sum / 2 ** PRECISION_BITS))) : sum;
      }
    }
  }
  return { data, width, height };
}
