"""The photos of a split before anything is computed of them: enough of each class, groups, sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from fieldmark.dataset import Dataset, Item
from fieldmark.errors import EmptyDatasetError
from fieldmark.splits import Split, group_items

MIN_PHOTOS_A_CLASS = 2


def check_enough(items: Sequence[Item], what: str, vocab: Iterable[str] = ()) -> None:
    """Tell whether there is something to learn, before any time goes into it.

    Args:
        what: which photos these are, to end the sentence "There are photos of one class …".
        vocab: classes that must be among them, beside those that are.
    Raises:
        EmptyDatasetError: fewer than two classes, or a class with fewer than two photos.
    """
    counts = Counter(dict.fromkeys(vocab, 0))
    counts.update(item.label for item in items)
    if len(counts) < 2:
        raise EmptyDatasetError(
            f"There are photos of {len(counts)} classes {what}, and at least two are needed. "
            "Add a folder with photos of something else.",
            code="few_classes",
        )
    short = sorted(label for label, n in counts.items() if n < MIN_PHOTOS_A_CLASS)
    if short:
        raise EmptyDatasetError(
            f"These classes have fewer than {MIN_PHOTOS_A_CLASS} photos {what}: {', '.join(short)}. "
            "Add photos, or remove the folder.",
            code="few_photos",
        )


def group_numbers(items: Sequence[Item], groups: Iterable[Sequence[int]]) -> npt.NDArray[np.intp]:
    """Number the groups of photos that must share a fold: same bytes, same group, nearly the same look."""
    numbers = np.empty(len(items), dtype=np.intp)
    for number, cluster in enumerate(group_items(items, groups)):
        numbers[list(cluster)] = number
    return numbers


def places_of(items: Sequence[Item]) -> dict[str, int]:
    """Where each photo is, by its hash."""
    return {item.hash: place for place, item in enumerate(items)}


def same_sides(
    split: Split, dataset: Dataset, known: Mapping[str, int], *, without: Collection[int]
) -> Split:
    """Keep every photo of a dataset on the side of an earlier split, whose places `known` gives by hash.

    Args:
        without: earlier places that are on no side any more.
    """
    old = [known[item.hash] for item in dataset.items]

    def still(side: Sequence[int]) -> tuple[int, ...]:
        before = frozenset(side) - frozenset(without)
        return tuple(place for place, was in enumerate(old) if was in before)

    return Split(still(split.train), still(split.valid), still(split.test), split.notes)
