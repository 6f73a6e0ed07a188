"""Zip and tar archives of photos, unpacked so that none can do harm.

Names in an archive are data, never paths: each file is written under a number into one new folder, and its
name is handed over beside it. An archive with anything wrong is refused as a whole, and the folder is removed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tarfile
import zipfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.errors import ArchiveError, FieldmarkError, StoreError
from fieldmark.sources.archivelimits import DEFAULT_ARCHIVE_LIMITS, Archive, ArchiveLimits, Member
from fieldmark.sources.archivetar import tar_members
from fieldmark.sources.archivezip import zip_members
from fieldmark.sources.scan import is_junk

__all__ = [
    "DEFAULT_ARCHIVE_LIMITS",
    "ArchiveContent",
    "ArchiveKind",
    "ArchiveLimits",
    "UnpackedFile",
    "archive_kind",
    "unpack_archive",
]

ArchiveKind = Literal["zip", "tar", "gzip", "bzip2", "xz"]

_MAGIC: tuple[tuple[bytes, ArchiveKind], ...] = (
    (b"PK\3\4", "zip"),
    (b"PK\5\6", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
)
_CHUNK = 1 << 20
_COPY_AGAIN = "Copy it again from where it came."


@dataclass(frozen=True, slots=True)
class UnpackedFile:
    """One file that came out of an archive."""

    file: Path
    """Where its bytes are."""
    name: str
    """What it is called in the archive: relative, with slashes, without lone surrogates; perhaps not alone."""


@dataclass(frozen=True)
class ArchiveContent:
    """All that came out of an archive."""

    files: tuple[UnpackedFile, ...]
    """In the order of the archive."""
    skipped: int
    """Hidden files and what systems leave behind; not unpacked."""


def archive_kind(path: str | os.PathLike[str]) -> ArchiveKind | None:
    """Tell by its first bytes which kind of archive a file is; None when it is none that is read.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(tarfile.BLOCKSIZE)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return "tar" if head == bytes(tarfile.BLOCKSIZE) else None
    return "tar"


def unpack_archive(
    path: str | os.PathLike[str],
    into: str | os.PathLike[str],
    *,
    limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
    callback: Callback = silent,
) -> ArchiveContent:
    """Unpack a zip or tar (also .gz, .bz2, .xz) into a new folder, for importing it.

    Args:
        path: the archive; what it is, its content says.
        into: a folder that is not there yet; after any error it is not there either.
        limits: what the archive may ask for.
        callback: told after each file; may raise to stop.
    Raises:
        ArchiveError: `unsafe_entry`, `bomb`, `too_large`, `too_many_entries`, `overlapping`, `encrypted`,
            `unsupported`, `truncated`, `damaged`, `empty`, `not_an_archive` or `unreadable`.
        StoreError: `disk_full`.
        FileExistsError: there is something at `into`.
    """
    archive, target = Archive(Path(path), limits), Path(into)
    target.mkdir(parents=True)
    try:
        with _explained(archive):
            return _unpack(archive, target, callback)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _unpack(archive: Archive, into: Path, callback: Callback) -> ArchiveContent:
    files: list[UnpackedFile] = []
    skipped = 0
    with archive.path.open("rb") as file, contextlib.closing(_members(archive, file)) as members:
        for member in members:
            name = archive.safe_name(member.name)
            if any(map(is_junk, name.split("/"))):
                skipped += member.open is not None
            elif member.open is not None:
                files.append(UnpackedFile(into / f"{len(files):05}", name))
                _write(archive, member, files[-1].file)
                callback(Progress("Unpacking", len(files), 0))
    if not files:
        raise archive.refused("empty", "holds no files.", "Choose one with photos in it.")
    return ArchiveContent(tuple(files), skipped)


def _members(archive: Archive, file: BinaryIO) -> Generator[Member, None, None]:
    kind = archive_kind(archive.path)
    if kind == "zip":
        return zip_members(archive, file)
    if kind is not None:
        return tar_members(archive, file, kind)
    if not archive.path.stat().st_size:
        raise archive.refused("empty", "has no bytes.", _COPY_AGAIN)
    raise archive.refused(
        "not_an_archive",
        "is none that is read; a zip or tar (.tar, .tar.gz, .tar.bz2, .tar.xz) was expected.",
        "Unpack it with the program that made it, and import the folder.",
    )


def _write(archive: Archive, member: Member, target: Path) -> None:
    """Write one file; an archive that says another size than it holds lies about other things too."""
    assert member.open is not None
    written = 0
    with member.open() as stream, target.open("xb") as file:
        while written <= member.size and (chunk := stream.read(_CHUNK)):
            written += file.write(chunk)
    if written != member.size:
        raise archive.refused(
            "damaged", f"says {member.size} bytes for {member.name!r} and holds another number.", _COPY_AGAIN
        )


@contextlib.contextmanager
def _explained(archive: Archive) -> Iterator[None]:
    """Turn whatever the libraries raise on hostile bytes into a sentence."""
    try:
        yield
    except FieldmarkError:
        raise
    except OSError as exc:
        raise _system_error(archive, exc) from exc
    except Exception as exc:
        raise _library_error(archive, exc) from exc


def _system_error(archive: Archive, exc: OSError) -> FieldmarkError:
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"The disk is full: {archive.path.name!r} could not be unpacked, and what was unpacked of it is "
            "removed. Free some space.",
            code="disk_full",
        )
    if exc.errno is not None:
        return ArchiveError(f"{str(archive.path)!r} cannot be read: {exc.strerror}.", code="unreadable")
    return _library_error(archive, exc)


def _library_error(archive: Archive, exc: Exception) -> ArchiveError:
    said = str(exc)
    if "empty file" in said:
        return archive.refused("empty", "holds no files.", "Choose one with photos in it.")
    no_directory = isinstance(exc, zipfile.BadZipFile) and "not a zip" in said
    if isinstance(exc, EOFError) or no_directory or "end of data" in said or "truncated" in said:
        return archive.refused("truncated", "is cut off: its end is missing.", _COPY_AGAIN)
    return archive.refused("damaged", "is damaged, or of a rare kind.", _COPY_AGAIN)
