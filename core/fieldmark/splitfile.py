"""Splits that somebody else decided: a split.json, or the dataset's own train and valid folders.

    {"train": ["black/1.jpg", …], "valid": ["black/2.jpg", …], "test": […]}

Paths are relative to the dataset's folder, with forward slashes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldmark.dataset import Dataset
from fieldmark.errors import DatasetError
from fieldmark.splits import Split, group_items

SIDES = ("train", "valid", "test")
MOST_NAMED = 5
"""Paths of each kind that an error names."""

Places = tuple[int, ...]


def read_split(path: str | Path, dataset: Dataset, groups: Iterable[Sequence[int]] = ()) -> Split:
    """Take the split that a file lists, for photos of this dataset.

    Photos that the file does not list are left out. It is taken as it is; a note says how many groups of what
    belongs together (the same bytes, the same `Item.group`, `groups`) it has on two sides.

    Raises:
        DatasetError: `bad_split`, naming every fault of the file at once.
    """
    listed = _read_json(Path(path))
    places = {item.path.relative_to(dataset.root).as_posix(): i for i, item in enumerate(dataset.items)}
    faults = list(_faults(listed, places))
    if faults:
        raise DatasetError(f"{Path(path).name} cannot be used. {' '.join(faults)}", code="bad_split")
    train, valid, test = (tuple(sorted(places[name] for name in listed.get(side, ()))) for side in SIDES)
    return _checked(train, valid, test, clusters=group_items(dataset.items, groups))


def given_split(dataset: Dataset, groups: Iterable[Sequence[int]] = ()) -> Split:
    """Take the split that the dataset brings: its train, valid and test folders, or the sides in its catalog.

    A photo whose side is open is learned from, unless it belongs together with one that is held out. Without a
    valid side, the test side is what the model is judged on. Groups on two sides are noted as in `read_split`.

    Raises:
        DatasetError: nothing is left to train on or to judge by.
    """
    clusters = group_items(dataset.items, groups)
    by_side: dict[str, list[int]] = {side: [] for side in SIDES}
    for cluster in clusters:
        sides = [dataset.items[place].split for place in cluster]
        held_out = next((side for side in ("test", "valid") if side in sides), "train")
        for place, side in zip(cluster, sides, strict=True):
            by_side[side or held_out].append(place)
    train, valid, test = (tuple(sorted(by_side[side])) for side in SIDES)
    if valid:
        return _checked(train, valid, test, clusters=clusters)
    note = "No photo is given as valid, so the test photos are what the model is judged on."
    return _checked(train, test, clusters=clusters, notes=(note,))


def write_split(path: str | Path, dataset: Dataset, split: Split) -> None:
    """Write a split as split.json, so that another run or another program can use the same."""
    content = {
        side: [dataset.items[place].path.relative_to(dataset.root).as_posix() for place in places]
        for side, places in zip(SIDES, (split.train, split.valid, split.test), strict=True)
    }
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, list[str]]:
    try:
        raw = json.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise DatasetError(f"{path} cannot be read: {exc.strerror}.", code="bad_split") from exc
    except (ValueError, RecursionError) as exc:
        raise DatasetError(f"{path.name} is not JSON: {exc}.", code="bad_split") from exc
    if not _is_split(raw):
        raise DatasetError(
            f'{path.name} was expected to be {{"train": [paths], "valid": [paths]}}, with relative paths.',
            code="bad_split",
        )
    return dict(raw)


def _is_split(raw: Any) -> bool:
    return (
        isinstance(raw, dict)
        and {"train", "valid"} <= raw.keys() <= set(SIDES)
        and all(isinstance(v, list) and all(isinstance(p, str) for p in v) for v in raw.values())
    )


def _faults(listed: Mapping[str, list[str]], places: Mapping[str, int]) -> Iterator[str]:
    times = Counter(path for paths in listed.values() for path in paths)
    unknown = sorted(path for path in times if path not in places)
    twice = sorted(path for path, count in times.items() if count > 1)
    if unknown:
        yield f"The dataset has no {_named(unknown)}."
    if twice:
        yield f"Listed more than once: {_named(twice)}."
    for side in ("train", "valid"):
        if not listed[side]:
            yield f"It lists no photo under {side!r}."


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(map(repr, paths[:MOST_NAMED])) + more


def _checked(
    train: Places,
    valid: Places,
    test: Places = (),
    *,
    clusters: Iterable[Places],
    notes: tuple[str, ...] = (),
) -> Split:
    if not train or not valid:
        raise DatasetError(
            f"The split has {len(train)} photos to train on and {len(valid)} to judge by; both are needed.",
            code="cannot_split",
        )
    leaks = _leaks((train, valid, test), clusters)
    if leaks:
        notes += (
            f"The split that is given has {'1 group' if leaks == 1 else f'{leaks} groups'} of photos that belong "
            "together on two sides, so its figures flatter. `fieldmark check` names duplicates.",
        )
    return Split(train, valid, test, notes)


def _leaks(sides: Iterable[Places], clusters: Iterable[Places]) -> int:
    """Count the clusters that lie on two sides."""
    side_of = {place: number for number, places in enumerate(sides) for place in places}
    return sum(len({side_of[p] for p in cluster if p in side_of}) > 1 for cluster in clusters)
