"""Copies as issues: photos that are there twice, under two labels, or on both sides of the split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fieldmark.issues.duplicates import Group
from fieldmark.issues.issue import Issue, IssueKind, weighed
from fieldmark.issues.suspects import Suspects

SAME_BYTES, SAME_LOOK = 1.0, 0.9
"""How sure it is that two photos are one."""
NEAR_CONFLICT = 0.6
"""Photos that nearly look the same may show two things: a burst that an animal walks into."""


def copy_issues(suspects: Suspects) -> Iterator[Issue]:
    """List copies; what is wrong with a group is said of each of its photos but the one to keep."""
    for group in suspects.exact:
        yield from _group_issues(suspects, group, "duplicate", SAME_BYTES)
    for group in suspects.near:
        yield from _group_issues(suspects, group, "near_duplicate", SAME_LOOK)


def _group_issues(suspects: Suspects, group: Group, kind: IssueKind, certainty: float) -> Iterator[Issue]:
    labels = {suspects.items[place].label for place in group}
    sides = {suspects.side(place) for place in group}
    ordered = sorted(group, key=lambda place: _worth(suspects, place))
    same = "has the same bytes as" if kind == "duplicate" else "is nearly the same picture as"
    if len(labels) > 1:
        certain = certainty if kind == "duplicate" else NEAR_CONFLICT
        for place in ordered:
            others = [p for p in ordered if suspects.items[p].label != suspects.items[place].label]
            called = _listed(sorted({suspects.items[p].label for p in others}))
            sentence = f"It {same} a photo called {called}; is each right?"
            yield _issue(suspects, place, "two_labels", certain, others, sentence, _likely(suspects, place))
    if len(sides) > 1:
        for place in (p for p in ordered if suspects.side(p) == "valid"):
            others = [p for p in ordered if suspects.side(p) == "train"]
            sentence = f"It judges the model, and {same} one that the model learned from."
            yield _issue(suspects, place, "leak", certainty, others, sentence)
    for place in ordered[1:]:
        if suspects.items[place].hash == suspects.items[ordered[0]].hash and kind == "near_duplicate":
            continue  # told as an exact one
        others = [p for p in ordered if p != place]
        yield _issue(suspects, place, kind, certainty, others, f"It {same} {_names(suspects, others)}.")


def _issue(
    suspects: Suspects,
    place: int,
    kind: IssueKind,
    certainty: float,
    others: Sequence[int],
    sentence: str,
    suggested: str | None = None,
) -> Issue:
    item = suspects.items[place]
    paths: tuple[Path, ...] = tuple(suspects.items[other].path for other in others)
    score = weighed(kind, certainty)
    return Issue(item.path, item.hash, kind, score, item.label, suggested, sentence, paths)


def _worth(suspects: Suspects, place: int) -> tuple[int, str]:
    """The copy with the most pixels comes first, and is the one to keep."""
    look = suspects.looks[place]
    return (-(look.width * look.height) if look else 0, str(suspects.items[place].path))


def _likely(suspects: Suspects, place: int) -> str | None:
    """What the model says, where that is another label than the given one."""
    said = suspects.vocab[int(suspects.opinion[place].argmax())]
    return said if said != suspects.items[place].label else None


def _names(suspects: Suspects, places: Sequence[int]) -> str:
    first = suspects.items[places[0]].path.name
    return first if len(places) == 1 else f"{first} and {len(places) - 1} more"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(words)
