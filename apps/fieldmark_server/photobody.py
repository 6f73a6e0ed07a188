"""Photos out of the body of a request: the bytes of one, or the files of a form."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from tornado.httputil import HTTPFile, HTTPInputError, ParseMultipartConfig, parse_multipart_form_data

from fieldmark_server.rest import ApiError

MAX_FILES = 100
MAX_NAME = 200
RAW = ("application/octet-stream", "image/")


@dataclass(frozen=True)
class PhotoFile:
    """A photo that came with a request."""

    name: str
    """As the client calls it, cleaned for showing; never a path to write to."""
    content: bytes


def is_form(content_type: str) -> bool:
    """Whether the body is a form with files, or else the bytes of one photo.

    Raises:
        ApiError: it is neither (415).
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return True
    if kind.startswith(RAW):
        return False
    raise ApiError(
        415,
        "wrong_content_type",
        "Send the bytes of one photo (application/octet-stream or image/…), or files as multipart/form-data.",
    )


def read_form(content_type: str, body: bytes) -> list[PhotoFile]:
    """Take the files of a form, in order.

    Raises:
        ApiError: it is no form, or has no file or more than `MAX_FILES`.
    """
    boundary = _boundary(content_type)
    files: dict[str, list[HTTPFile]] = {}
    if body.count(b"--" + boundary) > MAX_FILES + 1:
        raise ApiError(400, "too_many_files", f"At most {MAX_FILES} files at a time.")
    try:
        config = ParseMultipartConfig(max_parts=MAX_FILES + 1)  # what stands before the first counts
        parse_multipart_form_data(boundary, body, {}, files, config=config)
    except (HTTPInputError, ValueError) as error:
        raise ApiError(400, "bad_form", "The form cannot be read: its parts are damaged.") from error
    photos = [PhotoFile(shown_name(file.filename), file.body) for parts in files.values() for file in parts]
    if not photos:
        raise ApiError(400, "no_file", "The form has no file. Give each photo a file name.")
    return photos


def shown_name(name: str) -> str:
    """Make a file name fit to be shown: without folders, control signs and halves of characters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    kept = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cs", "Cf"))
    return kept.strip()[:MAX_NAME] or "photo"


def _boundary(content_type: str) -> bytes:
    for field in content_type.split(";")[1:]:
        name, _, value = field.strip().partition("=")
        if name.lower() == "boundary" and (boundary := value.strip('"')):
            return boundary.encode("utf-8", "replace")
    raise ApiError(400, "bad_form", "The form does not say what separates its parts (boundary).")
