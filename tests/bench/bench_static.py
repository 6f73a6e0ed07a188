"""How far the page of `share --static` is from `fieldmark predict`, photo by photo, each from the same file, and how quick.

    make bench-static                           (some minutes; needs a Chromium and the photos of ../shared/data/bears)
    python tests/bench/bench_static.py likeness | speed

The network is the same to 0.001 (tests/browser/test_static_page.py); what differs is decoding: Fieldmark decodes a
JPEG at the size that it needs, a browser decodes all of it and then shrinks. So the photos are also answered here from
pixels that Pillow decoded in full, which says how much of the difference is that. The demo model, in f32 on both sides.
Speed: answers of the page with the backbone in 8 bits and in float32, in turns, without decoding.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import launch
from fieldmark.backbones import EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_8BIT
from fieldmark.prediction import Prediction
from fieldmark.predictor import Predictor
from fieldmark.pretrained import DEMO_CLASSES, build_demo, build_pretrained
from fieldmark.stats import wilson
from fieldmark_share import write_page

BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"
PHOTOS = 200 if os.environ.get("FULL") else 60

ANSWER = """async (letters) => {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const photo = await window.fieldmark.openPhoto(new File([bytes], "photo"));
  const predictor = await window.fieldmark.predictor;
  const start = performance.now();
  const { label, probs, verdict } = await predictor.predict(photo);
  return { label, probs, verdict, taken_ms: performance.now() - start };
}"""


def main() -> None:
    """Measure and print."""
    if not BEARS.is_dir():
        raise SystemExit("The photos of ../shared/data/bears are not here.")
    photos = choose(sorted(path for path in BEARS.rglob("*") if path.is_file()))
    parts = {"likeness": likeness, "speed": speed}
    for part in sys.argv[1:] or parts:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, browser() as opened:
            parts[part](Path(name), opened, photos)


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium that is closed again."""
    with sync_playwright() as playwright:
        opened = launch(playwright.chromium)
        yield opened
        opened.close()


def likeness(work: Path, opened: Browser, photos: list[Path]) -> None:
    """Compare the page with `predict`."""
    model = work / "bears.onnx"
    build_demo(model)
    compare(Predictor.load(model, precision="f32"), page_of(model, opened), photos)


def speed(work: Path, opened: Browser, photos: list[Path]) -> None:
    """Time the page's answers with either backbone, in turns."""
    pages = {}
    for arch in (EFFICIENTNET_LITE0.name, EFFICIENTNET_LITE0_8BIT.name):
        build_pretrained(DEMO_CLASSES, work / f"{arch}.onnx", arch=arch)
        pages[arch] = page_of(work / f"{arch}.onnx", opened)
    taken: dict[str, list[float]] = {arch: [] for arch in pages}
    for path in photos[:20]:
        letters = base64.b64encode(path.read_bytes()).decode()
        for arch, page in pages.items():
            taken[arch].append(page.evaluate(ANSWER, letters)["taken_ms"])
    for arch, found in taken.items():
        print(f"{arch}: median {np.median(found):.0f} ms an answer, of {len(found)}")


def page_of(model: Path, opened: Browser) -> Page:
    """Export the page of a model and open it."""
    folder = model.with_suffix("")
    write_page(model, folder)
    page = opened.new_page()
    page.goto((folder / "index.html").as_uri())
    page.locator("[data-model=ready]").wait_for(timeout=180_000)
    return page


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
