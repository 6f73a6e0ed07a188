"""Whether a camera still sees what it saw: covered, fogged or moved, judged by its own frames of the same light.

Only one frame of each visit counts, so that an animal that sits before the lens is not taken for a leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

State = Literal["ok", "covered", "blurred", "moved"]

RECENT = 5
"""Latest visits that must all agree before something is said."""
LEAST = 20
"""Visits before those, of the same light, that tell how a camera usually sees; with fewer nothing is said."""
BLURRED = 0.5
"""Share of the lowest sharpness that a camera usually has, below which something is before its lens."""
ORDINARY = (0.02, 0.98)
"""Quantiles of its own frames between which brightness and sharpness are ordinary."""
MOVED_BITS = 14
"""Of 64 of a difference hash: less than this any camera's view changes by itself, with light and leaves."""
SENTENCES: dict[State, str] = {
    "ok": "",
    "covered": "Covered: its last {n} visits are blurred, and {light} than any before. Look at the lens.",
    "blurred": "Blurred: its last {n} visits are less sharp than any before. Fog, a wet lens, or something close to it.",
    "moved": "Moved: its last {n} visits show another view than the {m} before. What was learned of its background "
    "does not hold any more.",
}


@dataclass(frozen=True)
class Sight:
    """What one frame tells of its camera's view."""

    event_id: int | None
    is_night: bool
    brightness: float
    sharpness: float
    look: str
    """Difference hash, 16 hexadecimal digits."""


@dataclass(frozen=True)
class View:
    """How a camera sees."""

    state: State
    sentence: str
    """For people; empty while all is well."""


def judge_view(sights: Sequence[Sight]) -> View:
    """Judge a camera's view by its latest frames, the newest first."""
    own = _one_a_visit([sight for sight in sights if sight.is_night == sights[0].is_night]) if sights else []
    recent, before = own[:RECENT], own[RECENT:]
    if len(before) < LEAST:
        return View("ok", "")
    state, light = _covered(recent, before)
    if state == "ok" and _is_moved(recent, before):
        state = "moved"
    return View(state, SENTENCES[state].format(n=len(recent), m=len(before), light=light))


def _one_a_visit(sights: Sequence[Sight]) -> list[Sight]:
    """Keep the latest frame of each visit."""
    first: dict[object, Sight] = {}
    for place, sight in enumerate(sights):
        first.setdefault(("alone", place) if sight.event_id is None else sight.event_id, sight)
    return list(first.values())


def _covered(recent: Sequence[Sight], before: Sequence[Sight]) -> tuple[State, str]:
    sharp = np.quantile([sight.sharpness for sight in before], ORDINARY[0])
    if any(sight.sharpness >= BLURRED * sharp for sight in recent):
        return "ok", ""
    dark, bright = np.quantile([sight.brightness for sight in before], ORDINARY)
    if all(sight.brightness < dark for sight in recent):
        return "covered", "darker"
    return ("covered", "brighter") if all(s.brightness > bright for s in recent) else ("blurred", "")


def _is_moved(recent: Sequence[Sight], before: Sequence[Sight]) -> bool:
    """Whether the recent frames agree with each other and not with the view before."""
    then, now = _bits(before), _bits(recent)
    usual = _majority(then)
    allowed = MOVED_BITS + float(np.median(_apart(then, usual)))
    agree = _apart(now, _majority(now)) <= MOVED_BITS / 2
    return bool((_apart(now, usual) > allowed).all() and agree.all())


def _bits(sights: Sequence[Sight]) -> npt.NDArray[np.uint8]:
    """(sights, 64) of zeros and ones."""
    raw = np.frombuffer(b"".join(bytes.fromhex(sight.look) for sight in sights), np.uint8)
    return np.unpackbits(raw.reshape(len(sights), 8), axis=1)


def _majority(bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(bits.mean(axis=0) > 0.5, np.uint8)


def _apart(bits: npt.NDArray[np.uint8], view: npt.NDArray[np.uint8]) -> npt.NDArray[np.intp]:
    """Count the bits in which each differs from a view."""
    return np.asarray((bits != view).sum(axis=1), np.intp)
