"""A visitor without a browser: opens the classify page, sends photos as its page does, reads the answers."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import httpx

from server.wire import open_channel, pack, unpack

CHUNK = 2**20


class LightVisitor:
    """One page of the classify app."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=120)
        html = self.client.get("/classify").raise_for_status().text
        found = re.search(
            r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', html, re.S
        )
        assert found is not None
        self.kernel: str = json.loads(found[1])["kernelId"]
        self.socket = open_channel(url, self.kernel, max_size=None)
        self.numbers = 0
        self.uploader, self.classifier = self._find_widgets()

    def classify(self, photo: bytes) -> str:
        """Send a photo; the answer's title."""
        self.numbers += 1
        name = f"{self.numbers}-{uuid.uuid4().hex[:6]}.jpg"
        self._send(self.uploader, {"kind": "begin", "id": name, "name": name, "size": len(photo)})
        self._wait(
            lambda comm, data: comm == self.uploader and data.get("content", {}).get("kind") == "ready"
        )
        for offset in range(0, len(photo), CHUNK):
            chunk = {"kind": "chunk", "id": name, "offset": offset}
            self._send(self.uploader, chunk, photo[offset : offset + CHUNK])
        shown = self._wait(
            lambda comm, data: (
                comm == self.classifier and (data.get("state", {}).get("_shown") or {}).get("name") == name
            )
        )
        title: str = shown["state"]["_shown"]["answer"]["title"]
        return title

    def leave(self) -> None:
        """What a page does when it is closed."""
        self.socket.close()
        headers = {"X-XSRFToken": self.client.cookies["_xsrf"]}
        self.client.post(f"/voila/api/shutdown/{self.kernel}", headers=headers)
        self.client.close()

    def _find_widgets(self) -> tuple[str, str]:
        """The comms of the uploader and of the classifier that has it."""
        comm = uuid.uuid4().hex
        content = {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}}
        self.socket.send(pack("comm_open", content, metadata={"version": "1.0.0"}))
        self.socket.send(pack("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}}))
        states = self._wait(lambda found, data: found == comm and data.get("method") == "update_states")[
            "states"
        ]
        classifier, state = next(
            (key, each["state"]) for key, each in states.items() if "_knowledge" in each["state"]
        )
        return state["uploader"].removeprefix("anywidget:").removeprefix("IPY_MODEL_"), classifier

    def _send(self, comm: str, content: dict[str, Any], *buffers: bytes) -> None:
        self.socket.send(
            pack("comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": content}}, *buffers)
        )

    def _wait(self, wanted: Any) -> dict[str, Any]:
        while True:
            heard = unpack(self.socket.recv(timeout=120))
            data = heard.content.get("data", {})
            if heard.kind == "comm_msg" and wanted(heard.content["comm_id"], data):
                found: dict[str, Any] = data
                return found
