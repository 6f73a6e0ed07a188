"""How far the page of `share --static` is from `fieldmark predict`, photo by photo, each from the same file.

    make bench-static                           (some minutes; needs a Chromium and the photos of ../shared/data/bears)

The network is the same to 0.001 (tests/browser/test_static_page.py); what differs is decoding: Fieldmark decodes a
JPEG at the size that it needs, a browser decodes all of it and then shrinks. So the photos are also answered here from
pixels that Pillow decoded in full, which says how much of the difference is that. The demo model, in f32 on both sides.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import launch
from fieldmark.prediction import Prediction
from fieldmark.predictor import Predictor
from fieldmark.pretrained import build_demo
from fieldmark.stats import wilson
from fieldmark_share import write_page

BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"
PHOTOS = 200 if os.environ.get("FULL") else 60

ANSWER = """async (letters) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const photo = await window.fieldmark.openPhoto(new File([bytes], "photo"));
  const { label, probs, verdict } = await (await window.fieldmark.predictor).predict(photo);
  return { label, probs, verdict };
}"""


def main() -> None:
    """Compare and print."""
    if not BEARS.is_dir():
        raise SystemExit("The photos of ../shared/data/bears are not here.")
    photos = choose(sorted(path for path in BEARS.rglob("*") if path.is_file()))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        model = Path(name, "bears.onnx")
        build_demo(model)
        write_page(model, Path(name, "page"))
        browser = launch(playwright.chromium)
        page = browser.new_page()
        page.goto(Path(name, "page", "index.html").as_uri())
        page.locator("[data-model=ready]").wait_for(timeout=180_000)
        compare(Predictor.load(model, precision="f32"), page, photos)
        browser.close()


def choose(found: list[Path]) -> list[Path]:
    """Some of all, evenly."""
    return [found[i] for i in np.linspace(0, len(found) - 1, min(PHOTOS, len(found))).astype(int)]


def compare(predictor: Predictor, page: Page, photos: list[Path]) -> None:
    """Answer each photo three times."""
    apart: dict[str, list[float]] = {"from the same file": [], "from pixels decoded in full": []}
    label = verdict = n = 0
    for path in photos:
        content = path.read_bytes()
        ours, full = predictor.predict([content, decode_in_full(content)])
        if not isinstance(ours, Prediction) or not isinstance(full, Prediction):
            continue
        n += 1
        theirs = page.evaluate(ANSWER, base64.b64encode(content).decode())
        label += theirs["label"] == ours.label
        verdict += theirs["verdict"] == ours.verdict
        for mine, differences in zip((ours, full), apart.values(), strict=True):
            probs = np.array([mine.probs[each] for each in predictor.vocab])
            differences.append(float(np.abs(probs - np.array(theirs["probs"])).max()))
    for what, found in apart.items():
        middle, most, worst = np.quantile(found, [0.5, 0.95, 1.0])
        print(
            f"{what}: largest difference of a probability, median {middle:.4f}, 95 of 100 below {most:.4f}, worst {worst:.4f} of {n}"
        )
    for what, same in (("label", label), ("verdict", verdict)):
        low, high = wilson(same, n)
        print(f"same {what}: {same} of {n} ({100 * same / n:.0f} %, 95 % {100 * low:.0f}–{100 * high:.0f})")


def decode_in_full(content: bytes) -> bytes:
    """The photo as a PNG, of all its pixels."""
    buffer = io.BytesIO()
    ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB").save(
        buffer, "PNG", compress_level=1
    )
    return buffer.getvalue()


if __name__ == "__main__":
    main()
