"""Labels are data: any text names a class.

A label never becomes a path by itself. Its folder is the label where that is a portable name, and otherwise
a slug with a short hash, so that two labels never share a folder; the label itself is kept in the catalog.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import count

from fieldmark.errors import DatasetError
from fieldmark.names import folded, is_portable, slug

UNLABELLED = ""
"""Label, in a catalog, of a photo that waits for one: `clean_label` refuses it, so no class is called so."""


def clean_label(text: str) -> str:
    r"""Give a label as it is kept: unchanged, but for lone surrogates, which no database takes.

    A lone surrogate is what a file name that is not UTF-8 turns into; it is written as `\udcff`.

    Raises:
        DatasetError: `empty_label`: nothing in it can be seen.
    """
    if not text.strip():
        raise DatasetError(
            "A label is empty, and a class needs a name. Give it at least one character.", code="empty_label"
        )
    return escape_surrogates(text)


def escape_surrogates(text: str) -> str:
    """Write lone surrogates out, so that a text can go into a database, JSON or UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def folder_name(label: str, taken: Collection[str] = ()) -> str:
    """Name the folder of a class.

    Args:
        label: as `clean_label` gives it.
        taken: folders of other classes; none is given again, also in other letter case.
    """
    others = {folded(name) for name in taken}
    if is_portable(label) and folded(label) not in others:
        return label
    names = (slug(label) if number == 1 else f"{slug(label)}-{number}" for number in count(1))
    return next(name for name in names if folded(name) not in others)
