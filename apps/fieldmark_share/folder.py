"""The folder that sharing writes: new or empty, and whole or not there."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fieldmark.errors import DatasetError


@contextlib.contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """Write into a folder beside `out` that takes its place when all went well.

    Raises:
        DatasetError: there is something at `out` already; nothing is ever written over.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(
            f"{out} is not empty, and nothing is written over. Name a folder that is new, or empty this one.",
            code="not_empty",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        yield unfinished
        if out.exists():
            out.rmdir()
        unfinished.chmod(0o755)
        unfinished.rename(out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
