"""Takes the picture of the README: the running app with scikit-image's cat and a model that knows cats and dogs.

    python tests/browser/screenshots.py             writes docs/classify.png

The other pictures, of every state at both sizes, light and dark, are left in var/screenshots by the tests here.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright
from skimage.data import chelsea

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import launch, visit
from fieldmark.pretrained import build_pretrained
from server.running import free_port, run

PICTURE = Path(__file__).parents[2] / "docs" / "classify.png"
SIZE: ViewportSize = {"width": 1280, "height": 684}
COLOURS = 256
"""A photo among flat colours: so many keep it crisp, and a repository small."""

CLASSES = {
    "cat": ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat"),
    "dog": ("beagle", "pug", "golden retriever"),
}


def main() -> None:
    """Build the model, serve it, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        model = Path(folder, "cats.onnx")
        build_pretrained(CLASSES, model, rest="no animal")
        command = [
            sys.executable,
            "-m",
            "fieldmark",
            "serve",
            "--port",
            str(free_port()),
            "--model",
            str(model),
        ]
        browser = launch(playwright.chromium)
        with run(command) as server:
            content = take(browser, server.url)
        browser.close()
    PICTURE.parent.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    palette = picture.quantize(COLOURS)  # dithered in a second step: Pillow does it only to a given palette
    picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(PICTURE, optimize=True)


def take(browser: Browser, url: str) -> bytes:
    """The page with the answer on it, as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG", quality=95)
    with visit(browser, url, SIZE) as guest:
        guest.open()
        guest.drop(("chelsea.jpg", buffer.getvalue()))
        guest.wait()
        guest.wait_for_map()
        return guest.page.screenshot()


if __name__ == "__main__":
    main()
