"""Splits that somebody else decided: a split.json, or the dataset's own train and valid folders.

    {"train": ["black/1.jpg", …], "valid": ["black/2.jpg", …], "test": […]}

Paths are relative to the dataset's folder, with forward slashes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldmark.dataset import Dataset
from fieldmark.errors import DatasetError
from fieldmark.splits import Split

SIDES = ("train", "valid", "test")
MOST_NAMED = 5
"""Paths of each kind that an error names."""


def read_split(path: str | Path, dataset: Dataset) -> Split:
    """Take the split that a file lists, for photos of this dataset.

    Photos that the file does not list are left out.

    Raises:
        DatasetError: `bad_split`, naming every fault of the file at once.
    """
    listed = _read_json(Path(path))
    places = {item.path.relative_to(dataset.root).as_posix(): i for i, item in enumerate(dataset.items)}
    faults = list(_faults(listed, places))
    if faults:
        raise DatasetError(f"{Path(path).name} cannot be used. {' '.join(faults)}", code="bad_split")
    train, valid, test = (tuple(sorted(places[name] for name in listed.get(side, ()))) for side in SIDES)
    return _checked(Split(train, valid, test))


def given_split(dataset: Dataset) -> Split:
    """Take the split that the dataset brings: its train, valid and test folders.

    Without a valid side, the test side is what the model is judged on.

    Raises:
        DatasetError: nothing is left to train on or to judge by.
    """
    by_side: dict[str, list[int]] = {side: [] for side in SIDES}
    for place, item in enumerate(dataset.items):
        by_side[item.split or "train"].append(place)
    if by_side["valid"]:
        return _checked(Split(tuple(by_side["train"]), tuple(by_side["valid"]), tuple(by_side["test"])))
    note = "The folders name no valid photos, so the test photos are what the model is judged on."
    return _checked(Split(tuple(by_side["train"]), tuple(by_side["test"]), notes=(note,)))


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


def _checked(split: Split) -> Split:
    if not split.train or not split.valid:
        raise DatasetError(
            f"The split has {len(split.train)} photos to train on and {len(split.valid)} to judge by; both "
            "are needed.",
            code="cannot_split",
        )
    return split
