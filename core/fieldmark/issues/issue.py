"""Issue: one photo that somebody should look at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from fieldmark.labels import escape_surrogates

IssueKind = Literal[
    "two_labels",
    "label",
    "leak",
    "odd",
    "not_a_photo",
    "duplicate",
    "near_duplicate",
    "tiny",
    "dark",
    "blurred",
]
KINDS: tuple[IssueKind, ...] = get_args(IssueKind)

WEIGHTS: dict[IssueKind, float] = {
    "two_labels": 1.0,
    "label": 1.0,
    "leak": 0.95,
    "odd": 0.9,
    "not_a_photo": 0.9,
    "duplicate": 0.6,
    "near_duplicate": 0.5,
    "tiny": 0.45,
    "dark": 0.4,
    "blurred": 0.35,
}
"""What a certain issue of each kind scores. A wrong label teaches the wrong thing and a leak makes figures lie;
a copy or a dark photo teaches less than it could."""


@dataclass(frozen=True)
class Issue:
    """One photo and one thing that is wrong with it, most likely."""

    path: Path
    """Where the file is, as `Item.path`."""
    hash: str
    """SHA-256 of the file's bytes, hex."""
    kind: IssueKind
    score: float
    """0 … 1, comparable between kinds: how likely something is wrong, times what that kind of fault costs."""
    given: str
    """The label it has."""
    suggested: str | None
    """The label it should probably have; None where the issue is not about that."""
    sentence: str
    """Why, for people."""
    others: tuple[Path, ...] = ()
    """The other photos that it is about: its copies, the one with the other label."""

    def as_dict(self, root: Path) -> dict[str, Any]:
        """Plain values, for JSON; paths relative to `root`, where they lie below it."""
        return {
            "path": _name(self.path, root),
            "hash": self.hash,
            "kind": self.kind,
            "score": round(self.score, 4),
            "given": self.given,
            "suggested": self.suggested,
            "sentence": self.sentence,
            "others": [_name(path, root) for path in self.others],
        }


def weighed(kind: IssueKind, certainty: float) -> float:
    """Score an issue, so that issues of all kinds can stand in one list.

    Args:
        certainty: 0 … 1, how likely it is that something is wrong.
    """
    return WEIGHTS[kind] * min(1.0, max(0.0, certainty))


def _name(path: Path, root: Path) -> str:
    name = path.relative_to(root) if path.is_relative_to(root) else path
    return escape_surrogates(name.as_posix())
