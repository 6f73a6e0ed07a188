"""Looks whether a source still answers as it did when its code was written; for somebody with a connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.leaving import run_leaving
from fieldmark.collect.licence import OPEN
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe, Provider, dig
from fieldmark.collect.rules import Rules
from fieldmark.errors import BadImageError
from fieldmark.images import open_photo

TERM = "brown bear"
MOST_MISSING = 0.5
"""Share of results that may lack a field before it counts as gone: a source need not know the date of each."""
TRIED = 5
"""Addresses that may give no photo before the source counts as one that gives none."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    ok: bool
    said: str

    def line(self) -> str:
        """One line for a terminal."""
        return f"{'ok  ' if self.ok else 'DRIFT'} {self.what}: {self.said}"


def verify(provider: Provider, *, rules: Rules | None = None, term: str = TERM) -> list[Finding]:
    """Ask a source once, and fetch one of its photos; say what is not as it was.

    Of one without an interface of its own, the web search or a list, only a photo is fetched.

    Raises:
        CollectError: the source does not answer at all.
    """
    return run_leaving(_verify(provider, rules or Rules(), term), lambda: None)


async def _verify(provider: Provider, rules: Rules, term: str) -> list[Finding]:
    probe = provider.probe(term)
    async with Polite(rules) as client:
        if probe is None:
            return [await _photo(provider, client, term)]
        answer = await client.get_json(probe.url, probe.params)
        results = dig(answer, probe.results)
        if not isinstance(results, list) or not results:
            keys = sorted(answer) if isinstance(answer, dict) else type(answer).__name__
            return [Finding(probe.results, ok=False, said=f"no results for {term!r}; the answer has {keys}")]
        fields = [_field(name, kind, results) for name, kind in probe.fields.items()]
        return [
            Finding(probe.results, ok=True, said=f"{len(results)} results for {term!r}"),
            *fields,
            await _photo(provider, client, term),
        ]


def _field(name: str, kind: Any, results: Sequence[Any]) -> Finding:
    found = [dig(result, name) for result in results]
    right = sum(isinstance(value, kind) for value in found)
    if right >= (1 - MOST_MISSING) * len(found):
        return Finding(name, ok=True, said=f"in {right} of {len(found)} results")
    other = sorted({type(value).__name__ for value in found if value is not None})
    return Finding(
        name,
        ok=False,
        said=f"in {right} of {len(found)} results" + (f"; now {', '.join(other)}" if other else ""),
    )


async def _photo(provider: Provider, client: Polite, term: str) -> Finding:
    """Fetch the first photo that can be had, as collecting would; a link or two may be dead."""
    said = f"the search for {term!r} gives none that can be used"
    async for candidate in _first(provider.search(term, licences=OPEN, client=client)):
        try:
            photo = open_photo(await client.get(candidate.url), need_px=64)
        except (FetchFailed, BadImageError) as exc:
            said = f"{candidate.url}: {exc}"
            continue
        licence = candidate.licence.name if candidate.licence else "unknown"
        return Finding("photo", ok=True, said=f"{photo.width} × {photo.height}, licence {licence}")
    return Finding("photo", ok=False, said=said)


async def _first(search: AsyncIterator[Candidate]) -> AsyncIterator[Candidate]:
    for _ in range(TRIED):
        if (candidate := await anext(search, None)) is None:
            return
        yield candidate


__all__ = ["Finding", "Probe", "verify"]
