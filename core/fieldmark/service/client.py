"""Asks a service over HTTP, with the face of a Predictor: for kernels, which then hold no model of their own.

The server tells its kernels where its service is and which model files it answers with, in FIELDMARK_SERVICE,
_SERVICE_TOKEN and _SERVICE_MODELS. Where nothing is announced, or another file is asked for, the model is loaded here:
the same interface, so that a component works in anybody's notebook.
"""

from __future__ import annotations

import json
import os
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from fieldmark.errors import FieldmarkError, ModelFileError, ServiceError
from fieldmark.modelfile import ModelCard
from fieldmark.prediction import ActivationMap, Failure, Prediction
from fieldmark.service.answer import ModelFacts, read_facts, read_map, read_result

ADDRESS, TOKEN, MODELS = "FIELDMARK_SERVICE", "FIELDMARK_SERVICE_TOKEN", "FIELDMARK_SERVICE_MODELS"
TIMEOUT_S = 40.0
"""Of one request; the service gives up by itself after 30."""
PATIENCE_S = 30.0
"""For how long a photo is offered again to a service that is busy, or whose worker is being started again."""
MODEL_CODES = frozenset({"no_model", "bad_model", "selftest", "newer_format", "missing"})


class Answering(Protocol):
    """What a component needs of a model: a Predictor, or one that a service holds."""

    sha256: str

    @property
    def vocab(self) -> tuple[str, ...]:
        """The class names."""

    @property
    def card(self) -> ModelCard:
        """What this model is."""

    def predict(self, photos: Sequence[bytes], /) -> list[Prediction | Failure]:
        """Answer for each photo, in order; a bad one is a Failure in its place."""

    def explain(self, photo: bytes, label: str, /) -> ActivationMap | None:
        """Where the evidence for a class lies; None where another model answers by now."""

    def predict_and_explain(self, photo: bytes, /) -> tuple[Prediction | Failure, ActivationMap | None]:
        """The answer, and where the evidence for it lies, in one pass; a bad photo has no map."""


class ModelSource(Protocol):
    """Where the model comes from that answers just now."""

    def newest(self) -> Answering:
        """The model to answer with; it may be another than the last time."""

    def known(self) -> Answering:
        """The same for every photo: without asking, as long as nothing says that it is another by now."""


class ServiceModel:
    """A model that a service holds."""

    def __init__(self, service: RemoteService, facts: ModelFacts) -> None:
        self._service = service
        self.sha256, self.vocab, self.card = facts.sha256, facts.vocab, facts.card
        self.is_replaced = False
        """Whether what was asked last was answered by another model."""

    def predict(self, photos: Sequence[bytes], /) -> list[Prediction | Failure]:
        """Answer for each photo, in order; a bad one is a Failure in its place.

        Raises:
            ServiceError: the service does not answer.
        """
        return [read_result(self._ask(photo)) for photo in photos]

    def explain(self, photo: bytes, label: str, /) -> ActivationMap | None:
        """Where the evidence for a class lies; None where another model answers by now."""
        drawn = self._ask(photo, f"?map=true&label={quote(label, safe='')}").get("map")
        return read_map(drawn) if drawn and not self.is_replaced else None

    def predict_and_explain(self, photo: bytes, /) -> tuple[Prediction | Failure, ActivationMap | None]:
        """The answer, and where the evidence for it lies, in one request; a bad photo has no map.

        Raises:
            ServiceError: the service does not answer.
        """
        record = self._ask(photo, "?map=true")
        drawn = record.get("map")
        return read_result(record), read_map(drawn) if drawn else None

    def _ask(self, photo: bytes, query: str = "") -> dict[str, Any]:
        answer = self._service.ask("POST", f"classify{query}", photo)
        self.is_replaced = answer["model_sha256"] != self.sha256
        record: dict[str, Any] = answer["results"][0]
        return record


class RemoteService:
    """A service at an address. Its connection is kept from one question to the next, for as long as the server does."""

    def __init__(self, address: str, token: str) -> None:
        """Take where it is, such as `http://127.0.0.1:8866/fieldmark/api/v1`, and what opens it."""
        self._address, self._token = urlsplit(address), token
        self._model: ServiceModel | None = None
        self._idle: deque[HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def newest(self) -> ServiceModel:
        """The model that answers now; while the service does not say, the one that answered before.

        Raises:
            FieldmarkError: it has not said since this was made, and why.
        """
        try:
            facts = read_facts(self.ask("GET", "models")["models"][0])
        except ServiceError:
            if self._model is None:
                raise
            return self._model  # a photo then says in its place what is the matter
        if self._model is None or self._model.sha256 != facts.sha256:
            self._model = ServiceModel(self, facts)
        return self._model

    def known(self) -> ServiceModel:
        """The model that answered last; asked for anew where it was another than was thought."""
        if self._model is None or self._model.is_replaced:
            return self.newest()
        return self._model

    def ask(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Ask once, and again while the service is busy.

        Raises:
            FieldmarkError: what the service says of it.
        """
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._ask_once(method, path, body)
            except ServiceError as error:
                if error.code not in ("busy", "lost", "starting") or time.monotonic() > end:
                    raise
                time.sleep(0.25)

    def _ask_once(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        try:
            status, content = self._exchange(method, path, body)
        except (OSError, HTTPException, ValueError) as error:
            raise ServiceError("The server does not answer. Reload the page.", code="unreachable") from error
        if status == 200:
            return content
        problem = content.get("error", {})
        raise as_error(str(problem.get("code")), str(problem.get("reason")))

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
        """Status and content, over the kept connection; over a new one where the server has closed that."""
        with suppress(IndexError, ConnectionError):
            return self._over(self._idle.pop(), method, path, body)
        new = HTTPConnection(self._address.hostname or "", self._address.port, timeout=TIMEOUT_S)
        return self._over(new, method, path, body)

    def _over(
        self, connection: HTTPConnection, method: str, path: str, body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/octet-stream"}
        try:
            connection.request(method, f"{self._address.path}/{path}", body, headers)
            answer = connection.getresponse()
            content: dict[str, Any] = json.loads(answer.read())
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return answer.status, content


def _close_all(connections: deque[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def as_error(code: str, reason: str) -> FieldmarkError:
    """Make what a service said an error again."""
    return (ModelFileError if code in MODEL_CODES else ServiceError)(reason, code=code)


def announce(address: str, token: str, models: Sequence[Path]) -> dict[str, str]:
    """What a server puts into the environment of its kernels; `models` are those of its service, in order."""
    return {ADDRESS: address, TOKEN: token, MODELS: _as_text(models)}


def find_model(paths: Sequence[Path], environment: Mapping[str, str]) -> ModelSource:
    """The first of `paths` that is there: from the service that was announced for them, or else loaded here.

    Raises:
        ModelFileError: there is none (`no_model`), or it is refused.
    """
    if (address := environment.get(ADDRESS)) and environment.get(MODELS) == _as_text(paths):
        service = RemoteService(address, environment.get(TOKEN, ""))
        service.newest()  # says at once whether there is a model
        return service
    from fieldmark.models.servedmodel import ServedModel  # the engine takes 100 MB, and is needed only here

    return ServedModel(*paths)


def _as_text(models: Sequence[Path]) -> str:
    return os.pathsep.join(str(path.resolve()) for path in models)
