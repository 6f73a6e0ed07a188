"""Thumbnails: small, square, without metadata, made once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

from fieldmark.errors import BadImageError
from fieldmark.hashing import file_hash
from fieldmark.thumbnails import THUMB_PX, make_thumbnails


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
