"""The service: photos of many visitors to one model, in a process that is started again when it dies.

Photos that come while the model is busy are answered together (micro-batches); who waits too long, or whom the
queue has no room for, is told so. A worker that keeps dying is left alone for a while (a breaker).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from fieldmark.errors import FieldmarkError, ServiceError
from fieldmark.service.answer import Answer, ModelFacts, read_facts, read_map, read_result
from fieldmark.service.client import as_error
from fieldmark.service.frames import Frame
from fieldmark.service.metrics import Metrics
from fieldmark.service.waiting import Item, WaitingRoom, settle, stopping, too_late
from fieldmark.service.workerprocess import WorkerProcess

log = logging.getLogger("fieldmark.service")

MAX_BATCH = 4
"""Photos in one request to the worker."""
IN_FLIGHT = 4
"""Batches at the worker: two are computed, two decoded, so that no core waits for clients that were just answered. More
would only take them from the queue, where they can still be given up."""
TICK_S = 0.2


@dataclass(frozen=True)
class ServiceLimits:
    """What the service takes upon itself."""

    max_photos: int = 128
    """Photos that may wait; at 200 a second less than one second of work."""
    max_bytes: int = 128 * 2**20
    """Bytes that may wait, beyond the first request."""
    deadline_s: float = 30.0
    """Within this a photo is answered, or somebody is told that it was not."""
    linger_s: float = 0.005
    """How long a batch waits for another photo while the one before is being computed."""
    max_deaths: int = 5
    """Deaths of the worker in a minute after which it is left alone."""
    rest_s: float = 60.0
    """For how long."""


class Service:
    """Answers for photos; `submit` may be called from any thread."""

    def __init__(self, *models: Path, limits: ServiceLimits | None = None) -> None:
        """Take the model files of which the first that is there answers; the worker starts when it is needed."""
        self.limits = limits or ServiceLimits()
        self.metrics = Metrics()
        self.models = models
        self._room = WaitingRoom(max_photos=self.limits.max_photos, max_bytes=self.limits.max_bytes)
        self._lock = threading.Lock()
        self._flying: dict[int, list[Item]] = {}
        self._numbers = count(1)
        self._slots = threading.Semaphore(IN_FLIGHT)
        self._worker: WorkerProcess | None = None
        self._deaths: deque[float] = deque(maxlen=self.limits.max_deaths)
        self._facts: ModelFacts | None = None
        self._problem: FieldmarkError = ServiceError("The model is still being loaded.", code="starting")
        self._heard = threading.Event()
        self._stopping = self._given_up = self._started = False

    # --- For everybody ---

    def start(self) -> None:
        """Start the worker and the threads now, rather than with the first photo; returns at once."""
        with self._lock:
            if self._started or self._stopping:
                return
            self._started = True
        self._start_worker()
        for work in (self._dispatch, self._tick):
            threading.Thread(target=work, daemon=True, name=f"service{work.__name__}").start()

    def submit(
        self, photos: Sequence[bytes], *, map_label: str | None = None, deadline_s: float | None = None
    ) -> list[Future[Answer]]:
        """Queue photos, all or none, and give the future answer of each; cancelling one gives it up.

        Args:
            map_label: the class whose map is wanted as well; "" for that of the answer.
            deadline_s: `limits.deadline_s` where None.
        Raises:
            ServiceError: no room (`busy`), the worker is being left alone (`down`), or all is ending (`stopping`).
        """
        self.start()
        if self._resting():
            raise _down()
        deadline = time.monotonic() + (self.limits.deadline_s if deadline_s is None else deadline_s)
        items = [Item(photo, deadline, map_label) for photo in photos]
        try:
            self._room.enter(items)
        except ServiceError:
            self.metrics.refused.add(len(items))
            raise
        return [item.future for item in items]

    def model(self, timeout_s: float = 0.0) -> ModelFacts:
        """What answers now.

        Args:
            timeout_s: how long to wait for a model that is still being loaded.
        Raises:
            FieldmarkError: nothing does, and why.
        """
        self.start()
        self._heard.wait(timeout_s)
        if self._facts is None:
            raise self._problem
        return self._facts

    def state(self) -> dict[str, Any]:
        """How things stand, in plain values."""
        return {
            "ready": self._facts is not None and not self._resting(),
            "model_sha256": self._facts.sha256 if self._facts else None,
            "waiting": len(self._room),
            "waiting_max": self.limits.max_photos,
            "in_flight": sum(map(len, list(self._flying.values()))),
            "restarts": int(self.metrics.restarts.value),
        }

    @property
    def worker_pid(self) -> int | None:
        """Number of the process that holds the model."""
        return self._worker.pid if self._worker else None

    def stop(self, drain_s: float = 0.0) -> None:
        """End it: nobody is let in any more, and whoever is in has `drain_s` to get an answer."""
        self._room.close()
        end = time.monotonic() + drain_s
        while (len(self._room) or self._flying) and time.monotonic() < end:
            time.sleep(0.02)
        self._stopping = True
        self._room.fail_all(stopping())
        if self._worker is not None:
            self._worker.stop()

    # --- To the worker ---

    def _dispatch(self) -> None:
        while not self._stopping:
            self._slots.acquire()
            items = self._room.take(MAX_BATCH, linger_s=self.limits.linger_s if self._flying else 0.0)
            items = [item for item in items if item.future.set_running_or_notify_cancel()]
            if not items:
                self._slots.release()
                time.sleep(self.limits.linger_s)
            else:
                self._send(items)

    def _send(self, items: list[Item]) -> None:
        """Hand a batch over; where there is no worker just now, wait for the next one."""
        number = next(self._numbers)
        deadline = max(item.deadline for item in items)
        while (worker := self._take_off(number, items)) is None:
            if self._stopping or self._given_up or time.monotonic() > deadline:
                self._slots.release()
                for item in items:
                    settle(item.future, _lost())
                return
            time.sleep(0.02)
        worker.send(
            {"id": number, "maps": [item.map_label for item in items]}, [item.photo for item in items]
        )

    def _take_off(self, number: int, items: list[Item]) -> WorkerProcess | None:
        """Note who has a batch, so that nobody is forgotten when that worker ends."""
        with self._lock:
            if self._worker is not None:
                self._flying[number] = items
            return self._worker

    # --- From the worker ---

    def _take_frame(self, frame: Frame) -> None:
        head = frame.head
        if "model" in head:
            self._facts = read_facts(head["model"])
            log.info("%s is answering now", self._facts.sha256[:12])
            self._heard.set()
        elif "problem" in head:
            self._problem = as_error(**head["problem"])
            self._heard.set()
        else:
            self._finish(head)

    def _finish(self, head: dict[str, Any]) -> None:
        with self._lock:
            items = self._flying.pop(head["id"], None)
        if items is None:
            return
        self._slots.release()
        if "error" in head:
            for item in items:
                settle(item.future, as_error(**head["error"]))
            return
        now = time.monotonic()
        for item, record in zip(items, head["answers"], strict=True):
            drawn = record.get("map")
            answer = Answer(read_result(record), head["sha256"], read_map(drawn) if drawn else None)
            settle(item.future, answer)
            self.metrics.answered.add()
            self.metrics.seconds.observe(now - item.came)

    # --- The worker's life ---

    def _start_worker(self) -> None:
        self._given_up = False
        self._worker = WorkerProcess(self.models, on_frame=self._take_frame, on_end=self._end_worker)

    def _end_worker(self) -> None:
        """Answer for what the worker had, and start another, unless that has failed too often."""
        with self._lock:
            self._worker, self._facts = None, None
            self._problem = ServiceError("The model is being started again.", code="starting")
            self._heard.clear()
            lost, self._flying = list(self._flying.values()), {}
        for items in lost:
            self._slots.release()
            for item in items:
                settle(item.future, _lost())
        if self._stopping:
            return
        self._deaths.append(time.monotonic())
        self.metrics.restarts.add()
        if self._resting():
            log.error("The process that holds the model keeps ending; it is left alone for a while")
            self._problem, self._given_up = _down(), True
            self._heard.set()
            self._room.fail_all(_down())
        else:
            log.warning("The process that holds the model ended; another is started")
            self._start_worker()

    def _resting(self) -> bool:
        """Whether the worker died so often within a minute that it is left alone."""
        deaths, now = list(self._deaths), time.monotonic()
        often = len(deaths) == self.limits.max_deaths and deaths[-1] - deaths[0] < 60.0
        return often and now - deaths[-1] < self.limits.rest_s

    def _tick(self) -> None:
        while not self._stopping:
            time.sleep(TICK_S)
            now = time.monotonic()
            self._room.drop_overdue(now)
            self._drop_stuck(now)
            if self._given_up and not self._resting() and not self._stopping:
                self._deaths.clear()
                self._start_worker()

    def _drop_stuck(self, now: float) -> None:
        """Tell those in flight whose time is up; a worker that holds them for as long again hangs."""
        for items in list(self._flying.values()):
            for item in items:
                if item.deadline <= now:
                    settle(item.future, too_late())
            if self._worker is not None and all(
                item.deadline + self.limits.deadline_s <= now for item in items
            ):
                self._worker.kill()


def _lost() -> ServiceError:
    return ServiceError("The model had to be started again. Try again in a few seconds.", code="lost")


def _down() -> ServiceError:
    return ServiceError(
        "The model failed several times and is left alone. Try again in a minute.", code="down"
    )
