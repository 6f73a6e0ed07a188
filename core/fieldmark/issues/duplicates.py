"""Photos that are there twice, or nearly: they must not be learnt on one side of a split and asked on the other.

Exact duplicates have the same bytes. Near duplicates look the same: a smaller copy, another compression, the
next frame of a burst. They are found by two difference hashes, where features are known by these as well, and
confirmed on small grey pictures.

A fixed camera shows the same view for months, and that makes its photos no duplicates. So photos that both
tell when they were taken only count as near duplicates within half an hour, the usual time between two
independent events of a camera trap (O'Brien et al. 2003), and a group ends after a day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fieldmark.callbacks import Callback, silent
from fieldmark.dataset import Item
from fieldmark.imaging.lookcache import take_looks
from fieldmark.imaging.looks import TINY_PX, Look

MAX_BITS = 10
"""Of 128. The three pairs among 416 web photos of bears differ in 6 to 7 bits, the next pair in 14."""

MIN_CORRELATION = 0.9
"""Of the small grey pictures. Hands before a plain wall agree in their hashes up to .85 only, copies above."""

EVENT = timedelta(minutes=30)
LONGEST = timedelta(days=1)

CHUNKS = 11
"""Two hashes that differ in 10 bits are equal in at least one of 11 parts (multi-index hashing)."""

BATCH = 4096
"""Pairs of small grey pictures compared at a time: 32 MB."""

CROWD = 128
"""In a crowd of photos with an equal part, each is compared with this many neighbours in time."""

_EPOCH = datetime(1970, 1, 1)

Group = tuple[int, ...]
Places = npt.NDArray[np.intp]


def exact_duplicates(hashes: Iterable[Hashable]) -> list[Group]:
    """Group the places of equal hashes; groups of one are left out."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, digest in enumerate(hashes):
        places[digest].append(place)
    return [tuple(group) for group in places.values() if len(group) > 1]


def near_duplicates(
    looks: Sequence[Look | None], features: npt.NDArray[np.float32] | None = None
) -> list[Group]:
    """Group the places of photos that look the same, among up to hundreds of thousands.

    Args:
        looks: None where a photo could not be looked at.
        features: (n, dim), where they are known: they find crops as well, which change the hash.
    Returns:
        Groups of at least two different files, sorted; exact copies are listed with them.
    """
    known = [place for place, look in enumerate(looks) if look is not None]
    seen = [look for look in looks if look is not None]
    if not seen:
        return []
    numbers = _lookalikes(seen)
    if features is not None:
        numbers = _joined(numbers, _crops(features[known], seen))
    alike = exact_duplicates(numbers.tolist())
    groups = [part for group in alike for part in _cut_by_day(group, seen)]
    named = [tuple(sorted(known[place] for place in group)) for group in groups if _several(group, seen)]
    return sorted(named)


def find_near_duplicates(paths: Sequence[Path], *, callback: Callback = silent) -> list[Group]:
    """Look at photos and group those that look the same; a file that is no photo is in no group."""
    looks = take_looks(paths, step="Looking for near duplicates", callback=callback)
    return near_duplicates([look if isinstance(look, Look) else None for look in looks])


def near_duplicates_of(items: Sequence[Item], *, callback: Callback = silent) -> list[Group]:
    """Group the places of photos that look the same, of a dataset that was just read."""
    step, hashes = "Looking for near duplicates", [item.hash for item in items]
    looks = take_looks([item.path for item in items], hashes, step=step, callback=callback)
    return near_duplicates([look if isinstance(look, Look) else None for look in looks])


def _several(group: Sequence[int], seen: Sequence[Look]) -> bool:
    return len({seen[place].hash for place in group}) > 1


def _lookalikes(seen: Sequence[Look]) -> Places:
    """Number the photos so that those that look the same have one number, (photos,)."""
    bits = np.array([(look.across, look.down) for look in seen], np.uint64).reshape(-1, 2)
    times = np.array([_seconds(look) for look in seen])
    numbers = np.arange(len(seen))
    for part in _parts(bits):
        order = np.lexsort((bits[:, 0], times, part))
        for first, second in _neighbours(order, part):
            apart = _apart(times, first, second)
            differ = np.bitwise_count(bits[first] ^ bits[second]).sum(axis=1)
            near = (differ <= MAX_BITS) & ~apart & (numbers[first] != numbers[second])
            if near.any():
                numbers = _joined(numbers, _confirmed(first[near], second[near], seen))
    return numbers


