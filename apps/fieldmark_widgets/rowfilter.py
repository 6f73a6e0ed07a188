"""Which photos the cleaner shows: filters that combine, and change nothing but what is seen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from fieldmark.decisions import StagedDecision
from fieldmark_widgets.photorows import PhotoRow


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
    only: Collection[int] = ()
    """Only these photos, by id; empty for all."""

    def takes(self, row: PhotoRow, staged: StagedDecision | None) -> bool:
        """Whether a photo is shown."""
        return (
            self.label in ("", row.photo.label)
            and (self.side == "all" or (row.judgement is not None and row.judgement.side == self.side))
            and (self.decision == "any" or (self.decision == "staged") == (staged is not None))
            and (not self.disagrees or row.disagrees)
            and (not self.text or self.text.strip().casefold() in photo_name(row).casefold())
            and (not self.only or row.photo.id in self.only)
        )


def photo_name(row: PhotoRow) -> str:
    """What a photo is called: as it was where it came from, without folders."""
    return PurePosixPath(row.photo.original_name).name or PurePosixPath(row.photo.path).name
