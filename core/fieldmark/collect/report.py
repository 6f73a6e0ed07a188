"""What came of collecting, as plain values and as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldmark.collect.outcome import Outcome
from fieldmark.collect.spread import Spread
from fieldmark.labels import escape_surrogates

MOST_NAMED = 5


@dataclass(frozen=True)
class CollectReport:
    """What came of collecting."""

    dataset: Path
    provider: str
    wanted: Mapping[str, int]
    """Photos that were asked for, by label."""
    have: Mapping[str, int]
    """Collected photos that the dataset has now, by label, those of earlier runs among them."""
    outcomes: tuple[Outcome, ...]
    """Of every address that was tried in this run."""
    known: int
    """Addresses that were settled in an earlier run and not asked again."""
    problems: Mapping[str, str]
    """Why a class ended early, by label."""
    spread: Spread
    credits: Path
    act_id: int | None
    """The act that `Catalog.undo` takes back; None when nothing was added."""
    seconds: float

    @property
    def added(self) -> int:
        """Photos that this run brought."""
        return sum(outcome.status == "added" for outcome in self.outcomes)

    @property
    def failures(self) -> list[Outcome]:
        """Addresses that gave no photo."""
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    @property
    def duplicates(self) -> list[Outcome]:
        """Photos that were there already."""
        return [outcome for outcome in self.outcomes if outcome.status == "duplicate"]

    def as_dict(self) -> dict[str, Any]:
        """Plain values: what `fieldmark collect --json` prints."""
        return {
            "dataset": escape_surrogates(str(self.dataset)),
            "provider": self.provider,
            "wanted": dict(self.wanted),
            "have": dict(self.have),
            "added": self.added,
            "duplicates": len(self.duplicates),
            "failed": [{"url": o.url, "code": o.code, "reason": o.reason} for o in self.failures],
            "tried": len(self.outcomes),
            "known": self.known,
            "problems": dict(self.problems),
            "spread": self.spread.as_dict(),
            "credits": escape_surrogates(str(self.credits)),
            "act": self.act_id,
            "seconds": round(self.seconds, 2),
        }

    def lines(self) -> list[str]:
        """Sentences: what `fieldmark collect` prints."""
        counts = ", ".join(f"{label} {self.have.get(label, 0)} of {n}" for label, n in self.wanted.items())
        lines = [f"{self.added} photos from {self.provider} in {self.seconds:.1f} s: {counts}."]
        lines += [f"{label}: {problem}" for label, problem in self.problems.items()]
        if self.duplicates:
            lines.append(f"{len(self.duplicates)} were there already.")
        lines += self._failure_lines()
        if self.known:
            lines.append(f"{self.known} addresses were settled before and not asked again.")
        return [*lines, *self.spread.sentences(), f"Whom to credit: {self.credits}"]

    def _failure_lines(self) -> list[str]:
        if not self.failures:
            return []
        reasons = Counter(failure.reason for failure in self.failures)
        shown = [f"  {n} × {reason}" for reason, n in reasons.most_common(MOST_NAMED)]
        rest = len(reasons) - len(shown)
        return [
            f"{len(self.failures)} gave no photo:",
            *shown,
            *([f"  and {rest} other reasons"] if rest > 0 else []),
        ]
