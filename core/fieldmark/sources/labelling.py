"""Where labels come from: the folder a photo lies in, its file name, or a function."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

from fieldmark.dataset import SPLIT_FOLDERS
from fieldmark.errors import DatasetError

Labels = str | re.Pattern[str] | Callable[[Path], str | None] | None
"""None: the folder that a photo lies in. A regular expression: searched in the file's name; its group called
`label`, or else its first, is the label. A function: from the path, as the source has it, to the label."""


def no_label(_path: Path) -> None:
    """Give no photo a label, whatever folders and names say: somebody who looks at them will."""


REGEX_TIME_S = 10.0
"""For all names together; an honest expression takes a millionth of a second for each."""

_FIND = """
import json, re, sys
pattern, flags, names = json.load(sys.stdin)
regex = re.compile(pattern, flags)
group = "label" if "label" in regex.groupindex else 1
json.dump([m and m[group] for m in map(regex.search, names)], sys.stdout)
"""


def label_names(names: Sequence[str], labels: Labels = None) -> list[tuple[str | None, str | None]]:
    """Tell label and split of photos by what they are called in their source.

    Args:
        names: relative, with slashes.
        labels: see `Labels`. Top folders called train, valid or test are the split, whatever it is.
    Returns:
        Label and split of each; None where nothing tells.
    Raises:
        DatasetError: `bad_regex` or `slow_regex`.
    """
    paths = [PurePath(name) for name in names]
    depth = split_depth(paths)
    splits = [None if depth is None else SPLIT_FOLDERS[path.parts[depth].lower()] for path in paths]
    if labels is None:
        found = [_folder_label(path, 0 if depth is None else depth + 1) for path in paths]
    elif callable(labels):
        found = [labels(Path(path)) for path in paths]
    else:
        found = labels_by_regex([path.name for path in paths], labels)
    return [
        (label if label and label.strip() else None, split)
        for label, split in zip(found, splits, strict=True)
    ]


def split_depth(paths: Sequence[PurePath]) -> int | None:
    """Tell how deep the folders train, valid and test lie: 0, or more below a folder that holds everything."""
    depth = 0
    while paths and all(len(path.parts) >= depth + 3 for path in paths):
        folders = {path.parts[depth].lower() for path in paths}
        if folders <= SPLIT_FOLDERS.keys():
            return depth
        if len(folders) > 1:
            return None
        depth += 1
    return None


def labels_by_regex(names: Sequence[str], pattern: str | re.Pattern[str]) -> list[str | None]:
    """Search file names, in a process of its own: some expressions take years, and nothing else can stop them.

    Raises:
        DatasetError: `bad_regex` or `slow_regex`.
    """
    regex = _compiled(pattern)
    task = json.dumps([regex.pattern, regex.flags & ~re.DEBUG, names])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _FIND],
            input=task, capture_output=True, text=True, encoding="utf-8", check=True, timeout=REGEX_TIME_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise DatasetError(
            f"The expression {regex.pattern!r} takes too long on these names (over {REGEX_TIME_S:.0f} s). Write "
            "it without a repetition inside of a repetition, such as (a+)+.",
            code="slow_regex",
        ) from exc
    found: list[str | None] = json.loads(done.stdout)
    return found


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        regex = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        raise DatasetError(f"{pattern!r} is no regular expression: {exc}.", code="bad_regex") from exc
    if not regex.groups:
        raise DatasetError(
            f"The expression {regex.pattern!r} has no group. Put what is the label in brackets, such as "
            r"^(.+)_\d+\.jpg$ for “black bear_12.jpg”.",
            code="bad_regex",
        )
    return regex


def _folder_label(path: PurePath, first: int) -> str | None:
    classes = path.parts[first:-1]
    return classes[-1] if classes else None
