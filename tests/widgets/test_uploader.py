from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest_widgets import receive, sent

from fieldmark.errors import FieldmarkError
from fieldmark_widgets import Uploader
from fieldmark_widgets.transfer import MIB

CHUNK = 1024 * 1024


def send_file(uploader: Uploader, name: str, content: bytes, *, key: str = "k") -> None:
    """As uploader.js does it: announce, wait to be let in, then piece by piece."""
    receive(uploader, {"kind": "begin", "id": key, "name": name, "size": len(content)})
    if {"kind": "ready", "id": key} not in sent(uploader):
        return
    for offset in range(0, len(content), CHUNK):
        receive(uploader, {"kind": "chunk", "id": key, "offset": offset}, content[offset : offset + CHUNK])


def refusals(uploader: Uploader) -> list[str]:
    return [message["reason"] for message in sent(uploader) if message["kind"] == "refused"]