def _crops(features: npt.NDArray[np.float32], seen: Sequence[Look]) -> Places:
    """Find pairs by their features and confirm them on the small grey pictures, (2, pairs)."""
    from fieldmark.issues.alignment import within_each_other
    from fieldmark.issues.nearpairs import similar_pairs

    first, second = similar_pairs(features)
    times = np.array([_seconds(look) for look in seen])
    near = ~_apart(times, first, second)
    first, second = first[near], second[near]
    same = within_each_other([look.tiny for look in seen], first, second)
    return np.stack([first[same], second[same]])


def _apart(times: npt.NDArray[np.float64], first: Places, second: Places) -> npt.NDArray[np.bool_]:
    """Whether both tell when they were taken, and it was not one event; nan is never apart."""
    return np.asarray(np.abs(times[first] - times[second]) > EVENT.total_seconds())


def _seconds(look: Look) -> float:
    """Camera clocks are compared as they are; a photo without a time gives nan."""
    if look.taken is None:
        return float("nan")
    return (look.taken.replace(tzinfo=None) - _EPOCH).total_seconds()


def _parts(bits: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.uint16]]:
    """Cut the 128 bits of each photo into CHUNKS parts, (photos,) each."""
    wide = np.unpackbits(bits.astype(">u8").view(np.uint8).reshape(len(bits), -1), axis=1)  # (photos, 128)
    for columns in np.array_split(np.arange(wide.shape[1]), CHUNKS):
        weights = (1 << np.arange(len(columns))).astype(np.uint16)
        yield wide[:, columns].astype(np.uint16) @ weights


def _neighbours(order: Places, part: npt.NDArray[np.uint16]) -> Iterator[tuple[Places, Places]]:
    """Give the pairs with an equal part, first those next to each other in `order`, which sorts by the part."""
    ordered = part[order]
    at = np.arange(len(order))
    for step in range(1, CROWD + 1):
        at = at[at < len(order) - step]
        at = at[ordered[at] == ordered[at + step]]  # what differs from one differs from all behind it
        if not len(at):
            return
        yield order[at], order[at + step]


def _confirmed(first: Places, second: Places, seen: Sequence[Look]) -> Places:
    """Keep the pairs whose small grey pictures agree, (2, pairs)."""
    agree = [np.empty(0, bool)]
    for start in range(0, len(first), BATCH):
        places = (side[start : start + BATCH] for side in (first, second))
        left, right = (_standard([seen[place].tiny for place in side]) for side in places)
        agree.append(np.einsum("ij,ij->i", left, right) >= MIN_CORRELATION)
    return np.stack([first, second])[:, np.concatenate(agree)]


def _standard(tinies: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
    """Flatten pictures to mean 0 and length 1, so that brightness and contrast do not matter."""
    flat = np.array(tinies, np.float32).reshape(len(tinies), TINY_PX * TINY_PX)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.sqrt(np.einsum("ij,ij->i", flat, flat))[:, None]
    return np.asarray(flat / np.maximum(length, 1e-6), np.float32)


def _joined(numbers: Places, pairs: Places) -> Places:
    """Give photos that a pair joins the same number: the smallest of those that hang together."""
    first, second = numbers[pairs]
    lowest = np.arange(len(numbers))
    while True:
        before = lowest
        meeting = np.minimum(lowest[first], lowest[second])
        lowest = lowest.copy()
        np.minimum.at(lowest, first, meeting)
        np.minimum.at(lowest, second, meeting)
        lowest = lowest[lowest]  # halves the way along a chain
        if np.array_equal(lowest, before):
            return np.asarray(lowest[numbers], np.intp)


def _cut_by_day(group: Sequence[int], seen: Sequence[Look]) -> Iterator[list[int]]:
    """Cut a group that a camera went on with for more than a day; photos without a time stay with the first."""
    timed = sorted((_seconds(seen[place]), place) for place in group if seen[place].taken)
    part = [place for place in group if not seen[place].taken]
    start = timed[0][0] if timed else 0.0
    for second, place in timed:
        if second - start > LONGEST.total_seconds():
            yield part
            part, start = [], second
        part.append(place)
    yield part
