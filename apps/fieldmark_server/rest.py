"""The REST API: who may ask, and every answer and every error in one shape. Shared by both adapters.

An error is {"error": {"code", "reason", "request_id"}}: a word for programs, a sentence for people, and a number
that is in the server's log too.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from jupyter_server.base.handlers import JupyterHandler
from tornado import httputil, web

from fieldmark.account import Role
from fieldmark.errors import FieldmarkError
from fieldmark.service.answer import facts_record
from fieldmark.service.waiting import stopping
from fieldmark_server.accounts import account_of
from fieldmark_server.backend import Backend

log = logging.getLogger("fieldmark.server")

STATUS = {
    "busy": 503, "lost": 503, "starting": 503, "down": 503, "stopping": 503, "too_late": 504,
    "no_dataset": 404, "no_model": 503, "bad_model": 503, "selftest": 503, "newer_format": 503,
}  # fmt: skip
"""How an error of the service is said in HTTP."""
RETRY_AFTER_S = {"busy": 1, "lost": 2, "starting": 2, "down": 60, "stopping": 60}

SENTENCES = {
    400: ("bad_request", "The request cannot be understood."),
    403: ("forbidden", "A token is needed: send it as “Authorization: Bearer TOKEN”."),
    404: ("not_found", "There is no such address here."),
    405: ("method_not_allowed", "This address does not take that method."),
    408: ("too_slow", "The request came too slowly, and was not waited for."),
    413: ("too_large", "The request is larger than this server takes."),
}
TOKEN_HEADER = re.compile(r"(?:bearer|token)\s+(\S+)\s*", re.IGNORECASE)


class ApiError(web.HTTPError):
    """What the client can mend, with its code and sentence."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(status)
        self.code, self.sentence = code, reason


class ApiHandler(JupyterHandler):
    """Base of every route of the API."""

    open_to: ClassVar[str] = "token"
    """`everybody`; `public`, which is everybody on a public server; or only who has a `token` or is logged in."""

    def initialize(self, backend: Backend) -> None:
        """Take what the server shares."""
        self.backend = backend
        self.request_id = secrets.token_hex(6)

    def set_default_headers(self) -> None:
        """What every answer carries."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    async def prepare(self) -> None:  # type: ignore[override]  # answers by itself instead of a login page
        """Refuse whoever may not ask, before anything of the body is read."""
        self.set_header("X-Request-ID", self.request_id)
        self.backend.active.add(self.request_id)
        if self.backend.draining.is_set() and self.open_to != "everybody":
            raise stopping()
        self.current_user = self._jupyter_current_user = None
        if not self.check_host():
            raise ApiError(403, "foreign_host", "This server does not go by that name.")
        if not self._is_of_this_site():
            raise ApiError(403, "foreign_origin", "Pages of other sites cannot use this server.")
        if self.open_to != "everybody" and not await self._is_allowed():
            raise ApiError(403, *SENTENCES[403])

    def _is_of_this_site(self) -> bool:
        """Whether a browser sends this from a page of ours, or no browser does."""
        origin = self.request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc.lower() == self.request.host.lower()

    async def _is_allowed(self) -> bool:
        found = TOKEN_HEADER.fullmatch(self.request.headers.get("Authorization", ""))
        if found and self.backend.opens(found[1]):
            return True
        if getattr(self.identity_provider, "auth_enabled", True):
            user = self.identity_provider.get_user(self)
            self.current_user = self._jupyter_current_user = (
                await user if isinstance(user, Awaitable) else user
            )
            if self.current_user is not None:
                if self.request.method not in ("GET", "HEAD"):
                    self.check_xsrf_cookie()  # nothing where a token was sent
                return True
        # A wrong token is never as good as none.
        return (
            self.open_to == "public" and self.backend.public and "Authorization" not in self.request.headers
        )

    def refuse_below(self, least: Role) -> None:
        """Refuse somebody whose account may not do this; whoever has the token may."""
        who = account_of(self)
        if who is not None and not who.may(least):
            raise ApiError(
                403, "forbidden", f"This takes an account that is {least} at least; yours is {who.role}."
            )

    def check_xsrf_cookie(self) -> None:
        """Leave it to `_is_allowed`: tornado asks before anybody is known."""
        if getattr(self, "_jupyter_current_user", None) is not None:
            super().check_xsrf_cookie()

    def send(self, content: Mapping[str, Any], status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.finish(json.dumps(content, ensure_ascii=False, allow_nan=False))

    def write_error(self, status_code: int, **facts: Any) -> None:
        """Say what went wrong, in the one shape; what nobody foresaw is in the log under the same number."""
        error = facts.get("exc_info", (None, None, None))[1]
        code, reason = SENTENCES.get(
            status_code, ("failed", "Something unexpected happened; it is in the log.")
        )
        if isinstance(error, ApiError):
            code, reason = error.code, error.sentence
        elif isinstance(error, FieldmarkError):
            code, reason = error.code, str(error)
            status_code = STATUS.get(code, 400)
            if code in RETRY_AFTER_S:
                self.set_header("Retry-After", str(RETRY_AFTER_S[code]))
        self.set_header("X-Request-ID", self.request_id)
        self.send({"error": {"code": code, "reason": reason, "request_id": self.request_id}}, status_code)

    def on_finish(self) -> None:
        """It is no longer being answered."""
        self.backend.active.discard(self.request_id)

    def on_connection_close(self) -> None:
        """Nor is one whose client has gone."""
        self.backend.active.discard(self.request_id)

    def log_exception(self, kind: Any, value: Any, trace: Any) -> None:
        """Log what nobody foresaw; a refusal is no news."""
        if not isinstance(value, web.HTTPError | FieldmarkError):
            log.error("Request %s failed", self.request_id, exc_info=(kind, value, trace))


class MissingRoute(ApiHandler):
    """Answers for every address below the API that is not there."""

    def _missing(self, *_: str) -> None:
        raise web.HTTPError(404)

    get = post = put = patch = delete = head = options = _missing


class LiveHandler(ApiHandler):
    """Whether the server is up at all: for whoever starts it again when it is not."""

    open_to = "everybody"

    def get(self) -> None:
        """Say so."""
        self.send({"status": "live"})


class ReadyHandler(ApiHandler):
    """Whether photos are answered, by which model, and how many are waiting."""

    def get(self) -> None:
        """Say so; 503 while no model answers."""
        state = self.backend.service.state()
        self.send(state, 200 if state["ready"] else 503)


class ModelsHandler(ApiHandler):
    """The models that answer; one, for now."""

    def get(self) -> None:
        """Describe them."""
        self.send({"models": [facts_record(self.backend.service.model())]})


class MetricsHandler(ApiHandler):
    """Numbers for Prometheus."""

    def get(self) -> None:
        """Give them."""
        state = self.backend.service.state()
        text = self.backend.service.metrics.text(
            ready=float(state["ready"]), photos_waiting=state["waiting"], photos_in_flight=state["in_flight"]
        )
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.finish(text)


def log_request(handler: web.RequestHandler) -> None:
    """Write a line for what went wrong here, with its number, and none for what went well."""
    if handler.get_status() >= 500 and handler.get_status() not in (503, 504):
        number = getattr(handler, "request_id", "-")
        request: httputil.HTTPServerRequest = handler.request
        log.error("%d %s %s (request %s)", handler.get_status(), request.method, request.path, number)
