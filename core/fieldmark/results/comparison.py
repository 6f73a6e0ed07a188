"""Comparison: two trainings judged by the same held-out photos; better, worse, or too few to say."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb
from typing import Literal

from fieldmark.rounds import Round

Verdict = Literal["better", "worse", "undecided"]
LEVEL = 0.05
"""Below this probability of chance alone a difference is called one."""


@dataclass(frozen=True)
class Comparison:
    """What changed from one training to a later one, photo by photo."""

    n: int
    """Photos that both were judged by."""
    before: int
    """Photos answered wrongly by the earlier one."""
    after: int
    """Photos answered wrongly by the later one."""
    mended: tuple[str, ...]
    """Wrong before and right now, by the beginning of their SHA-256."""
    spoilt: tuple[str, ...]
    """Right before and wrong now."""

    @property
    def p(self) -> float:
        """Two-sided p of the exact McNemar test: only photos that changed sides say anything."""
        return mcnemar(len(self.mended), len(self.spoilt))

    @property
    def verdict(self) -> Verdict:
        """ "better" and "worse" only when chance alone would hardly do it."""
        if self.p >= LEVEL:
            return "undecided"
        return "better" if self.after < self.before else "worse"


def compare_rounds(before: Round, after: Round) -> Comparison | None:
    """Compare two trainings; None when they were judged by different photos, which no figure can mend."""
    if before.held_out != after.held_out:
        return None
    wrong, still = set(before.wrong), set(after.wrong)
    return Comparison(
        n=after.n_valid,
        before=len(before.wrong),
        after=len(after.wrong),
        mended=tuple(sorted(wrong - still)),
        spoilt=tuple(sorted(still - wrong)),
    )


def mcnemar(mended: int, spoilt: int) -> float:
    """Give the exact two-sided p of `mended` against `spoilt` photos, as for a fair coin; 1 without any.

    McNemar (1947), Psychometrika 12: 153–157, in its exact binomial form.
    """
    n = mended + spoilt
    tail = sum(comb(n, k) for k in range(min(mended, spoilt) + 1))
    return min(1.0, 2 * (tail / (1 << n)))
