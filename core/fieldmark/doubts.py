"""Doubts as issues: probably a wrong label, or a photo that does not belong to its class."""

from __future__ import annotations

from collections.abc import Iterator

from fieldmark.issue import Issue, weighed
from fieldmark.labelerrors import find_label_errors
from fieldmark.oddones import find_odd_ones
from fieldmark.suspects import Suspects

UNCERTAIN = 0.8
"""Share of the score of a label that confident learning does not suspect."""
ODD_FROM = 0.5
"""Score from which on a photo is listed as odd."""


def label_issues(suspects: Suspects) -> Iterator[Issue]:
    """List photos whose label is probably wrong, with the one they should have."""
    errors = find_label_errors(suspects.opinion, suspects.targets)
    for place in errors.suspected.nonzero()[0]:
        item, target = suspects.items[place], suspects.targets[place]
        suggested = suspects.vocab[errors.suggested[place]]
        own, other = errors.probs[place, target], errors.probs[place, errors.suggested[place]]
        yield Issue(
            item.path,
            item.hash,
            "label",
            weighed("label", float(errors.scores[place]) * (1 if errors.confident[place] else UNCERTAIN)),
            item.label,
            suggested,
            f"A model that never saw it says {suggested} ({other:.0%}) and hardly {item.label} ({own:.0%}).",
        )


def odd_issues(suspects: Suspects) -> Iterator[Issue]:
    """List photos that look like none of their class."""
    odd = find_odd_ones(suspects.features, suspects.targets, suspects.groups)
    for place in (odd.scores >= ODD_FROM).nonzero()[0]:
        item = suspects.items[place]
        yield Issue(
            item.path,
            item.hash,
            "odd",
            weighed("odd", float(odd.scores[place])),
            item.label,
            None,
            f"It looks like no other photo of {item.label}.",
        )
