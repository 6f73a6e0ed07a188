"""POST classify: photos in, answers out. The body is counted as it comes, and refused before it fills the memory."""

from __future__ import annotations

import asyncio
from typing import Any

from tornado import web
from tornado.ioloop import IOLoop

from fieldmark.errors import FieldmarkError
from fieldmark.prediction import Prediction
from fieldmark.service.answer import Answer, map_record, result_record
from fieldmark_server.photobody import PhotoFile, is_form, read_form, shown_name
from fieldmark_server.rest import SENTENCES, ApiError, ApiHandler

MAX_TOP_K = 1000
MIN_PROGRESS = 32 * 1024
"""Bytes that must have come in a third of the server's patience: 3 KB a second, less than the slowest phone sends."""
QUERY = frozenset({"top_k", "map", "label", "name", "token"})


@web.stream_request_body
class ClassifyHandler(ApiHandler):
    """Answers for the photos of one request, in their order."""

    open_to = "public"

    async def prepare(self) -> None:  # type: ignore[override]  # as in ApiHandler
        """Refuse what can be refused before any of the body is kept."""
        self._body = bytearray()
        self._reserved = self._received = self._seen = 0
        self._watch: object | None = None
        self._refusal: web.HTTPError | FieldmarkError | None = None
        self._content_type = self.request.headers.get("Content-Type", "")
        try:
            await super().prepare()
            if self.request.method == "POST":
                self._prepare_body()
        except (web.HTTPError, FieldmarkError) as error:
            # A client that is cut off while it sends never learns why. So what it sends is read and dropped, up to
            # twice what is taken; one that asks before it sends is told at once.
            is_upload = self.request.method == "POST" and "Expect" not in self.request.headers
            if not is_upload or self._announced() > 2 * self.backend.max_body:
                raise
            self._refusal = error
        self.request.connection.set_max_body_size(2 * self.backend.max_body)  # type: ignore[union-attr]
        self._watch = IOLoop.current().call_later(self.backend.patience_s / 3, self._check_pace)

    def _prepare_body(self) -> None:
        self._top_k, self._map_label, self._name = self._read_query()
        self._is_form = is_form(self._content_type)
        self._reserve(self._announced())

    def _announced(self) -> int:
        """Bytes of body that the client says it sends; 0 where it does not say."""
        length = self.request.headers.get("Content-Length", "0")[:18]
        return int(length) if length.isascii() and length.isdigit() else 0

    def data_received(self, chunk: bytes) -> None:
        """Keep a piece of the body, where there is room for it."""
        self._received += len(chunk)
        if self._refusal is not None:
            return
        try:
            self._reserve(self._received)
        except ApiError as error:
            self._refusal = error
            self._drop_body()
        else:
            self._body += chunk

    async def post(self) -> None:
        """Answer."""
        self._stop_watch()
        if self._refusal is not None:
            raise self._refusal
        photos = self._photos()
        service = self.backend.service
        futures = service.submit([photo.content for photo in photos], map_label=self._map_label)
        self._waiting = [asyncio.wrap_future(future) for future in futures]
        answers = [_known(answer) for answer in await asyncio.gather(*self._waiting, return_exceptions=True)]
        records = [self._record(photo, answer) for photo, answer in zip(photos, answers, strict=True)]
        self.send({"model_sha256": answers[0].sha256, "results": records})

    def on_connection_close(self) -> None:
        """Whoever has gone waits for nothing any more."""
        for waiting in getattr(self, "_waiting", ()):
            waiting.cancel()
        self._release()
        super().on_connection_close()

    def on_finish(self) -> None:
        """Give back what was held."""
        self._release()
        super().on_finish()

    # --- The parts ---

    def _read_query(self) -> tuple[int | None, str | None, str]:
        """What is asked for: how many probabilities, which map, and the photo's name.

        Raises:
            ApiError: it is none of what can be asked for.
        """
        if unknown := self.request.arguments.keys() - QUERY:
            raise ApiError(400, "bad_parameter", f"There is no parameter {sorted(unknown)[0][:40]!r}.")
        top_k, wants_map = self._argument("top_k"), self._argument("map") or "false"
        if top_k is not None and not (
            top_k.isascii() and top_k.isdigit() and 1 <= int(top_k[:9]) <= MAX_TOP_K
        ):
            raise ApiError(400, "bad_parameter", f"top_k is a whole number from 1 to {MAX_TOP_K}.")
        if wants_map not in ("true", "false"):
            raise ApiError(400, "bad_parameter", "map is true or false.")
        label = self._argument("label") or ""
        return (
            int(top_k) if top_k is not None else None,
            label if wants_map == "true" else None,
            shown_name(self._argument("name") or "photo"),
        )

    def _argument(self, name: str) -> str | None:
        try:
            values = self.get_query_arguments(name)
        except web.HTTPError as error:  # not UTF-8
            raise ApiError(400, "bad_parameter", f"{name} is not text.") from error
        if len(values) > 1:
            raise ApiError(400, "bad_parameter", f"{name} is given more than once.")
        return values[0] if values else None

    def _reserve(self, n: int) -> None:
        """Make sure that `n` bytes of body have their place in memory.

        Raises:
            ApiError: that is more than one request may have (413), or than is left of all (503).
        """
        if n > self.backend.max_body:
            raise ApiError(413, *SENTENCES[413])
        if n > self._reserved:
            if not self.backend.budget.take(n - self._reserved):
                self.set_header("Retry-After", "1")
                raise ApiError(503, "busy", "Many photos are on their way just now. Try again in a moment.")
            self._reserved = n

    def _release(self) -> None:
        self._stop_watch()
        self._drop_body()

    def _drop_body(self) -> None:
        self.backend.budget.give(self._reserved)
        self._reserved = 0
        self._body = bytearray()

    def _stop_watch(self) -> None:
        if self._watch is not None:
            IOLoop.current().remove_timeout(self._watch)
            self._watch = None

    def _check_pace(self) -> None:
        """Hang up on who sends a byte now and then, to keep a place for long."""
        if self._received - self._seen < MIN_PROGRESS:
            self._watch = None
            self.send_error(408)
            self.request.connection.stream.close()  # type: ignore[union-attr]
        else:
            self._seen = self._received
            self._watch = IOLoop.current().call_later(self.backend.patience_s / 3, self._check_pace)

    def _photos(self) -> list[PhotoFile]:
        body = bytes(self._body)
        self._body = bytearray()
        if self._is_form:
            return read_form(self._content_type, body)
        return [PhotoFile(self._name, body)]

    def _record(self, photo: PhotoFile, answer: Answer) -> dict[str, Any]:
        record = result_record(answer.result)
        if isinstance(answer.result, Prediction) and self._top_k is not None:
            ranked = sorted(record["probs"].items(), key=lambda pair: -pair[1])
            record["probs"] = dict(ranked[: self._top_k])
        if answer.map is not None:
            record["map"] = map_record(answer.map)
        return {"name": photo.name, **record}


def _known(answer: Answer | BaseException) -> Answer:
    if isinstance(answer, BaseException):
        raise answer
    return answer
