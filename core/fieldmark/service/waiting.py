"""The queue in front of the model: bounded in photos and bytes, so that a flood is refused and never piles up."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field

from fieldmark.errors import ServiceError
from fieldmark.service.answer import Answer


@dataclass(eq=False)
class Item:
    """A photo that waits for its answer."""

    photo: bytes
    deadline: float
    """On the monotonic clock, in seconds."""
    map_label: str | None = None
    """The class whose map is wanted; "" for that of the answer; None for no map."""
    future: Future[Answer] = field(default_factory=Future)
    came: float = field(default_factory=time.monotonic)


class WaitingRoom:
    """Photos in the order they came. Threads may share it."""

    def __init__(self, *, max_photos: int, max_bytes: int) -> None:
        self._max_photos, self._max_bytes = max_photos, max_bytes
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    def enter(self, items: Sequence[Item]) -> None:
        """Let photos in, all or none.

        Raises:
            ServiceError: there is no room for them (`busy`), or the service is ending (`stopping`).
        """
        with self._changed:
            if self._closed:
                raise stopping()
            held = sum(len(item.photo) for item in self._items)
            more = sum(len(item.photo) for item in items)
            too_heavy = bool(self._items) and held + more > self._max_bytes
            if len(self._items) + len(items) > self._max_photos or too_heavy:
                raise ServiceError("Many photos are waiting just now. Try again in a moment.", code="busy")
            self._items.extend(items)
            self._changed.notify_all()

    def take(self, most: int, *, linger_s: float) -> list[Item]:
        """Wait for photos and give up to `most`; [] once the room is closed and empty.

        Args:
            linger_s: how long to wait for another, once there is one: clients that got their answers together send
                the next photos one after the other, and one alone takes a third more of the processor.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            while linger_s and len(self._items) < most and self._another_came(linger_s):
                pass
            return [self._items.popleft() for _ in range(min(most, len(self._items)))]

    def _another_came(self, within_s: float) -> bool:
        there = len(self._items)
        self._changed.wait_for(lambda: len(self._items) > there or self._closed, within_s)
        return len(self._items) > there and not self._closed

    def drop_overdue(self, now: float) -> None:
        """Answer those whose time is up, and forget those whom nobody waits for any more."""
        with self._changed:
            staying = deque(
                item for item in self._items if item.deadline > now and not item.future.cancelled()
            )
            overdue = [item for item in self._items if item.deadline <= now]
            self._items = staying
        for item in overdue:
            settle(item.future, too_late())

    def fail_all(self, error: Exception) -> None:
        """Answer everybody with an error."""
        with self._changed:
            items, self._items = self._items, deque()
        for item in items:
            settle(item.future, error)

    def close(self) -> None:
        """Let nobody in any more; those who are in are still answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def settle(future: Future[Answer], outcome: Answer | Exception) -> None:
    """Answer, unless that is done, or nobody waits for it any more; two threads may come to it at once."""
    with suppress(InvalidStateError):
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def too_late() -> ServiceError:
    """What to say when the deadline has passed."""
    return ServiceError("The answer took too long. Try again in a moment.", code="too_late")


def stopping() -> ServiceError:
    """What to say when the service is ending."""
    return ServiceError("This server is just being stopped. Try again in a minute.", code="stopping")
