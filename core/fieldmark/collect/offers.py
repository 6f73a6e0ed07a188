"""What a search gives, one photo after the other, while others are fetched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed


class Offers:
    """What a search gives, asked for one at a time while photos are on their way."""

    def __init__(self, search: AsyncIterator[Candidate]) -> None:
        self._search = search
        self._exhausted = False
        self.looking: list[asyncio.Task[Candidate | None]] = []
        self.failure: FetchFailed | None = None

    def look(self) -> None:
        """Ask for the next one, unless that was done or there is none."""
        if not self.looking and not self._exhausted:
            self.looking = [asyncio.create_task(_next(self._search))]

    def take(self) -> Candidate | None:
        """Give the next one, if it is there."""
        if not self.looking or not self.looking[0].done():
            return None
        (task,), self.looking = self.looking, []
        try:
            candidate = task.result()
        except FetchFailed as failed:
            candidate, self.failure = None, failed
        self._exhausted = candidate is None
        return candidate


async def _next(search: AsyncIterator[Candidate]) -> Candidate | None:
    return await anext(search, None)
