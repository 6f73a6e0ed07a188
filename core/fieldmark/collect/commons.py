"""Wikimedia Commons: the pictures of Wikipedia, each with its licence, often with date and place.

After https://www.mediawiki.org/wiki/API:Search and https://www.mediawiki.org/wiki/API:Imageinfo . Fetched are
pictures of 960 px, a width that Wikimedia keeps at hand, not originals of many megabytes.
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.licence import read_licence
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe, dig, number, text

PAGE_SIZE = 50
WIDTH_PX = 960
PHOTOS = ("image/jpeg", "image/png", "image/webp", "image/tiff")
_TAG = re.compile(r"<[^>]*>")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?")


@dataclass(frozen=True)
class Commons:
    """Searches Wikimedia Commons."""

    endpoint: str = "https://commons.wikimedia.org/w/api.php"
    name = "commons"
    title = "Wikimedia Commons"
    note = "The pictures of Wikipedia; licence and author with each, often date and place."
    tells_licence = True

    async def search(
        self, term: str, *, licences: frozenset[str], client: Polite
    ) -> AsyncIterator[Candidate]:
        """Give photos by relevance; Commons cannot search by licence, so whoever asks leaves the others out."""
        more: dict[str, str | int] = {}
        while True:
            answer = await client.get_json(self.endpoint, self._params(term) | more)
            if (said := text(answer, "error.info")) is not None:
                raise FetchFailed(f"Wikimedia Commons says: {said[:200]}", code="refused", passing=False)
            pages = dig(answer, "query.pages") or []
            for page in sorted(pages, key=lambda page: number(page, "index") or 0):
                if candidate := _candidate(page):
                    yield candidate
            going_on = dig(answer, "continue")
            if not isinstance(going_on, dict):
                return
            more = {str(key): value for key, value in going_on.items() if isinstance(value, str | int)}

    def probe(self, term: str) -> Probe:
        """Ask for one page."""
        meta = "imageinfo.0.extmetadata"
        fields = {
            "imageinfo.0.url": str, "imageinfo.0.thumburl": str, "imageinfo.0.descriptionurl": str,
            "imageinfo.0.mime": str, f"{meta}.LicenseShortName.value": str,
        }  # fmt: skip
        return Probe(self.endpoint, self._params(term), "query.pages", fields)

    def _params(self, term: str) -> dict[str, str | int]:
        return {
            "action": "query", "format": "json", "formatversion": 2,
            "generator": "search", "gsrsearch": f"filetype:bitmap {term}", "gsrnamespace": 6, "gsrlimit": PAGE_SIZE,
            "prop": "imageinfo", "iiprop": "url|size|mime|extmetadata", "iiurlwidth": WIDTH_PX,
        }  # fmt: skip


def _candidate(page: Any) -> Candidate | None:
    info = dig(page, "imageinfo.0")
    url = text(info, "thumburl") or text(info, "url")
    if url is None or text(info, "mime") not in PHOTOS:
        return None
    date = _DATE.search(_plain(info, "DateTimeOriginal") or "")
    latitude, longitude = (_plain(info, name) for name in ("GPSLatitude", "GPSLongitude"))
    return Candidate(
        url=url,
        page=text(info, "descriptionurl"),
        licence=read_licence(_plain(info, "LicenseShortName") or _plain(info, "License")),
        author=_plain(info, "Artist"),
        title=(text(page, "title") or "").removeprefix("File:") or None,
        taken=date[0].replace(" ", "T") if date else None,
        place=f"{latitude}, {longitude}" if latitude and longitude else None,
        width=number(info, "width"),
        height=number(info, "height"),
        source="wikimedia",
    )


def _plain(info: Any, name: str) -> str | None:
    """Give a text of the metadata, which is HTML, as plain text; what shows it escapes it again."""
    value = dig(info, f"extmetadata.{name}.value")
    if not isinstance(value, str | int | float):
        return None
    return " ".join(html.unescape(_TAG.sub(" ", str(value))).split()) or None
