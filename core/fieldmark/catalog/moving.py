"""Moving files so that at every moment each is whole at one of two places, whatever is killed or pulled out."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from fieldmark.imaging.hashing import file_hash

PART = ".part"
"""Ending of a copy that is not finished; such a file may always be deleted."""


def move_file(source: Path, target: Path) -> None:
    """Move a file with its times, never onto another one. Doing it again after a crash finishes it.

    Raises:
        FileNotFoundError: it is at neither place.
        FileExistsError: another file is at `target`.
        OSError: it may not be moved; it is still at `source`.
    """
    if os.path.lexists(target):
        _finish_move(source, target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        _copy_across(source, target)
        source.unlink()


def sync_folders(folders: Iterable[Path]) -> None:
    """Make moves outlast a power cut, as far as the system lets folders be opened (Windows does not)."""
    for folder in folders:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's bytes outlast a power cut."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _finish_move(source: Path, target: Path) -> None:
    """The target is there: by an earlier run, with or without its source, or it is another file."""
    if not os.path.lexists(source):
        return
    if source.is_symlink() or target.is_symlink() or file_hash(source) != file_hash(target):
        raise FileExistsError(errno.EEXIST, "another file is there already", str(target))
    source.unlink()


def _copy_across(source: Path, target: Path) -> None:
    """Copy to another disk, and believe it only when read back."""
    part = target.with_name(target.name + PART)
    try:
        shutil.copyfile(source, part, follow_symlinks=False)
        if not source.is_symlink():
            sync_file(part)
            if file_hash(part) != file_hash(source):
                raise OSError(errno.EIO, "the copy differs from the file", str(source))
        shutil.copystat(source, part, follow_symlinks=False)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
