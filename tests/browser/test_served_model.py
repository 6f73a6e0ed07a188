"""Another model takes over while somebody is there."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect

from browser.conftest import serve
from browser.visit import visit
from fieldmark.pretrained import build_pretrained
from server.running import RunningServer


def answering(server: RunningServer, photo: bytes) -> str:
    """The model that answers just now."""
    asked = httpx.post(
        f"{server.url}/fieldmark/api/v1/classify", content=photo, headers={"Content-Type": "image/jpeg"}
    )
    sha256: str = asked.raise_for_status().json()["model_sha256"]
    return sha256


def test_a_page_that_is_open_answers_with_the_new_model(
    chromium: Browser, cat_model: Path, cat: bytes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(cat_model, tmp_path / "model.onnx"))
    build_pretrained({"coffee": ("espresso",)}, tmp_path / "coffee.onnx", rest="no coffee", title="Coffee")
    with serve(path) as server, visit(chromium, server.url) as guest:
        knows = guest.page.locator(".fm-knows")
        guest.open()
        expect(knows).to_contain_text("Cat, dog")
        before = answering(server, cat)
        (tmp_path / "coffee.onnx").replace(path)
        while answering(server, cat) == before:
            time.sleep(0.1)
        guest.drop(("cat.jpg", cat))
        guest.wait()
        expect(guest.page.locator(".fm-answer .fm-title")).to_have_text("No coffee")
        expect(knows).to_have_count(1)
        expect(knows).to_contain_text("Coffee")
