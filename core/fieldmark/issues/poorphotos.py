"""Poor photos as issues: too dark, too blurred or too small to learn much from."""

from __future__ import annotations

from collections.abc import Iterator

from fieldmark.check import BLURRED, DARK, TINY_PX, fault_of
from fieldmark.imaging.looks import Look
from fieldmark.issues.issue import Issue, IssueKind, weighed
from fieldmark.issues.suspects import Suspects

POOR: tuple[IssueKind, ...] = ("tiny", "dark", "blurred")


def poor_issues(suspects: Suspects) -> Iterator[Issue]:
    """List photos that are dark, blurred or tiny."""
    for item, look in zip(suspects.items, suspects.looks, strict=True):
        for kind in POOR if look else ():
            if look and (reason := fault_of(look, kind)):
                score = weighed(kind, _certainty(look, kind))
                yield Issue(item.path, item.hash, kind, score, item.label, None, reason)


def _certainty(look: Look, kind: IssueKind) -> float:
    """Half at the limit, one where nothing is left to see."""
    measured, limit = {
        "tiny": (min(look.width, look.height), TINY_PX),
        "dark": (look.bright, DARK),
        "blurred": (look.sharp, BLURRED),
    }[kind]
    return 1 - 0.5 * measured / limit
