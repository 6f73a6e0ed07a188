"""Tar archives, plain or packed by gzip, bzip2 or xz: read once from front to end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Generator
from functools import partial
from typing import BinaryIO, cast

from fieldmark.sources.archivelimits import Archive, Member, Meter, MeteredStream

MAX_XZ_MEMORY = 256 << 20
"""What xz may use to unpack; its strongest preset takes 65 MB."""

_CHUNK = 1 << 20


def tar_members(archive: Archive, file: BinaryIO, packing: str) -> Generator[Member, None, None]:
    """Give the entries of a tar, one by one; each must be read before the next is asked for.

    Args:
        archive: what it belongs to.
        file: at its beginning.
        packing: "tar" for none, "gzip", "bzip2" or "xz".
    Raises:
        ArchiveError: it cannot be trusted; entries that were given already count for nothing.
    """
    stream = MeteredStream(_unpacked(file, packing), archive, Meter(archive))
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape") as opened:
        for number, info in enumerate(opened, 1):
            archive.check_entries(number)
            yield _member(archive, opened, info)
        _check_end(archive, stream, opened.offset)


def _unpacked(file: BinaryIO, packing: str) -> BinaryIO:
    if packing == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if packing == "bzip2":
        return cast(BinaryIO, bz2.BZ2File(file))
    if packing == "xz":
        _check_xz_memory(file)
        return cast(BinaryIO, lzma.LZMAFile(file))
    return file


def _check_xz_memory(file: BinaryIO) -> None:
    """Refuse a dictionary of gigabytes before it is set up."""
    lzma.LZMADecompressor(memlimit=MAX_XZ_MEMORY).decompress(file.read(4096), max_length=1)
    file.seek(0)


def _member(archive: Archive, opened: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if info.issparse():
        raise archive.refused("unsupported", f"holds {info.name!r}, a file with holes in it.")
    if not (info.isreg() or info.isdir()):
        raise archive.refused("unsafe_entry", f"holds {info.name!r}, a link or device instead of a file.")
    return Member(info.name, info.size, partial(_open, opened, info) if info.isreg() else None)


def _open(opened: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    return cast(BinaryIO, opened.extractfile(info))


def _check_end(archive: Archive, stream: MeteredStream, end: int) -> None:
    """Refuse a tar without its closing zeros (tarfile takes damage for the end), and read the checksum behind."""
    stream.seek(end)
    closing = stream.read(tarfile.BLOCKSIZE)
    if closing.strip(b"\0"):
        raise archive.refused("damaged", "is damaged in the middle.", "Copy it again from where it came.")
    if len(closing) < tarfile.BLOCKSIZE:
        raise EOFError
    while stream.read(_CHUNK):
        pass
