"""Small good photos of every accepted kind and colour mode, made anew each time and always the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image


def gradient(width: int = 40, height: int = 30) -> Image.Image:
    """A picture whose four corners can be told apart: red grows rightwards, green downwards."""
    red = (np.arange(width) * 255 // max(width - 1, 1)).astype(np.uint16)
    green = (np.arange(height) * 255 // max(height - 1, 1)).astype(np.uint16)[:, None]
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0], picture[..., 1], picture[..., 2] = red, green, (red + green) // 4
    return Image.fromarray(picture)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """The bytes of a file of this kind."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_alpha(image: Image.Image) -> Image.Image:
    """The picture, more and more transparent towards the right."""
    image = image.convert("RGBA")
    image.putalpha(image.getchannel("R").point(lambda value: 255 - value))
    return image


def grey_16_bit(image: Image.Image) -> Image.Image:
    """A 16-bit picture whose high byte is the red of this one."""
    return Image.fromarray(np.asarray(image.getchannel("R"), np.uint16) * 257)


def frames(image: Image.Image, mode: str = "RGB") -> list[Image.Image]:
    """The picture and two that differ from it, for everything that moves."""
    return [
        image.convert(mode),
        image.transpose(Image.Transpose.ROTATE_180).convert(mode),
        image.convert(mode),
    ]


def animation(kind: str, **options: object) -> bytes:
    """Three frames in one file."""
    first, *rest = frames(gradient())
    return encode(first, kind, save_all=True, append_images=rest, **options)


_SEEDS: dict[str, Callable[[], bytes]] = {
    "baseline.jpg": lambda: encode(gradient(), "JPEG", quality=90),
    "progressive.jpg": lambda: encode(gradient(), "JPEG", progressive=True, subsampling=0),
    "grey.jpg": lambda: encode(gradient().convert("L"), "JPEG"),
    "cmyk.jpg": lambda: encode(gradient().convert("CMYK"), "JPEG"),
    "exif.jpg": lambda: encode(gradient(), "JPEG", exif=exif_bytes()),
    "restarts.jpg": lambda: encode(gradient(), "JPEG", restart_marker_blocks=1),
    "pair.mpo": lambda: animation("MPO"),
    "rgb.png": lambda: encode(gradient(), "PNG"),
    "rgba.png": lambda: encode(with_alpha(gradient()), "PNG"),
    "grey.png": lambda: encode(gradient().convert("L"), "PNG"),
    "palette.png": lambda: encode(gradient().quantize(64), "PNG"),
    "bits.png": lambda: encode(gradient().convert("1"), "PNG"),
    "grey16.png": lambda: encode(grey_16_bit(gradient()), "PNG"),
    "frames.png": lambda: animation("PNG"),
    "still.gif": lambda: encode(gradient(), "GIF"),
    "frames.gif": lambda: animation("GIF", duration=100),
    "lossy.webp": lambda: encode(gradient(), "WEBP"),
    "lossless.webp": lambda: encode(with_alpha(gradient()), "WEBP", lossless=True),
    "frames.webp": lambda: animation("WEBP"),
    "rgb.bmp": lambda: encode(gradient(16, 12), "BMP"),
    "palette.bmp": lambda: encode(gradient(16, 12).quantize(64), "BMP"),
    "runs.bmp": lambda: run_length_bmp(),
    "raw.tif": lambda: encode(gradient(16, 12), "TIFF"),
    "lzw.tif": lambda: encode(gradient(), "TIFF", compression="tiff_lzw"),
    "deflate.tif": lambda: encode(gradient(), "TIFF", compression="tiff_adobe_deflate"),
    "jpeg.tif": lambda: encode(gradient(), "TIFF", compression="jpeg"),
    "packbits.tif": lambda: encode(gradient().convert("L"), "TIFF", compression="packbits"),
    "fax.tif": lambda: encode(gradient().convert("1"), "TIFF", compression="group4"),
    "float.tif": lambda: encode(gradient(16, 12).convert("F"), "TIFF"),
    "lab.tif": lambda: encode(lab(gradient(16, 12)), "TIFF"),
    "pages.tif": lambda: animation("TIFF", compression="tiff_lzw"),
    "still.avif": lambda: encode(gradient(), "AVIF", speed=10),
    "frames.avif": lambda: animation("AVIF", speed=10),
}


@cache
def seed_names() -> tuple[str, ...]:
    """Names of all seeds; the ending says the kind."""
    return tuple(_SEEDS)


@cache
def seed(name: str) -> bytes:
    """One good photo by its name."""
    return _SEEDS[name]()


def exif_bytes(orientation: int = 1, **texts: str) -> bytes:
    """EXIF with an orientation, a place and a camera; `texts` sets further tags by name."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F], exif[0x0110] = "Acme", "Trapper 9"
    for name, text in texts.items():
        if name in _EXIF_IFD_TAGS:
            exif.get_ifd(0x8769)[_EXIF_IFD_TAGS[name]] = text
        else:
            exif[{"DateTime": 0x0132, "ImageDescription": 0x010E}[name]] = text
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (61.0, 30.0, 0.0), "E", (24.0, 0.0, 0.0)
    return exif.tobytes()


_EXIF_IFD_TAGS = {
    "DateTimeOriginal": 0x9003,
    "DateTimeDigitized": 0x9004,
    "OffsetTimeOriginal": 0x9011,
    "SubsecTimeOriginal": 0x9291,
}


def lab(image: Image.Image) -> Image.Image:
    """The picture in the LAB colour space."""
    return image.convert("LAB")


def run_length_bmp(width: int = 16, height: int = 12) -> bytes:
    """An 8-bit BMP with run-length compression, which Pillow reads and does not write."""
    rows = b"".join(bytes((width // 2, row, width - width // 2, 255 - row, 0, 0)) for row in range(height))
    palette = b"".join(bytes((value, value, value, 0)) for value in range(256))
    pixels = rows + b"\0\1"
    start = 14 + 40 + len(palette)
    sizes = (40, width, height, 1 | 8 << 16, 1, len(pixels), 2835, 2835, 256, 0)
    header = b"BM" + b"".join(
        value.to_bytes(4, "little") for value in (start + len(pixels), 0, start, *sizes)
    )
    return header + palette + pixels
