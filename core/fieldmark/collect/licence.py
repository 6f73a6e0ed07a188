"""Licences of photos: one short code and one name for each, however a source writes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fieldmark.errors import CollectError

CODES = ("cc0", "pdm", "by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd")
"""Creative Commons' own short names; `pdm` is the public domain mark."""
OPEN = frozenset(("cc0", "pdm", "by", "by-sa"))
"""May be used, changed and shared by anybody for anything, with credit: "free cultural works"."""

GROUPS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "open": OPEN,
        "public-domain": frozenset(("cc0", "pdm")),
        "non-commercial": OPEN | {"by-nc", "by-nc-sa"},
        "any": frozenset(CODES),
    }
)
"""Words for sets of licences. A model learns from photos it changes, so `nd` is only in "any"."""

_PUBLIC = re.compile(r"public domain|^pd\b|^pd-|pdm|publicdomain/mark")
_ZERO = re.compile(r"\bcc[ -]?0\b|\bcc[ -]zero\b|publicdomain/zero|^cc0")
_BY = re.compile(r"(?:\bcc[ -]|licenses/|^)(by(?:-nc)?(?:-(?:sa|nd))?)(?=$|/| \d)")
_VERSION = re.compile(r"\b([1-4]\.\d)\b")


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence that is known."""

    code: str
    """One of CODES."""
    version: str | None = None

    @property
    def name(self) -> str:
        """As a credit says it: "CC BY-SA 4.0"."""
        if self.code == "pdm":
            return "public domain"
        if self.code == "cc0":
            return "CC0 1.0"
        return f"CC {self.code.upper()}" + (f" {self.version}" if self.version else "")

    @property
    def link(self) -> str:
        """Where its text is."""
        if self.code in ("cc0", "pdm"):
            return f"https://creativecommons.org/publicdomain/{'zero' if self.code == 'cc0' else 'mark'}/1.0/"
        return f"https://creativecommons.org/licenses/{self.code}/{self.version or '4.0'}/"


def read_licence(text: str | None, version: str | None = None) -> Licence | None:
    """Understand a licence as a source writes it: "cc-by-nc", "CC BY-SA 3.0", "pdm", or the address of its text.

    None for whatever is not one of CODES: what is not understood counts as unknown, never as open.
    """
    said = (text or "").strip().lower().replace("_", "-")
    if _ZERO.search(said):
        return Licence("cc0", "1.0")
    if _PUBLIC.search(said):
        return Licence("pdm")
    found = _BY.search(re.sub(r"(?<=by|nc) (?=nc|sa|nd)", "-", said))
    if found is None or found[1] not in CODES:
        return None
    number = _VERSION.search(said)
    return Licence(found[1], version or (number[1] if number else None))


def wanted_codes(names: Collection[str]) -> frozenset[str]:
    """Give the codes that some words mean: of GROUPS, or of CODES with or without "cc-" before them.

    Raises:
        CollectError: `bad_licence`.
    """
    codes: set[str] = set()
    for name in (part.strip().lower() for said in names for part in said.split(",") if part.strip()):
        plain = name.removeprefix("cc-").removeprefix("cc ")
        if plain not in GROUPS and plain not in CODES:
            raise CollectError(
                f"{name!r} is no licence that is known here. Choose of {', '.join(GROUPS)}, or of {', '.join(CODES)}.",
                code="bad_licence",
            )
        codes |= GROUPS.get(plain, {plain})
    return frozenset(codes or OPEN)
