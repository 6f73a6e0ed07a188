"""Photos with their licence and origin, from open sources, the web and lists, into a dataset folder.

    from fieldmark.collect import Wanted, collect
    collect("bears", [Wanted("grizzly bear", n=150), Wanted("black bear", n=150)], who="me")

Needs fieldmark[collect]. The sources cannot be reached from where this is tested: each is tested against a local
server that speaks its published protocol, and `verify` looks at the real one.
"""

from __future__ import annotations

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.collecting import Wanted, collect
from fieldmark.collect.outcome import Outcome
from fieldmark.collect.provider import Provider
from fieldmark.collect.providers import PROVIDERS, find_provider
from fieldmark.collect.report import CollectReport
from fieldmark.collect.rules import Rules, endpoints_from_environment, rules_from_environment
from fieldmark.collect.verify import verify

__all__ = [
    "PROVIDERS",
    "Candidate",
    "CollectReport",
    "Outcome",
    "Provider",
    "Rules",
    "Wanted",
    "collect",
    "endpoints_from_environment",
    "find_provider",
    "rules_from_environment",
    "verify",
]
