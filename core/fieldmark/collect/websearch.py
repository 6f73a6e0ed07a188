"""A web search for pictures through `ddgs`: what the fastai book does. Nobody says what may be done with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.leaving import aside
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe, text

MAX_PAGES = 5


@dataclass(frozen=True)
class WebSearch:
    """Searches the web; needs the package `ddgs`."""

    endpoint: str = ""
    name = "web"
    title = "Web search"
    note = "Anything on the web. Licence unknown: fine to learn with, not to pass on."
    tells_licence = False

    async def search(
        self, term: str, *, licences: frozenset[str], client: Polite
    ) -> AsyncIterator[Candidate]:
        """Give pictures with an unknown licence; `licences` and `client` do not reach into another's search."""
        for page in range(1, MAX_PAGES + 1):
            results = await aside(_ask, term, page)
            for result in results:
                if url := text(result, "image"):
                    yield Candidate(
                        url, page=text(result, "url"), title=text(result, "title"), thumb=text(result, "thumbnail"),
                        width=_pixels(result, "width"), height=_pixels(result, "height"), source=text(result, "source"),
                    )  # fmt: skip
            if not results:
                return

    def probe(self, term: str) -> Probe | None:
        """Nothing: `ddgs` asks whom it likes."""
        return None


def _ask(term: str, page: int) -> list[dict[str, Any]]:
    try:
        from ddgs import DDGS
        from ddgs.exceptions import DDGSException, RatelimitException
    except ImportError as exc:
        raise FetchFailed(
            "Web search needs the package ddgs. Install fieldmark[web], or take Openverse, whose photos come with a "
            "licence.",
            code="needs_extra",
            passing=False,
        ) from exc
    try:
        return list(DDGS().images(term, page=page, max_results=None))
    except RatelimitException as exc:
        raise FetchFailed(
            "The web search says that there were too many questions. Try again in some minutes, or take Openverse.",
            code="rate_limited",
        ) from exc
    except DDGSException as exc:
        if page > 1 or "No results" in str(exc):
            return []
        raise FetchFailed(
            "The web search gave no answer. It breaks now and then, when a search engine changes: try again, or take "
            "Openverse.",
            code="no_answer",
        ) from exc


def _pixels(result: Any, key: str) -> int | None:
    value = str(result.get(key, ""))
    return int(value) if value.isascii() and value.isdigit() else None
