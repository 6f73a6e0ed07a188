"""What one photo may cost: bytes, pixels, memory and time, all decided before a pixel is decoded."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from PIL import ImageFile, TiffImagePlugin

from fieldmark.errors import BadImageError
from fieldmark.imaging.formats import JPEG, TIFF, FileKind
from fieldmark.imaging.tiffdirectory import MAX_TAGS, Directory, first_directory


@dataclass(frozen=True)
class Limits:
    """How much one photo may ask for."""

    max_pixels: int = 50_000_000
    """Width times height; cameras of the field stay below."""
    max_aspect: int = 200
    """Longer side divided by the shorter."""
    max_bytes: int = 100_000_000
    """Size of the file."""
    max_decoder_bytes: int = 300_000_000
    """Memory that decoding may take beside the file. Only kinds whose decoder holds the whole picture more
    than once reach it: a WebP of 18 megapixels, an AVIF of 33, a TIFF or a CMYK JPEG of 37."""


DEFAULT_LIMITS = Limits()

DECODER_BYTES_PER_PIXEL = {"WEBP": 16, "AVIF": 9, "HEIF": 7, "TIFF": 8}
"""Peak while decoding, measured at 50 megapixels, beyond the file itself; others take 4 or less."""

ROTATED_TIFF_BYTES_PER_PIXEL = 12
"""Pillow turns a TIFF upright as it decodes it, in full size."""

MAX_READS = 500_000
"""How often an opener may read from its file: about half a second of a loop in Python. Photos need a hundred;
a file of padding, or of millions of empty parts, would keep the opener busy for minutes."""

MAX_SCANS = 64
"""Passes over all pixels of a JPEG, of a few bytes each; encoders write 10 at most."""

MAX_EXIF_BLOCKS = 32
"""EXIF blocks in a JPEG before its pixels; cameras write one. The opener joins them one by one, in quadratic time."""

_EXIF_BLOCK = b"Exif\0\0"

MAX_RUN_LENGTH_PIXELS = 4_000_000
"""Pixels of a BMP with run-length compression: the opener unpacks it in Python, pixel by pixel."""

MAX_TAG_VALUES = 100_000
"""Numbers in one tag: a TIFF of one row a strip has as many offsets as rows."""

MAX_SAMPLES = 6
"""Colours of a TIFF that Pillow knows; beyond, it also writes a line to the log."""


class MeteredBytes(io.BytesIO):
    """A file in memory that can be read only so often, and only so much EXIF."""

    def __init__(self, data: bytes) -> None:
        """Start at the beginning, with all reads left."""
        super().__init__(data)
        self._reads_left, self._exif_blocks_left = MAX_READS, MAX_EXIF_BLOCKS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as usual.

        Raises:
            BadImageError: it was read too often, or has too many EXIF blocks. Those are counted here, one by one as
                the opener reads them: to search the whole file first takes as long as all the opener does.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise _overloaded("millions of tiny parts")
        part = super().read(size)
        self._exif_blocks_left -= part.startswith(_EXIF_BLOCK)
        if self._exif_blocks_left < 0:
            raise _overloaded("dozens of EXIF blocks")
        return part


def check_data(data: bytes, kind: FileKind, limits: Limits) -> None:
    """Refuse what would cost an opener too much, before the opener sees it.

    Raises:
        BadImageError: `bad_image` or `too_many_pixels`.
    """
    if kind is TIFF and (directory := first_directory(data)) is not None:
        _check_directory(directory, limits)


def check_header(image: ImageFile.ImageFile, data: bytes, kind: FileKind, limits: Limits) -> None:
    """Refuse a photo by what its header says of its pixels.

    Raises:
        BadImageError: `too_many_pixels`, `bad_aspect` or `bad_image`.
    """
    _check_pixels(image.size, limits.max_pixels, "a photo")
    width, height = image.size
    if max(image.size) > limits.max_aspect * min(image.size):
        raise BadImageError(
            f"Strip of {width} × {height} pixels: the longer side may be at most {limits.max_aspect} times "
            "the shorter. Cut out the part that matters.",
            code="bad_aspect",
        )
    if kind is JPEG and _has_many_scans(image, data):
        raise _overloaded("dozens of passes over its pixels")
    if any(tile[0] == "bmp_rle" for tile in image.tile or ()):
        _check_pixels(image.size, MAX_RUN_LENGTH_PIXELS, "a BMP image with run-length compression")
    if per_pixel := _decoder_bytes_per_pixel(image, kind):
        _check_pixels(image.size, limits.max_decoder_bytes // per_pixel, f"{kind.called} of this sort")


def _check_pixels(size: tuple[int, int], most: int, called: str) -> None:
    width, height = size
    if width * height > most:
        raise BadImageError(
            f"Too large: {width} × {height} pixels make {width * height / 1e6:.1f} megapixels; {called} may "
            f"have {most / 1e6:.1f}. Save it smaller, as a JPEG.",
            code="too_many_pixels",
        )


def _decoder_bytes_per_pixel(image: ImageFile.ImageFile, kind: FileKind) -> int:
    """How much memory a pixel takes while it is decoded; 0 where that does not matter."""
    if kind is JPEG:  # 16-bit coefficients of every colour are kept where there are several scans
        return 2 * len(image.getbands())
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tag_v2.get(_ORIENTATION, 1) != 1:
        return ROTATED_TIFF_BYTES_PER_PIXEL
    return DECODER_BYTES_PER_PIXEL.get(kind.name, 0)


_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_SCAN, _END_OF_IMAGE, _WITHOUT_LENGTH = 0xDA, 0xD9, (0x01, 0xD8)


def _has_many_scans(image: ImageFile.ImageFile, data: bytes) -> bool:
    """Whether a JPEG goes over its pixels too often; its header has been read to the first scan."""
    at = image.fp.tell() if image.fp else len(data)
    colours = len(image.getbands())
    first_scan = b"\xff\xda" + (6 + 2 * colours).to_bytes(2) + bytes((colours,))
    if "progressive" not in image.info and data.startswith(first_scan, at - 8 - 2 * colours):
        return False  # all colours in one scan; what follows is not read
    scans = 1
    while scans <= MAX_SCANS and (marker := _JPEG_MARKER.search(data, at)):
        at, sort = marker.end(), data[marker.start() + 1]
        if sort == _END_OF_IMAGE:
            return False
        scans += sort == _START_OF_SCAN
        at += 0 if sort in _WITHOUT_LENGTH else int.from_bytes(data[at : at + 2])
    return scans > MAX_SCANS


_POINTERS = (0x8769, 0x8825, 0xA005)  # the directories that Pillow reads as well: EXIF, GPS, interoperability
_TILE_WIDTH, _TILE_HEIGHT, _ORIENTATION, _SAMPLES_PER_PIXEL = 322, 323, 274, 277


def _check_directory(directory: Directory, limits: Limits) -> None:
    """Refuse a TIFF whose tags alone are a burden, or whose tiles are larger than a photo may be."""
    parts = [directory, *filter(None, map(directory.directory, _POINTERS))]
    if any(part.declared > MAX_TAGS for part in parts):
        raise _overloaded("thousands of tags")
    if any(tag.holds_numbers and tag.count > MAX_TAG_VALUES for part in parts for tag in part.tags.values()):
        raise _overloaded("millions of numbers in one tag")
    if (directory.number(_SAMPLES_PER_PIXEL) or 0) > MAX_SAMPLES:
        raise _overloaded("dozens of colours in each pixel")
    tile = directory.number(_TILE_WIDTH) or 0, directory.number(_TILE_HEIGHT) or 0
    _check_pixels(tile, limits.max_pixels, "the tile of a TIFF image")


def _overloaded(what: str) -> BadImageError:
    return BadImageError(
        f"Overloaded: a file with {what}, which no camera writes. "
        "Open it in another program and save it as a JPEG.",
        code="bad_image",
    )
