"""The English of the collector."""

from __future__ import annotations

from types import MappingProxyType

COLLECTOR = MappingProxyType(
    {
        "region": "Collect photos",
        "title": "Collect photos that you may share",
        "title_more": "Collect more",
        "intro": "From open sources that say whose each photo is and what may be done with it. Name what you want to tell "
        "apart; photos, licence and author are kept with the dataset.",
        "term": "What to look for",
        "term_n": "What to look for, no. {n}",
        "term_hint": "another one",
        "n": "Photos of each",
        "source": "Source",
        "licence": "Licence",
        "collect": "Collect",
        "go_on": "Go on",
        "cancel": "Cancel",
        "sample": "Try the sample instead",
        "starting": "Asking {source}",
        "progress": "{label}: {done} of {total}",
        "found": "{have} of {n}",
        "headline": "{n} photos collected",
        "headline_one": "1 photo collected",
        "headline_none": "No new photo came",
        "failed": "Gave no photo",
        "duplicates": "There already, not taken again: {n}",
        "problems": "Fewer than asked for",
        "spread": "What these photos are like",
        "credits": "Whom to credit is written in {path}.",
        "more": "and {n} other reasons",
        "reason": "{n} × {reason}",
        "latest": "The latest",
        "no_terms": "Name at least one thing to look for.",
        "unknown": "Nobody says what may be done with photos from a web search: fine to learn with, not to pass on.",
        "offline_hint": "Nothing is asked of anybody before you press Collect.",
    }
)

LICENCES = MappingProxyType(
    {
        "open": "free to use and change (CC BY, BY-SA, CC0)",
        "public-domain": "public domain and CC0 only",
        "non-commercial": "also non-commercial (BY-NC)",
        "any": "any Creative Commons",
    }
)
"""The words of fieldmark.collect.licence.GROUPS, for people."""
