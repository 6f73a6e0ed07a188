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
from playwright.sync_api import Browser, Error, expect, sync_playwright
from skimage.data import chelsea

from browser.visit import SCREENSHOTS, Visit, launch, visit
from server.running import RunningServer, free_port, run

HERE = Path(__file__).parent

expect.set_options(timeout=30_000)  # Playwright's own five seconds are few on a full machine

Visitor = Callable[..., AbstractContextManager[Visit]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A journey through a real browser may lose against a full machine once; the summary names each that did."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for one file of tests: while Playwright is open its event loop runs in this thread, which tests
    elsewhere that run a loop of their own (a notebook's kernel) would wait for without end.
    """
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
def site(cat_model: Path) -> Iterator[RunningServer]:
    with serve(cat_model) as server:
        yield server


@pytest.fixture
def visitor(chromium: Browser, request: pytest.FixtureRequest) -> Visitor:
    """A new visitor each time it is called, with a screen of some size."""
    site: RunningServer = request.getfixturevalue("site")  # only now: not where there is no Chromium
    return partial(visit, chromium, site.url)


@pytest.fixture(scope="session")
def cat() -> bytes:
    """Scikit-image's cat, as a camera would send it."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
