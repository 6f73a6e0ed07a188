"""From a path or bytes to an opened photo whose header was judged, or to the reason why not."""

from __future__ import annotations

import os
import stat
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageFile

from fieldmark.errors import BadImageError
from fieldmark.imaging.formats import TIFF, FileKind, file_kind, is_cut_off, opener
from fieldmark.imaging.limits import DEFAULT_LIMITS, Limits, MeteredBytes, check_data, check_header

# Pillow warns of every odd tag it meets, each time in other words: a hostile file could fill a log, and
# Python remembers every warning it showed. The messages tell a visitor nothing; the result does.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

Source = str | os.PathLike[str] | bytes
"""A path, or the bytes of the file themselves."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "empty": "the file has no bytes",
        "not_an_image": "the content is no image",
        "truncated": "the end of the photo is missing",
        "too_many_pixels": "more pixels than the limit",
        "bad_aspect": "one side is far longer than the other",
        "format_not_allowed": "a kind of file that is not opened",
        "needs_plugin": "a kind of photo that needs an extra package",
        "too_large_file": "more bytes than the limit",
        "text_bomb": "compressed text that unpacks to far more",
        "icc_bomb": "a compressed colour profile that unpacks to far more",
        "unreadable": "the file cannot be read",
        "bad_image": "the photo is damaged or of a rare kind",
    }
)
"""Every code that a BadImageError of `open_photo` carries, and what it means."""

SCRAP_BYTES = 100
"""Files up to this size whose header does not even open are not called photos."""

_ACCEPTED = "JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF or HEIC"
_SAVE_AS_JPEG = "Open it in another program and save it as a JPEG."
_COPY_AGAIN = "Copy it again from where it came."


def read_source(source: Source, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Give the bytes of a source, for what needs them beside the pixels.

    Raises:
        BadImageError: `empty`, `unreadable` or `too_large_file`.
    """
    data, size = (source, len(source)) if isinstance(source, bytes) else _read_file(source, limits.max_bytes)
    if not size:
        raise BadImageError(
            f"Empty: a photo was expected, the file has no bytes. {_COPY_AGAIN}", code="empty"
        )
    if size > limits.max_bytes:
        raise BadImageError(
            f"Too large: a file of {size / 1e6:.0f} MB; at most {limits.max_bytes / 1e6:.0f} MB are read. "
            "Save it smaller, as a JPEG.",
            code="too_large_file",
        )
    return data


def _read_file(path: str | os.PathLike[str], max_bytes: int) -> tuple[bytes, int]:
    """Give a file's bytes and size; no bytes when they are too many."""
    try:
        path = Path(path)
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its other end
            raise OSError("it is no file")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return (file.read(size) if size <= max_bytes else b"", size)
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or str(exc)
        raise BadImageError(
            f"Unreadable: {why[:1].lower()}{why[1:]}. A file that may be read was expected; check that it is "
            "still there and who may read it.",
            code="unreadable",
        ) from exc


def photo_kind(data: bytes) -> FileKind:
    """Tell which kind of photo some bytes are.

    Raises:
        BadImageError: `not_an_image` or `format_not_allowed`.
    """
    kind = file_kind(data)
    if kind is None:
        raise BadImageError(
            f"Not an image: expected a {_ACCEPTED}, whatever its name ends in. {_SAVE_AS_JPEG}",
            code="not_an_image",
        )
    if not kind.is_photo:
        raise BadImageError(
            f"Not a photo but {kind.called}: expected a {_ACCEPTED}. {_SAVE_AS_JPEG}",
            code="format_not_allowed",
        )
    return kind


def open_header(data: bytes, kind: FileKind, limits: Limits = DEFAULT_LIMITS) -> ImageFile.ImageFile:
    """Open a photo as far as its header, within limits, for pixels or metadata.

    Raises:
        BadImageError: every code that is decided before decoding.
    """
    open_kind = opener(kind)
    if open_kind is None:
        raise BadImageError(
            "HEIC: reading these photos needs an extra package. Install it with "
            "`pip install 'fieldmark[heif]'`, or save the photo as a JPEG.",
            code="needs_plugin",
        )
    try:
        check_data(data, kind, limits)
        image = open_kind(MeteredBytes(data))
        check_header(image, data, kind, limits)
    except BadImageError:
        raise
    except Exception as exc:  # on hostile bytes an opener may raise anything
        raise explain(exc, data, kind, opened=False) from exc
    return image


def exif_of(image: ImageFile.ImageFile, data: bytes, kind: FileKind) -> bytes:
    """Give the EXIF of an opened photo as it stands in the file: of a TIFF the file itself, of most others nothing."""
    exif = data if kind is TIFF else image.info.get("exif")
    return exif if isinstance(exif, bytes) else b""


def explain(exc: Exception, data: bytes, kind: FileKind, *, opened: bool) -> BadImageError:
    """Turn whatever an opener or decoder raised into a reason; `opened` says whether the header was read."""
    said = str(exc)
    if isinstance(exc, Image.DecompressionBombError):
        return BadImageError(
            f"Too large: {kind.called} of hundreds of megapixels. Save it smaller, as a JPEG.",
            code="too_many_pixels",
        )
    if "MAX_TEXT" in said:
        return _bomb(exc)
    if not opened and len(data) <= SCRAP_BYTES:
        return BadImageError(
            f"Not an image: {len(data)} bytes that begin like {kind.called} and stop before the picture. "
            + _COPY_AGAIN,
            code="not_an_image",
        )
    if "truncated" in said.lower() or is_cut_off(data, kind):
        return BadImageError(f"Cut off: {kind.called} whose end is missing. {_COPY_AGAIN}", code="truncated")
    return BadImageError(
        f"Damaged: {kind.called} that cannot be decoded, or of a rare kind. {_SAVE_AS_JPEG}", code="bad_image"
    )


def _bomb(exc: Exception) -> BadImageError:
    """Pillow stops unpacking a PNG's text and colour profile at 1 MB with the same words."""
    in_profile = any(frame.name == "chunk_iCCP" for frame in traceback.extract_tb(exc.__traceback__))
    what, code = ("a colour profile", "icc_bomb") if in_profile else ("text", "text_bomb")
    return BadImageError(
        f"Overloaded: a PNG image with {what} that unpacks to more than 1 MB. {_SAVE_AS_JPEG}", code=code
    )
