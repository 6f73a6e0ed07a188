"""Takes the pictures of the README from the running apps, on photographs that are CC0.

    python tests/browser/screenshots.py             writes docs/classify.png and docs/studio-*.png

The classify app shows scikit-image's cat, the studio Fieldmark's sample. Pictures of every state at both sizes, light
and dark, are left in var/screenshots by the tests here.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from skimage.data import chelsea

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import Visit, launch, visit
from core.photosource import photo_source, sample_offers
from fieldmark.pretrained import build_pretrained
from fieldmark.sources.sample import write_sample
from fieldmark.station.simulate import simulate
from server.running import free_port, run

DOCS = Path(__file__).parents[2] / "docs"
SIZE: ViewportSize = {"width": 1280, "height": 684}
COLOURS = 256
"""A photo among flat colours: so many keep it crisp, and a repository small."""

CLASSES = {
    "cat": ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
    "dog": ("beagle", "pug", "golden retriever"),
}


def main() -> None:
    """Build the model, serve it, and take the pictures."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        begin = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=9)
        simulate(Path(home, "station"), days=9, cameras=4, seed=1, begin=begin)
        build_pretrained(CLASSES, Path(home, "models", "bears.onnx"), rest="no animal")
        command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
        browser = launch(playwright.chromium)
        unlabelled = write_sample(Path(home, "photos"), mislabelled=False) / "train"
        with (
            photo_source(sample_offers(), latency_s=0.02) as source,
            run(command, FIELDMARK_HOME=home, FIELDMARK_OPENVERSE_URL=f"{source.url}/openverse/v1") as server,
            watching(Path(home, "station")),
        ):
            for name, picture in take_all(browser, server.url, unlabelled):
                save(picture, DOCS / f"{name}.png")
        browser.close()


@contextmanager
def watching(station: Path) -> Iterator[None]:
    """A worker beside the dashboard."""
    model = str(station / "cats.onnx")
    process = Popen([sys.executable, "-m", "fieldmark", "station", "run", str(station), "--model", model])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def take_all(browser: Browser, url: str, unlabelled: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each picture."""
    with visit(browser, url, SIZE) as guest:
        yield "classify", take_classify(guest)
        guest.open("/monitor")
        guest.page.locator(".fm-monitor-name").fill("Kari", timeout=60_000)
        guest.page.locator(".fm-monitor-stopped", has_text="worker").wait_for(state="hidden", timeout=60_000)
        guest.page.set_viewport_size({"width": 1280, "height": 1000})
        yield "monitor", _shot(guest, ".fm-monitor-stage img[src]")
        guest.page.set_viewport_size(SIZE)
        yield from take_studio(guest)
        yield "studio-collect", take_collect(guest)
        yield "studio-label", take_label(guest, unlabelled)


def take_classify(guest: Visit) -> bytes:
    """The classify app with the answer on it."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG", quality=95)
    guest.open()
    guest.drop(("chelsea.jpg", buffer.getvalue()))
    guest.wait()
    guest.wait_for_map()
    return guest.page.screenshot()


def take_studio(guest: Visit) -> Iterator[tuple[str, bytes]]:
    """Every step of the studio, on the sample."""
    page = guest.page
    guest.open("/studio")
    page.get_by_role("button", name="Try the sample").click(timeout=60_000)
    yield "studio-photos", _shot(guest, ".fm-importer .fm-cell img")
    page.locator("[data-step=check]").click()
    yield "studio-check", _shot(guest, ".fm-checker-found .fm-title")
    page.locator("[data-step=train]").click()
    page.locator(".fm-trainer-go").click()
    yield "studio-train", _shot(guest, ".fm-trainer-headline")
    page.locator("[data-step=results]").click()
    page.locator(".fm-cm-cell.is-wrong").first.click(timeout=60_000)
    yield "studio-results", _shot(guest, ".fm-results .fm-cell img")
    page.locator("[data-step=clean]").click()
    page.locator(".fm-cleaner-photos .fm-cell img").first.wait_for(timeout=60_000)
    page.locator(".fm-cleaner-photos .fm-grid").focus()
    page.keyboard.press("a")
    yield "studio-clean", _shot(guest, ".fm-cleaner-photos .fm-cell-tag:visible")
    page.keyboard.press("Backspace")
    page.locator("[data-step=export]").click()
    page.get_by_role("button", name="Save the model").click()
    yield "studio-export", _shot(guest, ".fm-exporter-model")


def take_collect(guest: Visit) -> bytes:
    """The collector with what came, from a server here that speaks Openverse's protocol."""
    page = guest.page
    page.locator("[data-step=photos]").click()
    page.get_by_role("button", name="New dataset").click()
    for number, term in enumerate(("brick", "grass", "gravel"), 1):
        page.get_by_label(f"What to look for, no. {number}").fill(term)
    page.get_by_label("Photos of each").fill("40")
    page.get_by_role("button", name="Collect", exact=True).click()
    page.locator(".fm-collector-result").wait_for(timeout=90_000)
    return _shot(guest, ".fm-importer-gallery .fm-cell img")


def take_label(guest: Visit, unlabelled: Path) -> bytes:
    """The labeller when it has begun to suggest."""
    page = guest.page
    page.get_by_role("button", name="New dataset").click()
    importer = page.locator(".fm-importer-source", has_text="Which photos do you want to tell apart?")
    importer.get_by_label("Folder, zip or CSV").fill(str(unlabelled))
    importer.get_by_text("Labels, name, a sealed test").click()
    importer.get_by_label("nowhere: take all without a label").check()
    importer.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("button", name="Label them").click(timeout=60_000)
    page.locator(".fm-labeller.is-ready .fm-cell img").first.wait_for(timeout=60_000)
    target = page.locator(".fm-labeller .fm-cleaner-target")
    target.filter(has_text="-train-").wait_for(timeout=60_000)
    page.locator(".fm-labeller .fm-cleaner-photos .fm-grid").focus()
    for left in range(119, 99, -1):
        shown = target.filter(has_text="-train-").inner_text()
        said = next(name for name in ("brick", "grass", "gravel") if f"{name}-" in shown)
        page.keyboard.press("/")
        page.keyboard.type(said)
        page.keyboard.press("Enter")
        page.get_by_text(f"{left} photos wait for a label").wait_for()
    page.get_by_text("Probably").wait_for(timeout=60_000)
    page.locator(".fm-labeller .fm-cleaner-photos .fm-grid").focus()
    for _ in range(3):
        page.keyboard.press("Enter")
    return _shot(guest, ".fm-labeller .fm-cell-tag:visible")


def _shot(guest: Visit, there: str) -> bytes:
    """The screen once something is there and its pictures are."""
    guest.page.locator(there).first.wait_for(timeout=60_000)
    guest.page.wait_for_timeout(1500)
    guest.page.evaluate("window.scrollTo(0, 0)")
    return guest.page.screenshot()


def save(content: bytes, path: Path) -> None:
    """Write a picture in few colours, which a page of text and some photos hardly shows."""
    path.parent.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    palette = picture.quantize(COLOURS)  # dithered in a second step: Pillow does it only to a given palette
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


if __name__ == "__main__":
    main()
