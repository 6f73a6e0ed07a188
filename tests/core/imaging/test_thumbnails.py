"""Thumbnails: small, square, without metadata, made once."""

from __future__ import annotations

import contextlib
import io
import sqlite3
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.errors import BadImageError
from fieldmark.imaging import thumbnails
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.thumbnails import THUMB_PX, WHOLE_PX, make_thumbnails, make_whole


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIELDMARK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.fromarray(chelsea()).save(tmp_path / "cat.jpg", exif=exif)
    return tmp_path / "cat.jpg"


def one(path: Path) -> bytes | BadImageError:
    (made,) = make_thumbnails([(path, file_hash(path))])
    return made


def test_a_thumbnail_is_a_small_square_jpeg_without_metadata(cat: Path) -> None:
    made = one(cat)
    assert isinstance(made, bytes)
    assert b"where I live" not in made
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (THUMB_PX, THUMB_PX), {})


def test_the_second_time_the_file_is_not_read_again(cat: Path) -> None:
    digest, first = file_hash(cat), one(cat)
    cat.unlink()
    assert list(make_thumbnails([(cat, digest)])) == [first]


def test_a_photo_that_cannot_be_read_is_its_reason_and_the_rest_goes_on(cat: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(cat.read_bytes()[:3000])
    made = list(make_thumbnails([(broken, file_hash(broken)), (cat, file_hash(cat))]))
    assert isinstance(made[0], BadImageError)
    assert isinstance(made[1], bytes)


def test_without_a_cache_it_works_all_the_same(cat: Path, own_cache: Path) -> None:
    own_cache.write_text("a file where the folder should be")
    assert isinstance(one(cat), bytes)


def test_a_damaged_cache_is_no_fault(cat: Path, own_cache: Path) -> None:
    own_cache.mkdir()
    (own_cache / "thumbnails-1.sqlite").write_bytes(b"no database" * 999)
    assert isinstance(one(cat), bytes)


def test_where_the_hash_is_not_known_the_bytes_tell_it(cat: Path) -> None:
    digest, (first,) = file_hash(cat), make_thumbnails([(cat, "")])
    cat.unlink()
    assert list(make_thumbnails([(cat, digest)])) == [first]


def test_a_file_that_is_gone_is_its_reason(tmp_path: Path) -> None:
    made = list(make_thumbnails([(tmp_path / "gone.jpg", ""), (tmp_path / "gone.jpg", "0" * 64)]))
    assert [str(reason)[:11] for reason in made] == ["Unreadable:", "Unreadable:"]


def test_the_oldest_thumbnails_make_room(
    cat: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "MAX_KEPT", 2)
    photos = []
    for number in range(4):
        photos.append(tmp_path / f"{number}.png")
        Image.new("RGB", (300, 300), (60 * number, 0, 0)).save(photos[-1])
        one(photos[-1])
    with contextlib.closing(sqlite3.connect(own_cache / "thumbnails-1.sqlite")) as database:
        kept = {digest for (digest,) in database.execute("SELECT sha256 FROM thumbnail")}
    assert kept == {file_hash(photo) for photo in photos[2:]}


def test_the_whole_photo_is_whole_not_larger_than_a_screen_and_without_metadata(
    cat: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    Image.fromarray(chelsea()).resize((3200, 2000)).save(tmp_path / "large.jpg", exif=exif)
    small, large = make_whole(cat), make_whole(tmp_path / "large.jpg")
    assert isinstance(small, bytes)
    assert isinstance(large, bytes)
    assert b"where I live" not in large
    sizes = [Image.open(io.BytesIO(made)).size for made in (small, large)]
    assert sizes == [(451, 300), (WHOLE_PX, 1000)]


def test_a_broken_photo_has_a_reason_instead_of_a_whole(cat: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(cat.read_bytes()[:3000])
    assert isinstance(make_whole(tmp_path / "broken.jpg"), BadImageError)
