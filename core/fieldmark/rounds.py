"""Rounds: every training of a dataset, remembered in its catalog: on which photos, how, and what came out wrong."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fieldmark.heldout import KEY_LENGTH

if TYPE_CHECKING:
    from fieldmark.catalog import Catalog
    from fieldmark.learner import Learner

KEY = "rounds"
"""Of the catalog's settings."""
MAX_ROUNDS = 100


@dataclass(frozen=True)
class Round:
    """One training, as it is remembered."""

    at: str
    """UTC, ISO 8601."""
    data: str
    """Which photos with which labels it learned from and was judged by; equal names, equal data."""
    held_out: str
    """Which photos it was judged by; rounds with the same ones may be compared."""
    n_train: int
    n_valid: int
    wrong: list[str]
    """The held-out photos that were answered wrongly, by the beginning of their SHA-256, sorted."""
    seconds: float
    choices: dict[str, Any]
    mode: str = "fit"
    """"fit" or "fine-tune"."""
    note: str = ""
    """What to know of how it was trained, as sentences."""

    @property
    def made_of(self) -> list[Any]:
        """What decides how the model answers: equal lists, equal models."""
        return [self.data, self.choices, self.mode, *([self.note] if self.mode == "fine-tune" else [])]


def read_rounds(catalog: Catalog) -> list[Round]:
    """List the trainings, the latest first."""
    kept: Any = catalog.setting(KEY, [])
    return [Round(**entry) for entry in reversed(kept)]


def remember_round(catalog: Catalog, learner: Learner, *, data: str, choices: dict[str, Any]) -> None:
    """Add a training of the photos that `data` names; in place of the last one, where that was the same."""
    judged = sorted(item.hash for item in learner.valid.items)
    entry = Round(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        data=data,
        held_out=hashlib.sha256(" ".join(judged).encode()).hexdigest()[:KEY_LENGTH],
        n_train=len(learner.train_items),
        n_valid=len(judged),
        wrong=sorted(item.hash[:KEY_LENGTH] for item in learner.valid.wrong),
        seconds=round(sum(learner.seconds.values()), 2),
        choices=choices,
        mode=learner.mode,
        note=" ".join(learner.notes),
    )
    kept: Any = catalog.setting(KEY, [])
    last = Round(**kept[-1]) if kept else None
    if last is not None and last.made_of == entry.made_of:
        # A new kernel only fits again what it shows.
        entry = replace(entry, at=last.at, note=entry.note or last.note)
        kept = kept[:-1]
    catalog.set_setting(KEY, [*kept, asdict(entry)][-MAX_ROUNDS:])


def data_version(catalog: Catalog) -> str:
    """Name photos and labels as they are now: equal names, equal data."""
    lines = sorted(f"{photo.hash} {photo.split or ''} {photo.label}" for photo in catalog.photos())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:KEY_LENGTH]
