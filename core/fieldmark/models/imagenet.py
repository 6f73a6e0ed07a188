"""The 1000 kinds of ImageNet by name, for building a classifier without a photo."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from fieldmark.errors import BackboneError


@dataclass(frozen=True)
class Kind:
    """One of ImageNet's 1000 classes."""

    index: int
    """Place in the head's output, 0 … 999."""
    synset: str
    """WordNet 3.0 id, such as n02132136."""
    names: tuple[str, ...]
    """What it is called, the usual name first."""


@cache
def kinds() -> tuple[Kind, ...]:
    """All 1000 kinds, in the order of the head's output."""
    text = resources.files("fieldmark.models").joinpath("imagenet_kinds.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return tuple(
        Kind(index, synset, tuple(name.strip() for name in names.split(",")))
        for index, (synset, names) in enumerate(rows)
    )


def find_kind(name: str) -> Kind:
    """Look a kind up by one of its names or by its WordNet id; capitals do not matter.

    Raises:
        BackboneError: `unknown_kind` (with the nearest names) or `ambiguous_kind` (with all that fit).
    """
    found = _by_name().get(name.strip().casefold(), [])
    if len(found) == 1:
        return found[0]
    if found:
        choices = "; ".join(f"{kind.synset} ({', '.join(kind.names)})" for kind in found)
        raise BackboneError(
            f"ImageNet has {len(found)} kinds called {name!r}: {choices}. Give the id of the one you mean.",
            code="ambiguous_kind",
        )
    raise BackboneError(
        f"ImageNet has no kind called {name!r}. {_suggestion(name)}"
        "Search with `fieldmark pretrained --search WORD`.",
        code="unknown_kind",
    )


def search_kinds(word: str) -> list[Kind]:
    """Every kind with `word` in one of its names, for somebody who is choosing."""
    needle = word.strip().casefold()
    return [kind for kind in kinds() if any(needle in name.casefold() for name in kind.names)]


@cache
def _by_name() -> dict[str, list[Kind]]:
    index: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds():
        for name in {kind.synset, *(name.casefold() for name in kind.names)}:
            index[name].append(kind)
    return dict(index)


def _suggestion(name: str) -> str:
    near = get_close_matches(name.strip().casefold(), _by_name(), n=3)
    near += [kind.names[0] for kind in search_kinds(name)[:3] if kind.names[0].casefold() not in near]
    return f"Did you mean {' or '.join(near)}? " if near else ""
