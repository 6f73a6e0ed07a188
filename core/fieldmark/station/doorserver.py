"""How requests come to the worker's door: HTTP on this computer, one thread for each."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from fieldmark.errors import FieldmarkError, StationError, StoreError
from fieldmark.station.spool import MAX_FILE_BYTES

if TYPE_CHECKING:
    from fieldmark.station.door import Door

MAX_DESK_BYTES = 64 * 1024
TIMEOUT_S = 30.0
"""For a slow sender: then its connection is closed."""

Answer = tuple[int, dict[str, Any]]
"""HTTP status and content."""


class DoorServer(ThreadingHTTPServer):
    """Listens on a free port of this computer, and asks the door."""

    daemon_threads = True

    def __init__(self, door: Door) -> None:
        """Listen; nothing is answered before `serve_forever`."""
        self.door = door
        super().__init__(("127.0.0.1", 0), DoorRequest)


class DoorRequest(BaseHTTPRequestHandler):
    """One request: a frame with its camera's token, or an act with the station's secret."""

    server: DoorServer
    timeout = TIMEOUT_S
    server_version, sys_version = "Fieldmark", ""

    def do_GET(self) -> None:
        """Say that it lives."""
        self._answer(200 if self.path == "/live" else 404, {"live": self.path == "/live"})

    def do_POST(self) -> None:
        """Do what is asked, or say why not."""
        try:
            self._answer(*self._post())
        except StoreError as error:
            self._answer(503, error_answer(error.code, str(error)))
        except FieldmarkError as error:
            self._answer(400, error_answer(error.code, str(error)))
        except TimeoutError:
            self.close_connection = True

    def _post(self) -> Answer:
        door, token = self.server.door, self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path.startswith("/frames/"):
            return door.take_frame(token, self.path.removeprefix("/frames/"), self._body(MAX_FILE_BYTES))
        if not hmac.compare_digest(token, door.secret):
            return 403, error_answer("no_token", "This needs the station's secret.")
        said = self._said()
        if self.path.startswith("/command/"):
            return 200, door.command(self.path.removeprefix("/command/"), said)
        return 200, door.at_desk(self.path.removeprefix("/desk/"), said)

    def _said(self) -> dict[str, Any]:
        try:
            said = json.loads(self._body(MAX_DESK_BYTES))
        except ValueError as exc:
            raise StationError("The request is no JSON.", code="bad_request") from exc
        return said if isinstance(said, dict) else {}

    def _body(self, limit: int) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > limit:
            self.close_connection = True
            raise StationError(
                f"A body of at most {limit} bytes with its length is needed.", code="too_large"
            )
        return self.rfile.read(int(length))

    def _answer(self, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base says so
        """Quiet: what matters is in the audit log."""


def error_answer(code: str, reason: str) -> dict[str, Any]:
    """What a refused request is told."""
    return {"error": {"code": code, "reason": reason}}
