"""Archives that would fill the disk or the memory, lie, or are broken: stopped and refused (FAULTS A22)."""

from __future__ import annotations

import gzip
import lzma
import random
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest

from core.archivefiles import GOOD, refusal, tar_of, zip_of
from fieldmark.errors import ArchiveError
from fieldmark.sources.archivelimits import MAX_PIECE
from fieldmark.sources.archives import ArchiveLimits, unpack_archive


@pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_unpacks_to_far_more_is_stopped_while_streaming(mode: str, tmp_path: Path) -> None:
    path = tar_of(tmp_path / "bomb.tar", {"a/1.jpg": bytes(60_000_000)}, mode)
    assert refusal(path, tmp_path / "out").code == "bomb"


def test_a_zip_that_says_it_unpacks_to_far_more_is_refused_unopened(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bomb.zip", {"a/1.jpg": bytes(11_000_000)})
    assert refusal(path, tmp_path / "out").code == "bomb"


def test_many_small_files_that_shrink_together_are_a_bomb_too(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bomb.zip", {f"a/{n}.jpg": bytes(1_000_000) for n in range(12)})
    assert refusal(path, tmp_path / "out").code == "bomb"


def test_more_bytes_than_the_limit_are_refused(tmp_path: Path) -> None:
    limits = ArchiveLimits(max_bytes=3_000)
    for make in (zip_of, tar_of):
        path = make(tmp_path / f"{make.__name__}.bin", GOOD)
        assert refusal(path, tmp_path / "out", limits=limits).code == "too_large"


def test_more_entries_than_the_limit_are_refused(tmp_path: Path) -> None:
    for make in (zip_of, tar_of):
        path = make(tmp_path / f"{make.__name__}.bin", GOOD)
        assert refusal(path, tmp_path / "out", limits=ArchiveLimits(max_entries=2)).code == "too_many_entries"


def test_fifty_thousand_entries_are_the_limit(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "many.zip", {f"a/{n}": b"" for n in range(50_001)}, zipfile.ZIP_STORED)
    assert refusal(path, tmp_path / "out").code == "too_many_entries"


def test_a_zip_directory_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "directory.zip", GOOD)
    data = path.read_bytes()
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[start : data.index(b"PK\1\2", start + 4)]
    times = MAX_PIECE // len(entry) + 1
    closing = bytearray(data[end:])
    closing[12:16] = struct.pack("<I", times * len(entry))
    path.write_bytes(data[:start] + entry * times + bytes(closing))
    assert refusal(path, tmp_path / "out").code == "bomb"


def fifield_bomb(path: Path, entries: int) -> Path:
    """Entries that all unpack the same compressed bytes, each through its own header."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    kernel = packer.compress(bytes(90_000)) + packer.flush()
    crc, headers, directory = zlib.crc32(bytes(90_000)), b"", b""
    for number in range(entries):
        name, extra = f"{number:04}".encode(), (entries - number - 1) * 34
        sizes = struct.pack("<IIIHH", crc, len(kernel), 90_000, len(name), extra)
        directory += b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 0) + sizes[:-2]
        directory += struct.pack("<HHHHII", 0, 0, 0, 0, 0, len(headers)) + name
        headers += b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 0) + sizes + name
    body = headers + kernel
    closing = struct.pack("<HHHHIIH", 0, 0, entries, entries, len(directory), len(body), 0)
    path.write_bytes(body + directory + b"PK\5\6" + closing)
    return path


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    path = fifield_bomb(tmp_path / "overlap.zip", 50)
    with zipfile.ZipFile(path) as archive:  # it is a bomb that works, elsewhere
        assert archive.read("0000") == archive.read("0049") == bytes(90_000)
    assert refusal(path, tmp_path / "out").code == "overlapping"


@pytest.mark.parametrize("says", [10, 2_999, 3_001, 9_999_999])
def test_a_zip_that_lies_about_a_size_is_refused(says: int, tmp_path: Path) -> None:
    path = zip_of(tmp_path / "liar.zip", {"a/1.jpg": b"two" * 1000}, zipfile.ZIP_STORED if says < 3000 else 8)
    data = path.read_bytes().replace(struct.pack("<I", 3000), struct.pack("<I", says))
    path.write_bytes(data)
    assert refusal(path, tmp_path / "out").code in {"damaged", "truncated", "overlapping"}


def test_a_tar_with_a_gigabyte_for_a_name_stays_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "name.tar.gz"
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1_000_000_000
    with gzip.open(path, "wb", 1) as file:
        file.write(info.tobuf())
        file.write(bytes(9_000_000))
    tracemalloc.start()
    try:
        assert refusal(path, tmp_path / "out").code == "bomb"
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_file_with_holes_cannot_fill_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "holes.tar"
    info = tarfile.TarInfo("a/1.jpg")
    info.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[483:495] = b"77777777777\0"  # its real size: 8 GB, none of it there
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    path.write_bytes(bytes(header) + bytes(1024))
    assert refusal(path, tmp_path / "out").code == "unsupported"


def test_an_encrypted_zip_is_refused_by_name(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "secret.zip", GOOD)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    error = refusal(path, tmp_path / "out")
    assert error.code == "encrypted"
    assert "password" in str(error)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_packed_by_a_rare_method_is_refused(method: int, tmp_path: Path) -> None:
    assert refusal(zip_of(tmp_path / "rare.zip", GOOD, method), tmp_path / "out").code == "unsupported"


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_an_archive_that_is_cut_anywhere_is_refused(mode: str, tmp_path: Path) -> None:
    files = {f"a/{n}.jpg": bytes(range(256)) * 8 for n in range(4)}
    whole = tmp_path / "whole"
    data = (zip_of(whole, files) if mode == "zip" else tar_of(whole, files, mode)).read_bytes()
    if mode == "w":
        data = data.rstrip(b"\0") + bytes(1024)
    path = tmp_path / "cut.bin"
    for length in [len(data) * part // 16 for part in range(1, 16)] + [
        len(data) - 1024 if mode == "w" else len(data) - 1
    ]:
        path.write_bytes(data[:length])
        assert refusal(path, tmp_path / "out").code in {"truncated", "damaged", "not_an_archive"}, length


def test_damage_in_the_middle_of_a_tar_is_not_taken_for_its_end(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "damaged.tar", {"a/1.jpg": b"1", "a/2.jpg": b"2", "a/3.jpg": b"3"})
    data = bytearray(path.read_bytes())
    data[1024:1030] = b"damage"  # the name in the second header
    path.write_bytes(data)
    assert refusal(path, tmp_path / "out").code == "damaged"


def test_a_flipped_bit_in_packed_bytes_is_refused(tmp_path: Path) -> None:
    for mode in ("zip", "w:gz"):
        path = tmp_path / f"flipped.{mode[-2:]}"
        noise = {"a/1.jpg": zlib.compress(bytes(range(256)) * 99)}
        data = bytearray((zip_of(path, noise) if mode == "zip" else tar_of(path, noise, mode)).read_bytes())
        data[len(data) // 3] ^= 1
        path.write_bytes(data)
        assert refusal(path, tmp_path / "out").code in {"damaged", "truncated"}


def test_an_empty_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nothing.zip").write_bytes(b"")
    (tmp_path / "nothing.tar.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "no-tar.xz").write_bytes(lzma.compress(bytes(10240)))
    zip_of(tmp_path / "empty.zip", {})
    zip_of(tmp_path / "folders.zip", {"a/": b"", "b/": b""})
    tar_of(tmp_path / "empty.tar", {})
    for name in ("nothing.zip", "nothing.tar.gz", "no-tar.xz", "empty.zip", "folders.zip", "empty.tar"):
        assert refusal(tmp_path / name, tmp_path / "out").code == "empty", name


def test_a_packed_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg.gz").write_bytes(gzip.compress(b"\xff\xd8\xff" + bytes(range(256)) * 9))
    assert refusal(tmp_path / "photo.jpg.gz", tmp_path / "out").code in {"damaged", "truncated"}


def test_an_archive_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.zip", tmp_path / "out").code == "unreadable"


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
def test_whatever_the_bytes_are_the_answer_is_files_or_an_archive_error(mode: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    data = (zip_of(whole, GOOD) if mode == "zip" else tar_of(whole, GOOD, mode)).read_bytes()
    dice, refused = random.Random(7), 0
    for number in range(200):
        changed = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            changed[dice.randrange(min(len(changed), 4096))] = dice.randrange(256)
        (tmp_path / "fuzz.bin").write_bytes(changed)
        try:
            unpack_archive(tmp_path / "fuzz.bin", tmp_path / f"out{number}")
        except ArchiveError:
            refused += 1
            assert not (tmp_path / f"out{number}").exists()
    assert refused > 20
