"""Copies as issues: photos that are there twice, under two labels, or on both sides of the split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fieldmark.issues.issue import Issue, IssueKind, weighed
from fieldmark.issues.suspects import Suspects


@dataclass(frozen=True)
class _Likeness:
    """A way of being the same photo."""

    kind: IssueKind
    same: str
    """How it is said."""
    certainty: float
    """That two photos are one."""
    conflict: float
    """Certainty that a label is wrong, where they have two."""


EXACT = _Likeness("duplicate", "has the same bytes as", 1.0, 1.0)
NEAR = _Likeness("near_duplicate", "is nearly the same picture as", 0.9, 0.6)
"""Photos that nearly look the same may show two things: a burst that an animal walks into."""


def copy_issues(suspects: Suspects) -> Iterator[Issue]:
    """List copies; what is wrong with a group is said of each of its photos but the one to keep."""
    for likeness, groups in ((EXACT, suspects.exact), (NEAR, suspects.near)):
        for group in groups:
            copies = sorted(group, key=lambda place: _worth(suspects, place))
            yield from _under_two_labels(suspects, copies, likeness)
            yield from _leaks(suspects, copies, likeness)
            yield from _spare(suspects, copies, likeness)


def _under_two_labels(suspects: Suspects, copies: Sequence[int], likeness: _Likeness) -> Iterator[Issue]:
    for place in copies:
        given = suspects.items[place].label
        if others := [p for p in copies if suspects.items[p].label != given]:
            called = " and ".join(sorted({suspects.items[p].label for p in others}))
            sentence = f"It {likeness.same} {_names(suspects, others)}, called {called}; is each right?"
            suggested = _likely(suspects, place)
            yield _issue(suspects, place, "two_labels", likeness.conflict, others, sentence, suggested)


def _leaks(suspects: Suspects, copies: Sequence[int], likeness: _Likeness) -> Iterator[Issue]:
    learned = [place for place in copies if suspects.side(place) == "train"]
    for place in copies:
        if learned and suspects.side(place) == "valid":
            same = f"{likeness.same} {_names(suspects, learned)}, which the model learned from"
            sentence = f"It judges the model, and {same}."
            yield _issue(suspects, place, "leak", likeness.certainty, learned, sentence)


def _spare(suspects: Suspects, copies: Sequence[int], likeness: _Likeness) -> Iterator[Issue]:
    """All but the first, which is the one to keep."""
    kept = suspects.items[copies[0]].hash
    for place in copies[1:]:
        if likeness is NEAR and suspects.items[place].hash == kept:
            continue  # told as an exact one
        others = [p for p in copies if p != place]
        sentence = f"It {likeness.same} {_names(suspects, others)}."
        yield _issue(suspects, place, likeness.kind, likeness.certainty, others, sentence)


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
    paths = tuple(suspects.items[other].path for other in others)
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
