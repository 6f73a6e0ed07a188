"""What one look at a photo tells, and that it is taken once."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from skimage import data

from core.test_check import CAT, CUP, jpeg
from fieldmark.cachefolder import CACHE_VARIABLE
from fieldmark.callbacks import Progress
from fieldmark.errors import BadImageError, Cancelled
from fieldmark.imaging.hashing import file_hash
from fieldmark.imaging.lookcache import VERSION, open_look_cache, take_looks
from fieldmark.imaging.looks import TINY_PX, Look, brightness, look_at, sharpness


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of its own."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache" / f"looks-{VERSION}.sqlite"


def photo(path: Path, image: Image.Image = CAT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jpeg(image))
    return path


def assert_same(one: Look, two: Look) -> None:
    plain = [{name: value for name, value in vars(look).items() if name != "tiny"} for look in (one, two)]
    assert plain[0] == plain[1]
    assert np.array_equal(one.tiny, two.tiny)


def kept(paths: list[Path]) -> int:
    """How many of these photos the cache knows."""
    with open_look_cache() as cache:
        return len(cache.known([file_hash(path) for path in paths]))


def test_a_look_tells_size_format_and_time_of_the_whole_upright_photo() -> None:
    exif = Image.Exif()
    exif[274] = 6  # turned
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 12:30:00"
    file = io.BytesIO()
    CAT.save(file, "JPEG", exif=exif)
    look = look_at(file.getvalue())
    assert (look.format, look.width, look.height) == ("JPEG", CAT.height, CAT.width)
    assert look.taken is not None
    assert look.taken.isoformat() == "2024-05-01T12:30:00"
    assert look.tiny.shape == (TINY_PX, TINY_PX)


@pytest.mark.parametrize("image", [CAT, CUP, Image.fromarray(data.rocket()), Image.fromarray(data.camera())])
def test_brightness_and_sharpness_tell_dimmed_and_blurred_from_good(image: Image.Image) -> None:
    good = look_at(jpeg(image))
    assert look_at(jpeg(ImageEnhance.Brightness(image.convert("RGB")).enhance(0.2))).bright < 60 < good.bright
    assert look_at(jpeg(image.filter(ImageFilter.GaussianBlur(0.01 * image.width)))).sharp < 60 < good.sharp


def test_a_blurred_background_is_no_fault() -> None:
    bokeh = CAT.filter(ImageFilter.GaussianBlur(8))
    bokeh.paste(CAT.crop((140, 80, 260, 180)), (140, 80))
    assert look_at(jpeg(bokeh)).sharp > 60


@pytest.mark.parametrize("size", [(1, 1), (2, 399), (3, 3), (1, 60)])
def test_the_smallest_photos_have_a_look(size: tuple[int, int]) -> None:
    look = look_at(jpeg(Image.new("RGB", size, "red")))
    assert (look.width, look.height, look.sharp) == (*size, 0.0)
    assert sharpness(Image.new("L", size)) == 0.0


def test_what_is_no_photo_has_no_look() -> None:
    with pytest.raises(BadImageError):
        look_at(b"no photo")


def test_looks_come_in_order_and_a_bad_file_is_its_error(cache: Path, tmp_path: Path) -> None:
    paths = [photo(tmp_path / "1.jpg"), tmp_path / "missing.jpg", photo(tmp_path / "2.jpg", CUP)]
    one, bad, two = take_looks(paths)
    assert isinstance(one, Look)
    assert isinstance(two, Look)
    assert isinstance(bad, BadImageError)
    assert (one.width, two.width) == (CAT.width, CUP.width)


def test_a_look_that_was_kept_is_the_look_that_was_taken(cache: Path, tmp_path: Path) -> None:
    path = photo(tmp_path / "1.jpg")
    (first,) = take_looks([path])
    assert kept([path]) == 1
    (second,) = take_looks([photo(tmp_path / "moved" / "other.jpg")])
    assert isinstance(first, Look)
    assert isinstance(second, Look)
    assert_same(first, second)


def test_a_photo_whose_hash_is_known_is_not_read_again(cache: Path, tmp_path: Path) -> None:
    path = photo(tmp_path / "1.jpg")
    (first,) = take_looks([path])
    assert isinstance(first, Look)
    path.unlink()
    (second, missing) = take_looks([path, path], [first.hash, "0" * 64])
    assert isinstance(second, Look)
    assert_same(first, second)
    assert isinstance(missing, BadImageError)


def test_what_was_seen_before_somebody_stopped_is_kept(cache: Path, tmp_path: Path) -> None:
    paths = [photo(tmp_path / f"{n}.jpg", CAT.crop((0, 0, 100 + n, 100))) for n in range(20)]

    def stop(progress: Progress) -> None:
        if progress.done == 10:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        list(take_looks(paths, callback=stop))
    assert kept(paths) >= 10


def test_a_damaged_cache_is_no_fault(cache: Path, tmp_path: Path) -> None:
    cache.parent.mkdir()
    cache.write_bytes(os.urandom(5000))
    (look,) = take_looks([photo(tmp_path / "1.jpg")])
    assert isinstance(look, Look)


def test_where_no_cache_can_be_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    (look,) = take_looks([photo(tmp_path / "1.jpg")])
    assert isinstance(look, Look)


@pytest.mark.parametrize("image", [CAT, CUP, Image.fromarray(data.camera()), Image.new("L", (7, 300), 80)])
def test_quick_ways_to_brightness_and_sharpness_say_what_numpy_says(image: Image.Image) -> None:
    for grey in (
        image.convert("L"),
        image.convert("L").resize((21, 19)),
        image.convert("L").crop((2, 2, 9, 5)),
    ):
        pixels = np.asarray(grey, np.int16)
        edges = (
            4 * pixels[1:-1, 1:-1]
            - pixels[:-2, 1:-1]
            - pixels[2:, 1:-1]
            - pixels[1:-1, :-2]
            - pixels[1:-1, 2:]
        )
        tiles = [t for band in np.array_split(edges, 4) for t in np.array_split(band, 4, axis=1) if t.size]
        assert brightness(grey) == np.percentile(pixels, 95)
        assert sharpness(grey) == max(tile.var() for tile in tiles)
