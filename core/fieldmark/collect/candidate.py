"""A photo that a source offers: where it is, whose it is and what may be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from fieldmark.collect.licence import Licence


@dataclass(frozen=True, slots=True)
class Candidate:
    """One photo on offer; what a source does not tell is None."""

    url: str
    """Of the photo itself, at the size that is fetched."""
    page: str | None = None
    """Web page to name in a credit, for people."""
    licence: Licence | None = None
    """None where nobody says: then it is not known whether the photo may be used."""
    author: str | None = None
    title: str | None = None
    thumb: str | None = None
    taken: str | None = None
    """ISO 8601, as far as it is known: a date, or date and time."""
    place: str | None = None
    """Name or coordinates, as coarse as the source gives them."""
    width: int | None = None
    """Of the original, in pixels; what is fetched may be smaller."""
    height: int | None = None
    source: str | None = None
    """Who keeps it, where a source searches several: "flickr"."""
