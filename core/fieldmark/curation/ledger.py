"""The ledger: every training of a dataset, on which data, with which result, and against the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fieldmark.catalog.photo import CatalogPhoto
from fieldmark.heldout import KEY_LENGTH
from fieldmark.project import Project
from fieldmark.results.comparison import Comparison, compare_rounds
from fieldmark.rounds import Round
from fieldmark.stats import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Entry:
    """One training, and what it changed."""

    round: Round
    since: Comparison | None
    """Against the last training before it that was judged by the same photos; None where there was none."""

    @property
    def error_rate_ci(self) -> Interval:
        """95 % interval of the error rate (Wilson)."""
        return wilson(len(self.round.wrong), self.round.n_valid)

    @property
    def sentence(self) -> str:
        """When, on what, how good, and whether that is better, for people."""
        now, (low, high) = self.round, self.error_rate_ci
        said = f"{now.at}  {now.data[:6]}  {now.mode}  {len(now.wrong)} of {now.n_valid} wrong"
        if now.n_valid:
            said += f" (95 % {100 * low:.1f}–{100 * high:.1f} %)"
        if (since := self.since) is None:
            return said
        verdict = "too few to say" if since.verdict == "undecided" else since.verdict
        return f"{said}  {verdict}: {len(since.mended)} mended, {len(since.spoilt)} spoilt, p = {since.p:.2g}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        compared = None
        if self.since is not None:
            names = {"mended": list(self.since.mended), "spoilt": list(self.since.spoilt)}
            compared = {**names, "n": self.since.n, "p": self.since.p, "verdict": self.since.verdict}
        return {
            "at": self.round.at,
            "data": self.round.data,
            "held_out": self.round.held_out,
            "mode": self.round.mode,
            "choices": self.round.choices,
            "n_train": self.round.n_train,
            "n_valid": self.round.n_valid,
            "n_wrong": len(self.round.wrong),
            "error_rate_ci": list(self.error_rate_ci),
            "since": compared,
        }


def read_ledger(project: Project) -> list[Entry]:
    """List the trainings of a project, the latest first."""
    rounds = project.rounds()
    return [Entry(entry, _since(entry, rounds[place + 1 :])) for place, entry in enumerate(rounds)]


def flipped(project: Project, comparison: Comparison) -> tuple[list[CatalogPhoto], list[CatalogPhoto]]:
    """Give the photos that a comparison names: those that are right now, and those that are wrong now."""
    photos = {photo.hash[:KEY_LENGTH]: photo for photo in project.catalog.photos(status=None)}
    mended = [photos[key] for key in comparison.mended if key in photos]
    return mended, [photos[key] for key in comparison.spoilt if key in photos]


def _since(entry: Round, earlier: Sequence[Round]) -> Comparison | None:
    same = (before for before in earlier if before.held_out == entry.held_out)
    before = next(same, None)
    return compare_rounds(before, entry) if before else None
