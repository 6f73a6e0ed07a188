"""The classify app as a visitor feels it: from the command to a page that answers, and from a photo to its answer.

    make bench-app                              (or: python tests/bench/bench_app.py)

A real `fieldmark serve`, a real Chromium, scikit-image's cat at 12 megapixels, as a phone takes it.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from PIL import Image
from playwright.sync_api import sync_playwright
from skimage.data import chelsea

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import Visit, launch, visit
from fieldmark.pretrained import build_demo
from server.running import free_port, run

PHOTOS = 10
STARTS = 3
PHOTO_PX = (4000, 3000)

# Measured in the page itself: from the drop to the first frame with the answer of that photo.
TIME = """(name) => new Promise((resolve) => {
  const start = performance.now();
  const watch = new MutationObserver(() => {
    const shown = document.querySelector(".fm-caption .fm-name")?.textContent === name;
    if (!shown || !document.querySelector(".fm-answer .fm-bars")) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  });
  watch.observe(document.querySelector(".fm-classifier"), { childList: true, subtree: true, characterData: true });
  const carried = new DataTransfer();
  carried.items.add(new File([window.photo], name));
  const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried });
  document.querySelector(".fm-uploader").dispatchEvent(drop);
})"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        model = Path(folder, "bears.onnx")
        build_demo(model)
        browser = launch(playwright.chromium)
        starts, answers = [], []
        for _ in range(STARTS):
            started = perf_counter()
            with run(command(model)) as server, visit(browser, server.url) as guest:
                guest.open()
                starts.append(perf_counter() - started)
                answers += time_answers(guest)
        browser.close()
    print(
        f"start to page: median {median(starts):.1f} s, worst {max(starts):.1f} s of {len(starts)} starts (goal 10)"
    )
    first = answers[::PHOTOS]
    print(
        f"photo dropped to answer on screen: median {median(answers):.2f} s, worst {max(answers):.2f} s of {len(answers)} (goal 1)"
    )
    print(f"the first photo of a page: median {median(first):.2f} s of {len(first)}")


def command(model: Path) -> list[str]:
    """What `make app` runs."""
    return [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--model", str(model)]


def time_answers(guest: Visit) -> list[float]:
    """Seconds for each photo."""
    photo = list(make_photo())
    guest.page.evaluate("(bytes) => { window.photo = new Uint8Array(bytes); }", photo)
    return [guest.page.evaluate(TIME, f"{number}.jpg") / 1000 for number in range(PHOTOS)]


def make_photo() -> bytes:
    """The cat as large as a phone would take it."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).resize(PHOTO_PX).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
