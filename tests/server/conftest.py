from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from skimage.data import chelsea

from server.running import RunningServer, run_server, wait_for_model

TOKEN = "a-token-for-tests"


@pytest.fixture(scope="session")
def server(cat_model: Path) -> Iterator[RunningServer]:
    """The apps as anybody gets them."""
    with run_server(cat_model, private_apps=True, api_token=TOKEN) as running:
        yield running


@pytest.fixture
def visitor(server: RunningServer) -> Iterator[httpx.Client]:
    """A visitor's browser, as far as HTTP goes: it keeps its cookies."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture
def api(server: RunningServer) -> Iterator[httpx.Client]:
    """A program that has the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=f"{server.url}/fieldmark/api/v1", headers=headers, timeout=60) as client:
        wait_for_model(client)
        yield client


@pytest.fixture
def stranger(server: RunningServer) -> Iterator[httpx.Client]:
    """A program that has none."""
    with httpx.Client(base_url=f"{server.url}/fieldmark/api/v1", timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def cat_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    return buffer.getvalue()
