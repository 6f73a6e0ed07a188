"""Zip archives: all that their directory tells is judged before a byte is unpacked."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Generator, Sequence
from functools import partial
from itertools import pairwise
from typing import BinaryIO, cast

from fieldmark.sources.archivelimits import Archive, Member, Meter, MeteredStream

METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
"""What every program writes; unpacking the others cannot be stopped half-way by Python 3.11."""

_ENCRYPTED, _UTF_8 = 0x1, 0x800
_LOCAL_HEADER_BYTES = 30
_UNIX = 3


def zip_members(archive: Archive, file: BinaryIO) -> Generator[Member, None, None]:
    """Give the entries of a zip, after judging all of them.

    Raises:
        ArchiveError: it cannot be trusted.
    """
    meter = Meter(archive)
    with zipfile.ZipFile(MeteredStream(file, archive, None)) as opened:
        infos = opened.infolist()
        archive.check_entries(len(infos))
        for info in infos:
            _check_entry(archive, info)
        archive.check_size(sum(info.file_size for info in infos))
        _check_overlap(archive, infos, opened.start_dir)
        for info in infos:
            unpack = None if info.is_dir() else partial(_open, opened, info, archive, meter)
            yield Member(_name(info), info.file_size, unpack)


def _open(opened: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Archive, meter: Meter) -> BinaryIO:
    return MeteredStream(cast(BinaryIO, opened.open(info)), archive, meter)


def _check_entry(archive: Archive, info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise archive.refused("encrypted", f"is protected by a password ({info.filename!r}).")
    if info.compress_type not in METHODS:
        raise archive.refused(
            "unsupported",
            f"is packed by a method that is not read (number {info.compress_type}).",
            "Pack it again as a plain zip (deflate).",
        )
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise archive.refused("unsafe_entry", f"holds {info.filename!r}, a link or device instead of a file.")
    archive.check_ratio(info.file_size, info.compress_size, repr(info.filename))


def _check_overlap(archive: Archive, infos: Sequence[zipfile.ZipInfo], start_of_directory: int) -> None:
    """Refuse entries that share bytes: a few kilobytes then become petabytes (Fifield 2019)."""
    starts = sorted((info.header_offset, info.compress_size) for info in infos)
    for (start, packed), (after, _) in pairwise([*starts, (start_of_directory, 0)]):
        if start + _LOCAL_HEADER_BYTES + packed > after:
            raise archive.refused("overlapping", "has entries that share the same bytes.")


def _name(info: zipfile.ZipInfo) -> str:
    """Give an entry's name; macOS writes UTF-8 without saying so."""
    name = info.orig_filename
    if info.flag_bits & _UTF_8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name
