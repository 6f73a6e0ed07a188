"""What a file is by its first bytes, and who opens it; the name it carries is never believed."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from types import MappingProxyType

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

from fieldmark.imaging.tiffdirectory import first_directory

HEAD_BYTES = 1024
"""How much of a file is looked at to tell what it is."""

Opener = Callable[[BytesIO], ImageFile.ImageFile]

OPENERS: Mapping[str, Opener] = MappingProxyType(
    {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "TIFF": TiffImagePlugin.TiffImageFile,
        "AVIF": AvifImagePlugin.AvifImageFile,
    }
)
"""The only openers that ever see a file. They are called directly: `Image.open` tries others where one
fails, takes a JPEG with further pictures for another format, and warns of sizes that are ours to judge."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file, recognised by its content."""

    name: str
    """In capitals for a kind of photo: a key of OPENERS, or "HEIF"."""
    called: str
    """As a person would say it, with the article: "a JPEG photo", "a PDF document"."""

    @property
    def is_photo(self) -> bool:
        """Whether it is accepted at all."""
        return self.name in OPENERS or self is HEIF


JPEG = FileKind("JPEG", "a JPEG photo")
PNG = FileKind("PNG", "a PNG image")
GIF = FileKind("GIF", "a GIF image")
WEBP = FileKind("WEBP", "a WebP image")
BMP = FileKind("BMP", "a BMP image")
TIFF = FileKind("TIFF", "a TIFF image")
AVIF = FileKind("AVIF", "an AVIF image")
HEIF = FileKind("HEIF", "a HEIC photo")

SVG = FileKind("svg", "an SVG drawing")
PDF = FileKind("pdf", "a PDF document")
POSTSCRIPT = FileKind("postscript", "a PostScript drawing")
METAFILE = FileKind("metafile", "a Windows metafile")
HTML = FileKind("html", "a web page")
XML = FileKind("xml", "an XML document")
RAW = FileKind("raw", "a camera raw file")
VIDEO = FileKind("video", "a video")
ARCHIVE = FileKind("archive", "an archive")
PHOTOSHOP = FileKind("photoshop", "a Photoshop document")
JPEG_2000 = FileKind("jpeg2000", "a JPEG 2000 image")
JPEG_XL = FileKind("jpegxl", "a JPEG XL image")
RARE = FileKind("rare", "an image of a rare kind")

_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
    (b"BM", BMP),
    (b"%PDF", PDF),
    (b"%!PS", POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", POSTSCRIPT),
    (b"\xd7\xcd\xc6\x9a", METAFILE),
    (b"IIU\0", RAW),  # Panasonic
    (b"IIRO", RAW),  # Olympus
    (b"IIRS", RAW),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"8BPS", PHOTOSHOP),
    (b"\0\0\0\x0cjP  ", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"\0\0\0\x0cJXL ", JPEG_XL),
    (b"\xff\x0a", JPEG_XL),
    (b"\x1a\x45\xdf\xa3", VIDEO),  # Matroska, WebM
    (b"PK\x03\x04", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!", ARCHIVE),
    (b"\x1f\x8b", ARCHIVE),
    (b"DDS ", RARE),
    (b"\0\0\1\0", RARE),  # Windows icon
    (b"icns", RARE),
    (b"qoif", RARE),
    (b"gimp xcf", RARE),
    (b"\x76\x2f\x31\x01", RARE),  # OpenEXR
)

_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif3"))

_NEW_SUBFILE_TYPE, _DNG_VERSION, _SUB_DIRECTORIES = 254, 50706, 330


def file_kind(data: bytes) -> FileKind | None:
    """Tell what a file is; None when its first bytes say nothing."""
    head = data[:HEAD_BYTES]
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return RAW if kind is TIFF and _is_raw(data) else kind
    if head.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"AVI ": VIDEO}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _media_kind(head)
    if head[40:44] == b" EMF":
        return METAFILE
    return _text_kind(head)


def opener(kind: FileKind) -> Opener | None:
    """Give what opens this kind of photo; None when that needs a package that is not installed."""
    if kind is TIFF:
        _silence_libtiff()
    if kind is not HEIF:
        return OPENERS[kind.name]
    if find_spec("pillow_heif") is None:
        return None
    from pillow_heif import HeifImageFile

    heif_opener: Opener = HeifImageFile
    return heif_opener


def is_cut_off(data: bytes, kind: FileKind) -> bool:
    """Whether a file that fails stops before its end, for telling a cut file from a damaged one."""
    if kind is JPEG:
        return b"\xff\xda" not in data  # the pixels never begin
    if kind is PNG:
        return b"IEND" not in data
    if kind is GIF:
        return not data.endswith(b";")
    if kind is WEBP:
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if kind is BMP:
        return len(data) < int.from_bytes(data[2:6], "little")
    if kind is TIFF:
        directory = first_directory(data)
        return directory is None or not directory.is_whole
    return _last_box_end(data) > len(data)


def _is_raw(data: bytes) -> bool:
    """Camera raw files are TIFFs whose first picture is a thumbnail: nobody means that one."""
    if data[8:10] == b"CR":
        return True
    directory = first_directory(data)
    if directory is None:
        return False
    is_thumbnail = (directory.number(_NEW_SUBFILE_TYPE) or 0) & 1
    return _DNG_VERSION in directory.tags or bool(is_thumbnail and _SUB_DIRECTORIES in directory.tags)


def _media_kind(head: bytes) -> FileKind:
    """Tell the members of the MP4 family apart by their brands."""
    length = min(int.from_bytes(head[:4]), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & _AVIF_BRANDS:
        return AVIF
    if brands & _HEIF_BRANDS:
        return HEIF
    return RAW if b"crx " in brands else VIDEO


def _text_kind(head: bytes) -> FileKind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return HTML
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")):
        return SVG if b"<svg" in text else XML
    return None


def _last_box_end(data: bytes) -> int:
    """Where the last box of an AVIF or HEIC says that it ends."""
    end = 0
    while end + 8 <= len(data):
        size = int.from_bytes(data[end : end + 4])
        if size == 1:
            size = int.from_bytes(data[end + 8 : end + 16])
        end = end + size if size >= 8 else len(data)
    return end


@cache
def _silence_libtiff() -> None:
    """Keep libtiff from writing to stderr, which a malformed file can make it do for megabytes.

    Its errors still arrive as exceptions. Where it is built into Pillow (Windows) it cannot be reached;
    there the number of tags bounds what it says.
    """
    try:
        library = ctypes.CDLL(_imaging.__file__)
        library.TIFFSetErrorHandler.argtypes = [ctypes.c_void_p]
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler(None)
    except (AttributeError, OSError):
        pass
