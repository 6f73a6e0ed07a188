"""Doubts as issues: probably a wrong label, or a photo that does not belong to its class."""

from __future__ import annotations

from collections.abc import Iterator

from fieldmark.backbones import ARCHITECTURES, load_backbone
from fieldmark.issues.issue import Issue, weighed
from fieldmark.issues.labelerrors import find_label_errors
from fieldmark.issues.oddones import Features, as_kinds, find_odd_ones
from fieldmark.issues.suspects import Suspects

UNCERTAIN = 0.8
"""Share of the score of a label that confident learning does not suspect."""
ODD_FROM = 0.5
"""Score from which on a photo is listed as odd."""
RARE = 0.05
"""Share of a class up to which photos count as odd wholly: what a tenth of a class does, such as hands before another
wall, is a look of its own. Such photos are listed behind wrong labels."""


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
            f"A model that never saw it says {suggested} ({other:.0%}) rather than {item.label} ({own:.0%}).",
        )


def odd_issues(suspects: Suspects) -> Iterator[Issue]:
    """List photos that look like none of their class."""
    odd = find_odd_ones(_as_kinds(suspects), suspects.targets, suspects.groups)
    listed = odd.scores >= ODD_FROM
    for place in listed.nonzero()[0]:
        item = suspects.items[place]
        share = float(listed[suspects.targets == suspects.targets[place]].mean())
        yield Issue(
            item.path,
            item.hash,
            "odd",
            weighed("odd", float(odd.scores[place]) * min(1.0, RARE / share)),
            item.label,
            None,
            f"It looks like no other photo of {item.label}.",
        )


def _as_kinds(suspects: Suspects) -> Features:
    if suspects.arch not in ARCHITECTURES:
        return suspects.features  # other backbones may bring no ImageNet head
    return as_kinds(suspects.features, load_backbone(suspects.arch).imagenet_head())
