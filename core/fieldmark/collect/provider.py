"""What a source of photos is, for everybody who adds one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.polite import Polite


@dataclass(frozen=True)
class Probe:
    """One question that shows whether a source still answers as it did."""

    url: str
    params: Mapping[str, str | int]
    results: str
    """Where the list of results is in the answer, with dots."""
    fields: Mapping[str, type | tuple[type, ...]]
    """What each result was when this was written: where (with dots; a number is a place in a list), and its type."""


class Provider(Protocol):
    """A source of photos. Adding one takes a class with these, and a line in providers.py."""

    @property
    def name(self) -> str:
        """As the command line says it."""

    @property
    def title(self) -> str:
        """As people know it."""

    @property
    def note(self) -> str:
        """One sentence: what it has, and what it says about licences."""

    @property
    def tells_licence(self) -> bool:
        """Whether its photos come with a licence; without one nobody knows what may be done with them."""

    @property
    def endpoint(self) -> str:
        """Address of its API; another one is for tests and for one's own copy."""

    def search(self, term: str, *, licences: frozenset[str], client: Polite) -> AsyncIterator[Candidate]:
        """Give photos of something, the best first, page by page as they are asked for.

        Args:
            licences: codes, for a source that can search by them; whoever asks leaves the others out.
        Raises:
            FetchFailed: the source does not answer.
        """

    def probe(self, term: str) -> Probe | None:
        """Say how to see whether the source still is as it was; None where it cannot be asked."""


def results_of(answer: Any, path: str, title: str) -> list[Any]:
    """Give the list in an answer, or say that it has changed."""
    found = dig(answer, path)
    if not isinstance(found, list):
        raise FetchFailed(
            f"{title} answered otherwise than it did ({path!r} is missing). See what has changed with: fieldmark "
            "collect --verify",
            code="drifted",
            passing=False,
        )
    return found


def dig(value: Any, path: str) -> Any:
    """Follow a path like "photos.0.url"; None where it ends early."""
    for key in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def text(value: Any, path: str) -> str | None:
    """Give a text in an answer, without spaces around it; None for anything else, and for an empty one."""
    found = dig(value, path)
    return found.strip() or None if isinstance(found, str) else None


def number(value: Any, path: str) -> int | None:
    """Give a whole number in an answer; None for anything else."""
    found = dig(value, path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
