"""iNaturalist: wild living things, seen by people, named by several of them, with place and date.

After https://api.inaturalist.org/v1/docs/ : a name is looked up among the taxa first, then its observations of
research grade are gone through by their number, 200 at a time; one photo of each, because the others show the same
animal at the same moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.licence import read_licence
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe, dig, number, results_of, text

PAGE_SIZE = 200
SIZE = "large"
"""1024 px on the longer side; "original" is several times the bytes, and nothing here looks closer."""
NEAR = 4
"""Names that are offered where none is the one that was asked for: its search takes “teddy bear” for a cactus."""
_CODES = {"pdm": "pd"}
"""Where iNaturalist's word for a licence is not "cc-" and the code."""


@dataclass(frozen=True)
class INaturalist:
    """Searches iNaturalist by taxon."""

    endpoint: str = "https://api.inaturalist.org/v1"
    name = "inaturalist"
    title = "iNaturalist"
    note = (
        "Wild animals, plants and fungi, named by several people; licence, author, place and date with each."
    )
    tells_licence = True

    async def search(
        self, term: str, *, licences: frozenset[str], client: Polite
    ) -> AsyncIterator[Candidate]:
        """Give one photo of each observation of a taxon, the latest first."""
        taxon = await self._taxon(term, client)
        below = None
        while True:
            params = self._params(taxon, licences) | ({"id_below": below} if below else {})
            results = results_of(
                await client.get_json(f"{self.endpoint}/observations", params), "results", self.title
            )
            for result in results:
                if candidate := _candidate(result, licences):
                    yield candidate
            ids = [found for result in results if (found := number(result, "id"))]
            if len(results) < PAGE_SIZE or not ids:
                return
            below = min(ids)

    def probe(self, term: str) -> Probe:
        """Ask for the latest observations of anything of this name."""
        params = self._params(0, frozenset(("by", "cc0"))) | {"taxon_name": term, "per_page": 5}
        del params["taxon_id"]
        fields: dict[str, type | tuple[type, ...]] = {
            "id": int, "photos.0.url": str, "photos.0.license_code": str, "user.login": str, "uri": str, "observed_on": str,
        }  # fmt: skip
        return Probe(f"{self.endpoint}/observations", params, "results", fields)

    async def _taxon(self, term: str, client: Polite) -> int:
        """Find the number of a taxon by any of its names."""
        answer = await client.get_json(
            f"{self.endpoint}/taxa", {"q": term, "per_page": 10, "is_active": "true"}
        )
        taxa = results_of(answer, "results", self.title)
        exact = [taxon for taxon in taxa if term.lower() in _names(taxon)]
        found = number(exact[0], "id") if exact else None
        if found is None:
            near = ", ".join(name for taxon in taxa[:NEAR] if (name := _call(taxon)))
            raise FetchFailed(
                f"iNaturalist knows no living thing called {term!r}. "
                + (f"Meant is perhaps one of these: {near}. " if near else "")
                + "It has wild animals, plants and fungi, by their English or Latin names; for anything else take Openverse.",
                code="no_taxon",
                passing=False,
            )
        return found

    def _params(self, taxon: int, licences: frozenset[str]) -> dict[str, str | int]:
        return {
            "taxon_id": taxon,
            "quality_grade": "research",
            "photos": "true",
            "photo_license": ",".join(
                sorted(_CODES.get(code, code if code == "cc0" else f"cc-{code}") for code in licences)
            ),
            "order_by": "id",
            "order": "desc",
            "per_page": PAGE_SIZE,
        }


def _names(taxon: Any) -> set[str]:
    return {
        name.lower()
        for key in ("name", "preferred_common_name", "matched_term")
        if (name := text(taxon, key))
    }


def _call(taxon: Any) -> str | None:
    return text(taxon, "preferred_common_name") or text(taxon, "name")


def _candidate(result: Any, licences: frozenset[str]) -> Candidate | None:
    """Take the first photo whose licence will do; photos of one observation may differ in it."""
    for photo in dig(result, "photos") or []:
        licence = read_licence(text(photo, "license_code"))
        url = text(photo, "url")
        if url is None or licence is None or licence.code not in licences:
            continue
        return Candidate(
            url=url.replace("/square.", f"/{SIZE}."),
            page=text(result, "uri"),
            licence=licence,
            author=text(result, "user.name") or text(result, "user.login"),
            title=text(result, "taxon.preferred_common_name") or text(result, "taxon.name"),
            thumb=url,
            taken=text(result, "time_observed_at") or text(result, "observed_on"),
            place=text(result, "place_guess") or text(result, "location"),
            width=number(photo, "original_dimensions.width"),
            height=number(photo, "original_dimensions.height"),
            source="inaturalist",
        )
    return None
