"""Every colour mode becomes 8-bit RGB with these very values."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from PIL import Image

from badinputs.broken import png, png_chunk
from badinputs.seeds import encode, gradient
from fieldmark.images import open_photo
from fieldmark.imaging.colour import BAND_PIXELS, to_rgb

RGB = tuple[int, int, int]


def decoded(data: bytes) -> list[RGB]:
    image = open_photo(data).image
    assert image.mode == "RGB"
    return [tuple(pixel) for pixel in np.asarray(image).reshape(-1, 3).tolist()]


def one_pixel(mode: str, colour: object) -> Image.Image:
    return Image.new(mode, (1, 1), colour)


@pytest.mark.parametrize(
    ("mode", "colour", "kind", "golden"),
    [
        ("1", 1, "PNG", (255, 255, 255)),
        ("1", 0, "TIFF", (0, 0, 0)),
        ("L", 77, "PNG", (77, 77, 77)),
        ("LA", (77, 255), "PNG", (77, 77, 77)),
        ("LA", (0, 128), "PNG", (127, 127, 127)),
        ("LA", (77, 0), "TIFF", (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), "PNG", (255, 0, 0)),
        ("RGBA", (255, 0, 0, 128), "PNG", (255, 127, 127)),
        ("RGBA", (255, 0, 0, 0), "PNG", (255, 255, 255)),
        ("RGBA", (0, 0, 255, 51), "WEBP", (204, 204, 255)),
        ("RGBA", (10, 20, 30, 0), "TIFF", (255, 255, 255)),
        ("RGBX", (9, 8, 7, 0), "TIFF", (9, 8, 7)),
        ("CMYK", (0, 255, 255, 0), "TIFF", (255, 0, 0)),
        ("CMYK", (0, 0, 0, 128), "TIFF", (127, 127, 127)),
        ("CMYK", (255, 0, 0, 64), "TIFF", (0, 191, 191)),
        ("YCbCr", (128, 128, 128), "TIFF", (128, 128, 128)),
        ("LAB", (128, 128, 128), "TIFF", (119, 119, 119)),
        ("LAB", (255, 128, 128), "TIFF", (254, 255, 254)),
        ("I;16", 0, "PNG", (0, 0, 0)),
        ("I;16", 0x80FF, "PNG", (128, 128, 128)),
        ("I;16", 65535, "PNG", (255, 255, 255)),
        ("I;16", 0x80FF, "TIFF", (128, 128, 128)),
        ("I;16B", 0x80FF, "TIFF", (128, 128, 128)),
        ("I", 200, "TIFF", (200, 200, 200)),
        ("I", 32768, "TIFF", (128, 128, 128)),
        ("I", -5, "TIFF", (0, 0, 0)),
        ("F", 0.5, "TIFF", (128, 128, 128)),
        ("F", 200.0, "TIFF", (200, 200, 200)),
        ("F", 65535.0, "TIFF", (255, 255, 255)),
        ("F", float("nan"), "TIFF", (0, 0, 0)),
        ("F", float("inf"), "TIFF", (255, 255, 255)),
    ],
)
def test_one_pixel_of_every_mode(mode: str, colour: object, kind: str, golden: RGB) -> None:
    assert decoded(encode(one_pixel(mode, colour), kind)) == [golden]


def test_sixteen_bits_of_grey_are_scaled_and_not_clipped() -> None:
    ramp = Image.fromarray(np.arange(0, 65536, 257, np.uint16).reshape(16, 16))
    assert decoded(encode(ramp, "PNG")) == [(value, value, value) for value in range(256)]


def test_sixteen_bits_of_colour_and_of_grey_are_scaled_alike() -> None:
    """Pillow writes no 16-bit colour, so this one is made by hand."""
    header = (8).to_bytes(4) + (1).to_bytes(4) + bytes((16, 2, 0, 0, 0))
    values = [0, 255, 256, 0x7FFF, 0x8000, 0xFEFF, 0xFF00, 0xFFFF]
    row = b"\0" + b"".join(value.to_bytes(2) * 3 for value in values)
    colour = png(8, 1, pixels=zlib.compress(row))
    colour = colour[:8] + png_chunk(b"IHDR", header) + colour[33:]
    grey = encode(Image.fromarray(np.array([values], np.uint16)), "PNG")
    assert decoded(colour) == decoded(grey)


@pytest.mark.parametrize(
    ("mode", "transparency", "golden"),
    [("P", 0, (255, 255, 255)), ("P", bytes((0, 255)), (255, 255, 255)), ("P", 1, (200, 10, 20)),
     ("L", 60, (255, 255, 255)), ("L", 61, (60, 60, 60)), ("RGB", (60, 60, 60), (255, 255, 255)),
     ("I;16", 60, (255, 255, 255)), ("I;16", 61, (0, 0, 0))],
)  # fmt: skip
def test_a_transparent_colour_is_laid_on_white(mode: str, transparency: object, golden: RGB) -> None:
    image = one_pixel(mode, {"P": 0, "RGB": (60, 60, 60)}.get(mode, 60))
    if mode == "P":
        image.putpalette((200, 10, 20, 1, 2, 3))
    assert decoded(encode(image, "PNG", transparency=transparency)) == [golden]


def test_colours_multiplied_by_alpha_are_laid_on_white() -> None:
    assert to_rgb(one_pixel("RGBa", (0, 64, 0, 64))).getpixel((0, 0)) == (191, 255, 191)


def test_a_palette_with_alpha_is_laid_on_white() -> None:
    image = Image.new("PA", (1, 1))
    image.putpalette((200, 10, 20))
    image.putpixel((0, 0), (0, 128))
    assert to_rgb(image).getpixel((0, 0)) == (227, 132, 137)


def test_a_transparent_gif_is_laid_on_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette((200, 10, 20, 1, 2, 3))
    image.putpixel((1, 0), 1)
    assert decoded(encode(image, "GIF", transparency=0)) == [(255, 255, 255), (1, 2, 3)]


TARGET = (200, 50, 30)


def _close(golden: RGB, data: bytes) -> bool:
    return all(max(abs(a - b) for a, b in zip(golden, pixel, strict=True)) <= 2 for pixel in decoded(data))


def test_a_cmyk_jpeg_has_its_colours() -> None:
    cyan, magenta, yellow = (255 - value for value in TARGET)
    assert _close(
        TARGET, encode(Image.new("CMYK", (16, 16), (cyan, magenta, yellow, 0)), "JPEG", quality=100)
    )


def test_a_ycck_jpeg_has_its_colours() -> None:
    """Made from a CMYK JPEG: the same samples, declared as luminance and two differences."""
    inks = Image.new("RGB", (1, 1), tuple(255 - value for value in TARGET)).convert("YCbCr").getpixel((0, 0))
    samples = Image.new("CMYK", (16, 16), (*(255 - value for value in inks), 0))
    cmyk = encode(samples, "JPEG", quality=100)
    adobe = cmyk.index(b"Adobe")
    assert cmyk[adobe + 11] == 0
    assert _close(TARGET, cmyk[: adobe + 11] + b"\2" + cmyk[adobe + 12 :])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_a_large_image_has_the_same_pixels_as_its_parts(mode: str) -> None:
    """Large images are converted in bands; nothing may change at the seams."""
    part = gradient(500, 100)
    part = part.convert("L").convert("I").convert("I;16") if mode == "I;16" else part.convert(mode)
    part = part.point(lambda value: value * 250) if mode == "I" else part
    copies = 90
    large = Image.new(part.mode, (500, 100 * copies))
    if mode == "P":
        large.putpalette(part.palette)
    for number in range(copies):
        large.paste(part, (0, 100 * number))
    assert large.width * large.height > BAND_PIXELS
    expected = np.tile(np.asarray(to_rgb(part)), (copies, 1, 1))
    assert (np.asarray(to_rgb(large)) == expected).all()


def test_a_large_image_is_shrunk_by_a_whole_number() -> None:
    large = gradient(3001, 2001)
    shrunk = to_rgb(large, need_px=100)
    assert shrunk.size == (301, 201)
    assert (np.asarray(shrunk) == np.asarray(large.reduce(10))).all()
