"""A real Chromium and a real `fieldmark serve`; without a Chromium these tests are skipped, each with that reason."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, sync_playwright
from skimage.data import chelsea

from browser.visit import SCREENSHOTS, Visit, launch, visit
from server.running import RunningServer, free_port, run

Visitor = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright.chromium)
        except Error as error:
            pytest.skip(f"no Chromium here: {error.message.splitlines()[0]}")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        yield browser
        browser.close()


def serve(model: Path) -> AbstractContextManager[RunningServer]:
    """What `make app` runs."""
    return run(
        [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--model", str(model)]
    )


@pytest.fixture(scope="session")
def site(chromium: Browser, cat_model: Path) -> Iterator[RunningServer]:
    with serve(cat_model) as server:
        yield server


@pytest.fixture
def visitor(chromium: Browser, site: RunningServer) -> Visitor:
    """A new visitor each time it is called, with a screen of some size."""
    return partial(visit, chromium, site.url)


@pytest.fixture(scope="session")
def cat() -> bytes:
    """Scikit-image's cat, as a camera would send it."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
