"""Whether photos may be fetched from elsewhere here; read by collecting, set by a server for its visitors' kernels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

COLLECT = "FIELDMARK_COLLECT"
"""Names the permit in the environment; without it, "on"."""

Permit = Literal["on", "public", "off"]
"""on: as somebody at their own computer. public: from public addresses only, and less at a time. off: not at all."""


def permit_from(environment: Mapping[str, str]) -> Permit:
    """Read the permit; what is not understood is the stricter thing."""
    said = environment.get(COLLECT, "").strip().lower()
    if said in ("", "on", "yes", "1", "true"):
        return "on"
    return "public" if said == "public" else "off"


def permit_for_others(environment: Mapping[str, str], *, known: bool) -> dict[str, Permit]:
    """What a server that others use puts into the environment of their kernels (FAULTS H48).

    Args:
        known: whether a password or token lets people in. For visitors whom nobody knows it ships off.
    Returns:
        Never "on": a visitor must not reach what only this computer reaches.
    """
    said = permit_from(environment)
    if said == "off" or (not environment.get(COLLECT, "").strip() and not known):
        return {COLLECT: "off"}
    return {COLLECT: "public"}
