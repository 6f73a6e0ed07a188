// From a file to pixels, by the browser's own decoder, and to what is shown of it.

const SHOWN_PX = 1024, THUMB_PX = 176;
const MAX_PIXELS = 50e6, MAX_ASPECT = 200;
const MAX_CANVAS_PIXELS = 16e6; // more than this, and phones give an empty canvas

const OPENERS = [ // by content, never by name; what a browser cannot decode it refuses itself
  ["JPEG", [0xff, 0xd8, 0xff]], ["PNG", [0x89, 0x50, 0x4e, 0x47]], ["GIF", [0x47, 0x49, 0x46, 0x38]], ["BMP", [0x42, 0x4d]],
  ["WEBP", [0x52, 0x49, 0x46, 0x46]], ["AVIF", [null, null, null, null, 0x66, 0x74, 0x79, 0x70]],
  ["TIFF", [0x49, 0x49, 0x2a, 0x00]], ["TIFF", [0x4d, 0x4d, 0x00, 0x2a]],
];

class PhotoError extends Error {}

// Gives {data: RGB bytes, width, height, canvas}; throws a PhotoError whose message is a key of the strings.
async function openPhoto(file) {
  if (file.size === 0) throw new PhotoError("empty");
  const start = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  if (!OPENERS.some(([, magic]) => magic.every((byte, i) => byte === null || start[i] === byte))) throw new PhotoError("not_an_image");
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new PhotoError("not_decoded");
  }
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) throw new PhotoError("too_many_pixels");
  if (Math.max(width, height) > MAX_ASPECT * Math.min(width, height)) throw new PhotoError("bad_aspect");
  const shrink = Math.min(1, Math.sqrt(MAX_CANVAS_PIXELS / (width * height)));
  const canvas = paint(bitmap, Math.max(1, Math.round(width * shrink)), Math.max(1, Math.round(height * shrink)));
  bitmap.close();
  return { ...readPixels(canvas), canvas };
}

// What is transparent lies on white, as in fieldmark.images.
function paint(source, width, height, cut = [0, 0, source.width, source.height]) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(source, ...cut, 0, 0, width, height);
  return canvas;
}

function readPixels(canvas) {
  const { width, height } = canvas;
  const rgba = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    data[to] = rgba[from];
    data[to + 1] = rgba[from + 1];
    data[to + 2] = rgba[from + 2];
  }
  return { data, width, height };
}

// The picture as it is shown and its thumbnail, each encoded anew.
async function makePicture({ canvas }) {
  const { width, height } = canvas;
  const scale = Math.min(1, SHOWN_PX / Math.max(width, height));
  const shown = paint(canvas, Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  const side = Math.min(width, height);
  const square = paint(canvas, THUMB_PX, THUMB_PX, [(width - side) / 2, (height - side) / 2, side, side]);
  return { jpeg: await encode(shown, "image/jpeg", 0.85), thumb: await encode(square, "image/jpeg", 0.8), width: shown.width, height: shown.height };
}

function encode(canvas, type, quality) {
  return new Promise((resolve) => canvas.toBlob(resolve, type, quality));
}
