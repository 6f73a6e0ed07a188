"""What untrusted bytes may cost: memory, time and lines in a log, measured in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

from badinputs.costs import cost_of
from badinputs.hostile import HOSTILE, large_jpeg, tiff_of_odd_tags
from badinputs.seeds import encode, exif_bytes, gradient, seed, with_alpha
from fieldmark.errors import BadImageError
from fieldmark.images import Limits, open_photo

measured = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")

HEADER_MIB = 50
"""What refusing by the header may take, beside the file."""
UPLOAD_MIB = 300
"""What decoding anything that is accepted may take, beside the file."""


@measured
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_next_to_nothing(name: str, tmp_path: Path) -> None:
    data = HOSTILE[name].make()
    cost = cost_of(data, tmp_path)
    assert cost.code == HOSTILE[name].code
    assert cost.seconds < 2
    assert cost.growth_mib < HEADER_MIB + 3 * len(data) / 2**20
    assert cost.stderr == ""


def test_exif_behind_the_pixels_is_nobodys_burden() -> None:
    assert open_photo(seed("exif.jpg") * 40).format == "JPEG"


@measured
def test_a_jpeg_of_50_megapixels_takes_the_memory_of_a_small_photo(tmp_path: Path) -> None:
    data = large_jpeg()
    cost = cost_of(data, tmp_path, need_px=224)
    assert cost.code == "accepted"
    assert cost.growth_mib < 30


LARGEST = {
    "progressive.jpg": lambda: large_jpeg(progressive=True, subsampling=0),
    "rgb.png": lambda: encode(gradient(8660, 5773), "PNG", compress_level=1),
    "rgba.png": lambda: encode(with_alpha(gradient(8660, 5773)), "PNG", compress_level=1),
    "grey16.png": lambda: encode(Image.new("I;16", (8660, 5773), 40_000), "PNG", compress_level=1),
    "palette.gif": lambda: encode(gradient(8660, 5773).convert("P"), "GIF"),
    "cmyk.tif": lambda: encode(
        gradient(7500, 5000).convert("CMYK"), "TIFF", compression="tiff_adobe_deflate", tiffinfo={278: 5000}
    ),
    "rotated.tif": lambda: encode(
        gradient(5000, 5000), "TIFF", compression="tiff_adobe_deflate", tiffinfo={278: 5000, 274: 6}
    ),
    "lossy.webp": lambda: encode(gradient(5000, 3700), "WEBP", method=0),
    "still.avif": lambda: encode(gradient(6660, 5000), "AVIF", speed=10),
}
"""The largest of its kind that is accepted."""


@measured
@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_photo_of_every_kind_stays_within_300_mb(name: str, tmp_path: Path) -> None:
    data = LARGEST[name]()
    cost = cost_of(data, tmp_path, need_px=224)
    assert cost.code == "accepted"
    assert cost.growth_mib < UPLOAD_MIB + len(data) / 2**20


@pytest.mark.parametrize(
    ("size", "kind", "options"),
    [((5000, 3751), "WEBP", {"method": 0}), ((7500, 5001), "TIFF", {}),
     ((5001, 5000), "TIFF", {"exif": exif_bytes(6)})],
)  # fmt: skip
def test_what_would_take_more_is_refused_by_its_header(
    size: tuple[int, int], kind: str, options: dict[str, object]
) -> None:
    data = encode(Image.new("RGB", size), kind, **options)
    with pytest.raises(
        BadImageError, match=f"Too large: {size[0]} × {size[1]}|{size[1]} × {size[0]}"
    ) as caught:
        open_photo(data, limits=Limits(max_bytes=200_000_000))
    assert caught.value.code == "too_many_pixels"


@measured
def test_a_malformed_tiff_does_not_flood_stderr(tmp_path: Path) -> None:
    """Left alone, libtiff writes two lines for each of these tags."""
    cost = cost_of(tiff_of_odd_tags(900), tmp_path)
    assert cost.code == "accepted"
    assert cost.stderr == ""


def test_the_limits_can_be_widened_by_whoever_trusts_the_source() -> None:
    data = encode(Image.new("L", (300, 1)), "PNG")
    assert open_photo(data, limits=Limits(max_aspect=300)).image.size == (300, 1)
