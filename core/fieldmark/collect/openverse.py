"""Openverse: 800 million openly licensed pictures of many keepers, searched in one place.

After https://api.openverse.org/v1/ : without a key 20 results a page, 12 pages deep, 20 questions a minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.licence import read_licence
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe, number, results_of, text

PAGE_SIZE = 20
"""More gets 401 without a key."""
MAX_PAGES = 12
"""240 results deep; the answer's own page_count says so too."""


@dataclass(frozen=True)
class Openverse:
    """Searches Openverse."""

    endpoint: str = "https://api.openverse.org/v1"
    name = "openverse"
    title = "Openverse"
    note = "Openly licensed pictures of Flickr, museums and others; licence and author with each."
    tells_licence = True

    async def search(
        self, term: str, *, licences: frozenset[str], client: Polite
    ) -> AsyncIterator[Candidate]:
        """Give photos under one of the licences, by relevance."""
        for page in range(1, MAX_PAGES + 1):
            params = self._params(term, licences) | {"page": page}
            try:
                answer = await client.get_json(f"{self.endpoint}/images/", params)
            except FetchFailed as failed:
                if page > 1 and failed.code in ("gone", "refused", "not_allowed"):  # deeper than it lets us
                    return
                raise
            for result in results_of(answer, "results", self.title):
                if candidate := _candidate(result):
                    yield candidate
            if page >= (number(answer, "page_count") or 0):
                return

    def probe(self, term: str) -> Probe:
        """Ask for one page."""
        fields = dict.fromkeys(("url", "foreign_landing_url", "license", "license_version", "source"), str)
        return Probe(
            f"{self.endpoint}/images/", self._params(term, frozenset(("by", "cc0"))), "results", fields
        )

    def _params(self, term: str, licences: frozenset[str]) -> dict[str, str | int]:
        return {
            "q": term,
            "license": ",".join(sorted(licences)),
            "category": "photograph",
            "page_size": PAGE_SIZE,
        }


def _candidate(result: Any) -> Candidate | None:
    url = text(result, "url")
    if url is None:
        return None
    return Candidate(
        url=url,
        page=text(result, "foreign_landing_url"),
        licence=read_licence(text(result, "license"), text(result, "license_version")),
        author=text(result, "creator"),
        title=text(result, "title"),
        thumb=text(result, "thumbnail"),
        width=number(result, "width"),
        height=number(result, "height"),
        source=text(result, "source"),
    )
