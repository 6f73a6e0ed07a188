"""What the labeller says, and how it shows a photo that has no label."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fieldmark.catalog import CatalogPhoto
from fieldmark.catalog.decisions import StagedDecision
from fieldmark.curation.asking import Suggestion
from fieldmark_widgets.cleanerwords import say_who, tag_of
from fieldmark_widgets.gallery import GalleryRow
from fieldmark_widgets.strings.labeller import LABELLER


@dataclass(frozen=True)
class Standing:
    """How far the labelling is."""

    n_open: int
    """Photos about which nothing is decided."""
    n_shown: int
    show: str
    """useful, sure or all."""
    learned_from: int
    suggests: bool
    agreed: tuple[int, int]
    """Suggestions that were right, of how many."""


def say_headline(standing: Standing) -> str:
    """The answer to "how much is left?"."""
    if not standing.n_open:
        return LABELLER["waiting_none_left"]
    key = "waiting_one" if standing.n_open == 1 else "waiting_many"
    return LABELLER[key].format(n=f"{standing.n_open:,}")


def say_summary(standing: Standing, prob_min: float) -> str:
    """Which photos are shown, and why these."""
    if not standing.n_open:
        return LABELLER["apply_now"]
    key = standing.show
    if key == "useful" and not standing.suggests:
        key = "first"
    if key == "sure" and not standing.n_shown:
        key = "sure_none"
    return LABELLER[key].format(
        k=f"{standing.n_shown:,}", n=f"{standing.learned_from:,}", percent=_percent(prob_min)
    )


def say_agreed(agreed: tuple[int, int]) -> str:
    """How often the suggestion was right, of those that were labelled lately; empty where there were none."""
    right, n = agreed
    return LABELLER["agreed"].format(right=right, n=n) if n else ""


def say_failures(failures: Collection[int]) -> str:
    """How many photos cannot be read."""
    n = len(failures)
    if not n:
        return ""
    what = LABELLER["photo_one"] if n == 1 else LABELLER["photos"].format(n=f"{n:,}")
    return f"{what} {LABELLER['failed_read'].format(n=n)}"


def row_of(
    root: Path, photo: CatalogPhoto, suggestion: Suggestion | None, staged: StagedDecision | None
) -> GalleryRow:
    """One photo of the dataset folder `root`: what it probably is, or what somebody said it is."""
    name = PurePosixPath(photo.original_name).name
    said = staged.decision.to if staged else None
    return GalleryRow(
        id=photo.id,
        file=root / photo.path,
        hash=photo.hash,
        title=said or (LABELLER["probably"].format(label=suggestion.label) if suggestion else name),
        text=LABELLER["said"].format(percent=_percent(suggestion.prob), name=name) if suggestion else "",
        tag=tag_of(staged.decision) if staged else "",
        tag_kind=staged.decision.kind if staged else "",
        credit=", ".join(part for part in (photo.author, photo.licence) if part),
    )


def target_of(
    chosen: Sequence[CatalogPhoto], suggestions: Mapping[int, Suggestion], staged: StagedDecision | None
) -> dict[str, Any]:
    """What the bar says of the photos that a decision is about."""
    if not chosen:
        return {"title": "", "detail": LABELLER["target_none"], "staged": ""}
    if len(chosen) > 1:
        return {"title": LABELLER["target_many"].format(n=f"{len(chosen):,}"), "detail": "", "staged": ""}
    (photo,) = chosen
    name, said = PurePosixPath(photo.original_name).name, suggestions.get(photo.id)
    return {
        "title": LABELLER["target_suggested"].format(label=said.label) if said else LABELLER["target_plain"],
        "detail": LABELLER["said"].format(percent=_percent(said.prob), name=name) if said else name,
        "staged": f"{tag_of(staged.decision)}, {say_who(staged)}" if staged else "",
    }


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u202f%"
