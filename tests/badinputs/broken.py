"""Files that are no photo or not wholly one, each with the reason that must be given."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from badinputs.seeds import encode, gradient, seed


@dataclass(frozen=True)
class BadInput:
    """One bad file."""

    code: str
    """Of the BadImageError that must come out."""
    make: Callable[[], bytes]


def photo() -> bytes:
    """A JPEG large enough to be cut anywhere."""
    return encode(gradient(640, 480), "JPEG", quality=90)


def half(data: bytes) -> bytes:
    """The first half."""
    return data[: len(data) // 2]


def png_chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


def png(width: int, height: int, *chunks: bytes, pixels: bytes | None = None, after: bytes = b"") -> bytes:
    """A grey 1-bit PNG, all black, with more chunks before or after its pixels."""
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height), 9) if pixels is None else pixels
    header = png_chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0))
    body = b"".join(chunks) + png_chunk(b"IDAT", rows) + after
    return b"\x89PNG\r\n\x1a\n" + header + body + png_chunk(b"IEND", b"")


def tiff(*entries: tuple[int, int, int, int], rest: bytes = b"") -> bytes:
    """A little-endian TIFF from tags (number, type, count, value); `rest` begins at byte 1024."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return (b"II*\0" + struct.pack("<L", 8) + directory + b"\0\0\0\0").ljust(1024, b"\0") + rest


def jpeg_with(segments: bytes) -> bytes:
    """A good JPEG with more in front of its header."""
    return seed("baseline.jpg")[:2] + segments + seed("baseline.jpg")[2:]


def jpeg_segment(marker: int, body: bytes) -> bytes:
    """One segment of a JPEG."""
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def boxes(brand: bytes, *more: bytes) -> bytes:
    """The first box of an MP4-like file with its brands."""
    body = brand + b"\0\0\0\0" + b"".join(more)
    return (len(body) + 8).to_bytes(4) + b"ftyp" + body + b"\0\0\0\x10mdat" + bytes(8)


_SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

BROKEN: Mapping[str, BadInput] = MappingProxyType(
    {
        "empty.jpg": BadInput("empty", lambda: b""),
        "text.jpg": BadInput("not_an_image", lambda: b"This is not a photo.\n" * 10),
        "zeros.jpg": BadInput("not_an_image", lambda: bytes(5000)),
        "marker.jpg": BadInput("not_an_image", lambda: b"\xff\xd8\xff"),
        "signature.png": BadInput("not_an_image", lambda: b"\x89PNG\r\n\x1a\n"),
        "half.jpg": BadInput("truncated", lambda: half(photo())),
        "two_bytes_short.jpg": BadInput("truncated", lambda: photo()[:-2]),
        "one_byte_short.jpg": BadInput("truncated", lambda: photo()[:-1]),
        "header_only.jpg": BadInput("truncated", lambda: photo()[:300]),
        "half_progressive.jpg": BadInput("truncated", lambda: half(seed("progressive.jpg"))),
        "half.png": BadInput("truncated", lambda: half(encode(gradient(300, 200), "PNG"))),
        "half.gif": BadInput("truncated", lambda: half(seed("still.gif"))),
        "half.webp": BadInput("truncated", lambda: half(encode(gradient(300, 200), "WEBP"))),
        "half.bmp": BadInput("truncated", lambda: half(seed("rgb.bmp"))),
        "half.tif": BadInput("truncated", lambda: half(seed("lzw.tif"))),
        "half.avif": BadInput("truncated", lambda: half(seed("still.avif"))),
        "checksum.png": BadInput("bad_image", lambda: seed("rgb.png").replace(b"IHDR\0", b"IHDR\1")),
        "twelve_bits.jpg": BadInput(
            "bad_image", lambda: photo().replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
        ),
        "drawing.svg": BadInput("format_not_allowed", lambda: _SVG),
        "page.jpg": BadInput(
            "format_not_allowed", lambda: b"\n<!DOCTYPE html><html><script>1</script></html>"
        ),
        "document.pdf": BadInput("format_not_allowed", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"),
        "drawing.eps": BadInput(
            "format_not_allowed", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
        ),
        "drawing.wmf": BadInput("format_not_allowed", lambda: b"\xd7\xcd\xc6\x9a" + bytes(40)),
        "drawing.emf": BadInput(
            "format_not_allowed", lambda: b"\1\0\0\0".ljust(40, b"\0") + b" EMF" + bytes(40)
        ),
        "layers.psd": BadInput("format_not_allowed", lambda: b"8BPS\0\1" + bytes(40)),
        "clip.mp4": BadInput("format_not_allowed", lambda: boxes(b"isom", b"mp42")),
        "raw.cr3": BadInput("format_not_allowed", lambda: boxes(b"crx ")),
        "raw.dng": BadInput("format_not_allowed", lambda: tiff((254, 4, 1, 1), (50706, 1, 4, 0x0401))),
        "raw.nef": BadInput("format_not_allowed", lambda: tiff((254, 4, 1, 1), (330, 4, 1, 900))),
        "photos.zip": BadInput("format_not_allowed", lambda: b"PK\x03\x04" + bytes(40)),
    }
)
"""By file name; some names lie on purpose."""
