"""The sources there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fieldmark.collect.commons import Commons
from fieldmark.collect.inaturalist import INaturalist
from fieldmark.collect.openverse import Openverse
from fieldmark.collect.provider import Provider
from fieldmark.collect.urllist import UrlList
from fieldmark.collect.websearch import WebSearch
from fieldmark.errors import CollectError

PROVIDERS: Mapping[str, Callable[..., Provider]] = MappingProxyType(
    {kind.name: kind for kind in (Openverse, INaturalist, Commons, WebSearch, UrlList)}
)
"""Makers of each source; called with `endpoint`, for another address of its API."""


def find_provider(name: str, endpoint: str | None = None) -> Provider:
    """Make the source of a name.

    Raises:
        CollectError: `no_provider`, or `no_list` for a list without a file.
    """
    if name not in PROVIDERS:
        raise CollectError(
            f"There is no source called {name!r}. There are: {', '.join(PROVIDERS)}.", code="no_provider"
        )
    if endpoint is None and name == UrlList.name:
        raise CollectError("A list needs its file: name it with --endpoint FILE.", code="no_list")
    return PROVIDERS[name]() if endpoint is None else PROVIDERS[name](endpoint=endpoint.rstrip("/"))
