"""Archives: what is good comes out, and what is not is refused as a whole (FAULTS A21–A24)."""

from __future__ import annotations

import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from core.archivefiles import GOOD, contents, refusal, tar_of, tar_with, zip_of, zip_with_mode
from fieldmark.callbacks import Progress
from fieldmark.errors import Cancelled
from fieldmark.sources.archives import archive_kind, unpack_archive

# --- Good ones ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        zip_of,
        lambda path, files: zip_of(path, files, zipfile.ZIP_STORED),
        tar_of,
        lambda path, files: tar_of(path, files, "w:gz"),
        lambda path, files: tar_of(path, files, "w:bz2"),
        lambda path, files: tar_of(path, files, "w:xz"),
    ],
    ids=["zip", "zip stored", "tar", "tar.gz", "tar.bz2", "tar.xz"],
)
def test_every_kind_of_archive_gives_its_files_byte_for_byte(
    make: Callable[[Path, Mapping[str, bytes]], Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "photos.bin", GOOD)
    assert contents(unpack_archive(path, tmp_path / "out")) == GOOD
    assert all(file.parent == tmp_path / "out" for file in (tmp_path / "out").rglob("*"))


def test_what_an_archive_is_its_content_says(tmp_path: Path) -> None:
    assert archive_kind(zip_of(tmp_path / "a.tar", GOOD)) == "zip"
    assert archive_kind(tar_of(tmp_path / "a.zip", GOOD, "w:xz")) == "xz"
    (tmp_path / "text.zip").write_text("no archive at all, though it is called one")
    assert archive_kind(tmp_path / "text.zip") is None
    assert refusal(tmp_path / "text.zip", tmp_path / "out").code == "not_an_archive"


def test_what_systems_leave_behind_is_skipped_and_counted(tmp_path: Path) -> None:
    junk = ["a/.DS_Store", "Thumbs.db", "__MACOSX/a/._1.jpg", "a/.ipynb_checkpoints/1.jpg", ".hidden/1.jpg"]
    for make in (zip_of, tar_of):
        path = make(tmp_path / f"{make.__name__}.bin", {**GOOD, **dict.fromkeys(junk, b"junk")})
        content = unpack_archive(path, tmp_path / make.__name__)
        assert content.skipped == len(junk)
        assert contents(content) == GOOD


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_names_that_are_one_on_some_disks_are_both_kept(
    make: Callable[[Path, Mapping[str, bytes]], Path], tmp_path: Path
) -> None:
    files = {"a/Bär.jpg": b"1", "a/bär.jpg": b"2", "a/Ba\u0308r.jpg": b"3", "A/Bär.jpg": b"4"}
    assert contents(unpack_archive(make(tmp_path / "photos", files), tmp_path / "out")) == files


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_gives_both_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("a/1.jpg", b"first")
        archive.writestr("a/1.jpg", b"second")
    content = unpack_archive(tmp_path / "twice.zip", tmp_path / "out")
    assert [(file.name, file.file.read_bytes()) for file in content.files] == [
        ("a/1.jpg", b"first"),
        ("a/1.jpg", b"second"),
    ]


def test_a_name_that_is_not_utf_8_becomes_an_escaped_text(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "latin.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        archive.addfile(tarfile.TarInfo("bär/1.jpg"))
    (file,) = unpack_archive(tmp_path / "latin.tar", tmp_path / "out").files
    assert file.name == r"b\udce4r/1.jpg"
    assert file.name.isascii()


def test_the_names_in_a_zip_of_macos_are_read_as_utf_8(tmp_path: Path) -> None:
    """Its Finder writes UTF-8 and does not set the flag that says so."""
    path = zip_of(tmp_path / "mac.zip", {"b\u00e4r/1.jpg": b"x"})
    data = bytearray(path.read_bytes())
    for signature, flags_at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(signature) + flags_at
        data[at : at + 2] = struct.pack("<H", struct.unpack_from("<H", data, at)[0] & ~0x800)
    path.write_bytes(data)
    (file,) = unpack_archive(path, tmp_path / "out").files
    assert file.name == "bär/1.jpg"


def test_the_callback_can_stop_it_and_nothing_is_left(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        unpack_archive(zip_of(tmp_path / "a.zip", GOOD), tmp_path / "out", callback=stop)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        unpack_archive(zip_of(tmp_path / "a.zip", GOOD), tmp_path / "out")
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


# --- A21: paths that lead out, links, devices ---------------------------------------------------------------

ESCAPES = [
    "../x.jpg",
    "a/../../x.jpg",
    "/abs.jpg",
    "C:\\x.jpg",
    "c:x.jpg",
    "..\\x.jpg",
    "\\\\host\\x.jpg",
    "a/..",
]


@pytest.mark.parametrize("make", [zip_of, tar_of])
@pytest.mark.parametrize("name", ESCAPES)
def test_a_path_that_leads_out_refuses_the_whole_archive(
    name: str, make: Callable[[Path, Mapping[str, bytes]], Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "evil.bin", {**GOOD, name: b"evil"})
    assert refusal(path, tmp_path / "inner" / "out").code == "unsafe_entry"


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE],
    ids=["symlink", "hardlink", "character device", "block device", "fifo"],
)
def test_a_link_or_device_in_a_tar_refuses_the_whole_archive(kind: bytes, tmp_path: Path) -> None:
    path = tar_with(tmp_path / "evil.tar", "a/link.jpg", kind, "/etc/passwd")
    assert refusal(path, tmp_path / "out").code == "unsafe_entry"


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o060666, 0o010666, 0o140777])
def test_a_link_or_device_in_a_zip_refuses_the_whole_archive(mode: int, tmp_path: Path) -> None:
    assert refusal(zip_with_mode(tmp_path / "evil.zip", mode), tmp_path / "out").code == "unsafe_entry"
