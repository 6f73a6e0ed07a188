from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.running import RunningServer, run_server


@pytest.fixture(scope="session")
def server(cat_model: Path) -> Iterator[RunningServer]:
    """The apps as anybody gets them."""
    with run_server(cat_model, private_apps=True) as running:
        yield running


@pytest.fixture
def visitor(server: RunningServer) -> Iterator[httpx.Client]:
    """A visitor's browser, as far as HTTP goes: it keeps its cookies."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client
