"""When and with what a photo was taken."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from badinputs.broken import BROKEN, jpeg_segment, jpeg_with
from badinputs.seeds import encode, exif_bytes, gradient, seed
from fieldmark.images import open_photo
from fieldmark.imaging.capture import Capture, capture_time, taken_by_exif

TAKEN = datetime(2019, 7, 8, 4, 5, 6)


def photo(kind: str = "JPEG", **texts: str) -> bytes:
    return encode(gradient(), kind, exif=exif_bytes(**texts))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_time_and_camera_are_read_from_every_kind_with_exif(kind: str) -> None:
    capture = capture_time(photo(kind, DateTimeOriginal="2019:07:08 04:05:06"))
    assert capture == Capture(TAKEN, make="Acme", model="Trapper 9")
    assert capture.camera == "Acme Trapper 9"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_photo_that_is_open_tells_the_same_time(kind: str) -> None:
    data = photo(kind, DateTimeOriginal="2019:07:08 04:05:06")
    assert taken_by_exif(open_photo(data).exif) == TAKEN
    assert taken_by_exif(open_photo(encode(gradient(), kind)).exif) is None


def test_the_zone_and_parts_of_a_second_are_kept() -> None:
    capture = capture_time(
        photo(DateTimeOriginal="2019:07:08 04:05:06", OffsetTimeOriginal="+02:00", SubsecTimeOriginal="25")
    )
    assert capture.taken == TAKEN.replace(microsecond=250_000, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize("offset", ["", "02:00", "+99:99", "Z!", "+0", "summer"])
def test_a_zone_that_does_not_parse_leaves_the_local_time(offset: str) -> None:
    assert (
        capture_time(photo(DateTimeOriginal="2019:07:08 04:05:06", OffsetTimeOriginal=offset)).taken == TAKEN
    )


def test_the_date_of_the_file_inside_exif_is_the_second_choice() -> None:
    assert capture_time(photo(DateTime="2019:07:08 04:05:06")).taken == TAKEN
    both = photo(DateTime="2021:01:01 00:00:00", DateTimeOriginal="2019:07:08 04:05:06")
    assert capture_time(both).taken == TAKEN


@pytest.mark.parametrize(
    "written",
    ["0000:00:00 00:00:00", "    :  :     :  :  ", "2019-07-08 04:05:06", "2019:13:40 04:05:06", "2019:07:08",
     "yesterday", "<script>", "2019:07:08 24:00:00"],
)  # fmt: skip
def test_a_date_that_does_not_parse_gives_the_files_time_and_a_flag(written: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(DateTimeOriginal=written))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    capture = capture_time(path)
    assert capture.taken is None
    assert capture.flagged
    assert capture.file_time == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)


@pytest.mark.parametrize("written", ["1970:01:01 00:00:00", "2099:01:01 00:00:00", "2020:09:16 00:00:00"])
def test_a_date_that_cannot_be_right_is_kept_and_flagged(written: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(DateTimeOriginal=written))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    capture = capture_time(str(path))
    assert capture.taken == datetime.strptime(written, "%Y:%m:%d %H:%M:%S")
    assert capture.flagged


def test_a_photo_copied_in_another_zone_is_not_flagged(tmp_path: Path) -> None:
    """The camera's clock is ahead of UTC by up to 14 hours."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(DateTimeOriginal="2020:09:14 02:26:00"))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert not capture_time(path).flagged


def test_a_photo_without_exif_has_its_files_time_and_no_flag(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(seed("baseline.jpg"))
    capture = capture_time(path)
    assert (capture.taken, capture.flagged, capture.camera) == (None, False, None)
    assert capture.file_time is not None
    assert capture_time(seed("baseline.jpg")) == Capture()


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [("Canon", "Canon EOS 5D", "Canon EOS 5D"), ("RECONYX", "HC600", "RECONYX HC600"), (None, "HC600", "HC600"),
     ("RECONYX", None, "RECONYX"), (None, None, None)],
)  # fmt: skip
def test_the_make_is_said_once(make: str | None, model: str | None, camera: str | None) -> None:
    assert Capture(make=make, model=model).camera == camera


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_gives_an_empty_capture_and_no_error(name: str) -> None:
    assert capture_time(BROKEN[name].make()) == Capture()


@pytest.mark.parametrize(
    "exif",
    [b"", b"MM\0*", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", bytes(50),
     b"MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\0",
     b"MM\0*\0\0\0\x08\0\1\1\x10\0\2\x7f\xff\xff\xff\0\0\0\x1a\0\0\0\0"],
    ids=["none", "header", "far", "many tags", "zeros", "a circle", "a text of 2 GB"],
)  # fmt: skip
def test_garbage_gives_an_empty_capture_and_no_error(exif: bytes) -> None:
    assert capture_time(jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + exif))) == Capture()


def test_a_file_that_is_not_there_gives_an_empty_capture(tmp_path: Path) -> None:
    assert capture_time(tmp_path / "gone.jpg") == Capture()
    assert capture_time("nul\0byte") == Capture()


def test_a_name_that_is_no_utf_8_is_still_text() -> None:
    exif = exif_bytes().replace(b"Acme", b"Ac\xe9\xff")
    make = capture_time(jpeg_with(jpeg_segment(0xE1, exif))).make
    assert make == "Ac\ufffd\ufffd"
