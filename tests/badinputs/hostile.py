"""Files made to cost far more than they weigh: memory, time or a full log."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from types import MappingProxyType

from PIL import Image

from badinputs.broken import BadInput, jpeg_segment, jpeg_with, png, png_chunk, tiff
from badinputs.seeds import encode, gradient, run_length_bmp, seed

HUGE = 13_377
"""Side of the picture that passes Pillow's own limit with a warning and costs a gigabyte."""


def black_strip(width: int, height: int) -> bytes:
    """A black PNG of this size."""
    return png(width, height)


def large_jpeg(**options: object) -> bytes:
    """A JPEG of 50 megapixels, which is just accepted."""
    return encode(gradient(8660, 5773), "JPEG", **options)


def _jpeg_of_many_scans() -> bytes:
    """12 more bytes a pass, each over 50 megapixels."""
    data = encode(Image.new("RGB", (8660, 5773)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * 3000 + b"\xff\xd9"


def _sequential_jpeg_of_many_scans() -> bytes:
    """The same without being progressive: one colour a pass."""
    data = encode(Image.new("L", (7000, 7000)), "JPEG")
    frame, scan = data.index(b"\xff\xc0"), data.rindex(b"\xff\xda")
    three = data[frame : frame + 9] + b"\3\1\x11\0\2\x11\0\3\x11\0"
    three = three[:2] + b"\0\x11" + three[4:]
    one = b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\0"
    return data[:frame] + three + data[frame + 13 : scan] + one * 3000 + b"\xff\xd9"


def _run_length_bmp() -> bytes:
    """Line ends only: every pixel is filled by a loop in Python."""
    data = bytearray(run_length_bmp())
    data[18:26] = struct.pack("<LL", 7000, 7000)
    return bytes(data[: 14 + 40 + 1024]) + b"\1\1\0\0" * 7000


def _gif_frame_beyond_screen() -> bytes:
    data = bytearray(seed("still.gif"))
    frame = data.index(b",\0\0\0\0")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 60_000, 60_000)
    return bytes(data)


def _webp_canvas(width: int, height: int) -> bytes:
    data = bytearray(seed("frames.webp"))
    data[24:30] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes(data)


def _text_chunk(size: int) -> bytes:
    return png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(size), 9))


def _tiff_tile(side: int) -> bytes:
    squeezed = zlib.compress(bytes(1_000_000), 9)
    tags = ((256, 4, 1, 10), (257, 4, 1, 10), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1))
    tiles = ((322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, 1024), (325, 4, 1, len(squeezed)))
    return tiff(*tags, *tiles, rest=squeezed)


def _tiff_numbers(count: int) -> bytes:
    offsets = struct.pack(f"<{count}L", *range(count))
    sizes = ((256, 4, 1, 10), (257, 4, 1, 10), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1))
    return tiff(*sizes, (273, 4, count, 1024), (277, 3, 1, 1), (278, 4, 1, 1), rest=offsets)


def tiff_of_odd_tags(count: int) -> bytes:
    """A good TIFF with tags of no known type: libtiff has two lines of complaint about each."""
    squeezed = zlib.compress(bytes(64))
    sizes = ((256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1))
    strip = ((273, 4, 1, 1024 * 1024), (278, 4, 1, 8), (279, 4, 1, len(squeezed)))
    odd = ((40_000 + n % 20_000, 0, 9, 1) for n in range(count))
    return tiff(*sizes, *strip, *odd).ljust(1024 * 1024, b"\0") + squeezed


HOSTILE: Mapping[str, BadInput] = MappingProxyType(
    {
        "huge.png": BadInput("too_many_pixels", lambda: png(HUGE, HUGE)),
        "just_over.png": BadInput("too_many_pixels", lambda: png(8661, 5774)),
        "huge.webp": BadInput("too_many_pixels", lambda: _webp_canvas(16_383, 10_900)),
        "largest.webp": BadInput("too_many_pixels", lambda: _webp_canvas(16_383, 16_383)),
        "frame.gif": BadInput("too_many_pixels", _gif_frame_beyond_screen),
        "tile.tif": BadInput("too_many_pixels", lambda: _tiff_tile(20_000)),
        "runs.bmp": BadInput("too_many_pixels", _run_length_bmp),
        "strip.png": BadInput("bad_aspect", lambda: black_strip(1, 201)),
        "long_strip.png": BadInput("bad_aspect", lambda: black_strip(40_000, 20)),
        "text.png": BadInput("text_bomb", lambda: png(8, 8, _text_chunk(100_000_000))),
        "texts.png": BadInput("text_bomb", lambda: png(8, 8, *[_text_chunk(1_000_000)] * 300)),
        "late_text.png": BadInput("text_bomb", lambda: png(8, 8, after=_text_chunk(100_000_000))),
        "profile.png": BadInput(
            "icc_bomb",
            lambda: png(8, 8, png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(100_000_000), 9))),
        ),
        "scans.jpg": BadInput("bad_image", _jpeg_of_many_scans),
        "colours.jpg": BadInput("bad_image", _sequential_jpeg_of_many_scans),
        "padding.jpg": BadInput("bad_image", lambda: jpeg_with(b"\xff" * 50_000_000)),
        "exif.jpg": BadInput(
            "bad_image",
            lambda: jpeg_with(
                jpeg_segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 30
                + jpeg_segment(0xE1, b"Exif\0\0x") * 200_000
            ),
        ),
        "crumbs.png": BadInput("bad_image", lambda: png(8, 8, png_chunk(b"teSt", b"") * 2_000_000)),
        "crumbs.gif": BadInput("bad_image", lambda: seed("still.gif")[:-2] + b"\1\1" * 20_000_000 + b"\0;"),
        "numbers.tif": BadInput("bad_image", lambda: _tiff_numbers(5_000_000)),
        "tags.tif": BadInput("bad_image", lambda: tiff_of_odd_tags(60_000)),
    }
)
"""By file name. Opened by Pillow alone, they cost up to 1.5 GB, 48 seconds, or 17 MB on stderr."""
