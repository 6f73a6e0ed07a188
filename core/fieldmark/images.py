"""Bytes or a path to an upright 8-bit RGB photo, at the size that is needed.

Everything that enters Fieldmark passes here, so this is where untrusted bytes are bounded: in kind, size,
pixels, memory and time. Whatever they are, the answer is a Photo or a BadImageError with a reason.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image, ImageFile

from fieldmark.errors import BadImageError
from fieldmark.imaging.colour import to_rgb
from fieldmark.imaging.file import REASONS, Source, exif_of, explain, open_header, photo_kind, read_source
from fieldmark.imaging.formats import JPEG, TIFF, FileKind
from fieldmark.imaging.limits import DEFAULT_LIMITS, Limits
from fieldmark.imaging.tiffdirectory import first_directory
from fieldmark.sources.scan import PHOTO_SUFFIXES, FolderScan, list_photos, scan_folder

__all__ = [
    "DEFAULT_LIMITS",
    "PHOTO_SUFFIXES",
    "REASONS",
    "FolderScan",
    "Limits",
    "Photo",
    "Source",
    "encode_display",
    "list_photos",
    "open_photo",
    "scan_folder",
]


@dataclass(frozen=True)
class Photo:
    """A photo that was accepted."""

    image: Image.Image
    """Upright 8-bit RGB, without metadata."""
    format: str
    """What the file really is, as Pillow calls it: "JPEG"."""
    width: int
    """Of the whole upright photo, in pixels; `image` may be smaller."""
    height: int
    """Of the whole upright photo, in pixels."""
    notes: tuple[str, ...] = ()
    """What somebody should know: that only the first of several frames is used, say."""
    exif: bytes = field(default=b"", repr=False)
    """As the file has it, not to be believed: for `taken_by_exif`. Of a TIFF, which is made of such tags, the whole file."""


def open_photo(source: Source, *, need_px: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Decode a photo, for everybody who needs pixels.

    Args:
        source: a path, or the bytes of the file.
        need_px: both sides of `Photo.image` stay at least this long (or as they are, where they are
            shorter). A JPEG is then decoded at a half, a quarter or an eighth: faster, and in a fraction
            of the memory. None decodes all pixels and takes 8 bytes for each.
        limits: what one photo may ask for.
    Raises:
        BadImageError: `code` is one of REASONS; the sentence names no file, the caller knows it.
    """
    data = read_source(source, limits)
    kind = photo_kind(data)
    with open_header(data, kind, limits) as image:
        try:
            exif = exif_of(image, data, kind)  # before the pixels, behind which a PNG may have another
            return _decode(image, kind, need_px, exif)
        except BadImageError:
            raise
        except Exception as exc:  # on hostile bytes a decoder may raise anything
            raise explain(exc, data, kind, opened=True) from exc


def encode_display(image: Image.Image, *, max_px: int = 1024, quality: int = 85) -> bytes:
    """Encode a photo anew as a JPEG without metadata, for anything that is shown.

    Args:
        image: RGB; left as it is.
        max_px: the longer side is shrunk to this.
        quality: of the JPEG, 1 … 95.
    """
    shown = image.convert("RGB")
    shown.info.clear()
    shown.thumbnail((max_px, max_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _decode(image: ImageFile.ImageFile, kind: FileKind, need_px: int | None, exif: bytes) -> Photo:
    width, height = image.size
    if kind is JPEG and need_px is not None:
        image.draft("RGB", (need_px, need_px))
    image.load()
    upright = to_rgb(image, need_px=need_px)
    turn = _turn(image, kind)
    if turn is not None:
        upright = upright.transpose(turn)
        width, height = (height, width) if turn in _SIDEWAYS else (width, height)
    return Photo(upright, kind.name, width, height, _notes(image), exif)


_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))


def _turn(image: ImageFile.ImageFile, kind: FileKind) -> Image.Transpose | None:
    """Give what makes the photo upright; None when it is, or when EXIF says nothing sensible."""
    exif = image.info.get("exif")
    if kind is TIFF or not isinstance(exif, bytes):  # a TIFF was already turned while it was decoded
        return None
    directory = first_directory(exif.removeprefix(b"Exif\0\0"))
    orientation = directory.number(_ORIENTATION) if directory is not None else None
    return None if orientation is None else _TURNS.get(orientation)


def _notes(image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Tell of further frames; asked last, because a GIF is read on (to its second frame) to know."""
    try:
        several = getattr(image, "is_animated", False) or "mp" in image.info
    except BadImageError:
        raise
    except Exception:  # what follows the first frame is damaged, and not used
        several = True
    return ("The file holds several pictures; only the first is used.",) if several else ()
