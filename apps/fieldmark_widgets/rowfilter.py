"""Which photos the cleaner shows: filters that combine, and change nothing but what is seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from fieldmark.catalog.decisions import StagedDecision
from fieldmark_widgets.photorows import PhotoRow

HIGH, MIDDLE = 0.9, 0.7
"""Probabilities from which on the model is called sure, and fairly sure."""


@dataclass(frozen=True)
class RowFilter:
    """Each condition that is set narrows what is shown."""

    label: str = ""
    """A class, by the label that photos have; empty for all."""
    side: str = "all"
    """"train" (learned from) or "valid" (held out)."""
    decision: str = "any"
    """For "any", "open" (nothing decided yet) or "staged" (decided, and not applied yet)."""
    disagrees: bool = False
    """Only where the model says something else than the label."""
    text: str = ""
    """In the photo's name, in whatever case."""
    issue: str = ""
    """A kind of issue, or "any"; empty for all photos, with issues or without."""
    confidence: str = "any"
    """How sure the model is of what it says: "high", "middle" or "low"; photos it was not asked about are none."""
    only: Collection[int] = frozenset()
    """Only these photos, by id; empty for all."""

    def takes(self, row: PhotoRow, staged: StagedDecision | None) -> bool:
        """Whether a photo is shown."""
        return (
            self.label in ("", row.photo.label)
            and (self.side == "all" or (row.judgement is not None and row.judgement.side == self.side))
            and (self.decision == "any" or (self.decision == "staged") == (staged is not None))
            and (not self.disagrees or row.disagrees)
            and (not self.issue or _has_issue(row, self.issue))
            and (self.confidence == "any" or self.confidence == confidence_of(row))
            and (not self.text or self.text.strip().casefold() in photo_name(row).casefold())
            and (not self.only or row.photo.id in self.only)
        )

    @property
    def is_open(self) -> bool:
        """Whether every photo is shown."""
        return self == RowFilter()


def _has_issue(row: PhotoRow, kind: str) -> bool:
    return bool(row.issues) if kind == "any" else any(issue.kind == kind for issue in row.issues)


def confidence_of(row: PhotoRow) -> str:
    """Tell how sure the model is of its answer; empty where it was not asked."""
    if row.judgement is None:
        return ""
    return "high" if row.prob_said >= HIGH else "middle" if row.prob_said >= MIDDLE else "low"


def photo_name(row: PhotoRow) -> str:
    """What a photo is called: as it was where it came from, without folders."""
    return PurePosixPath(row.photo.original_name).name or PurePosixPath(row.photo.path).name
