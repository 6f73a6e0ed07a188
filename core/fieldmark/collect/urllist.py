"""A list of addresses, or a table of them: photos that somebody has chosen already."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from fieldmark.collect.candidate import Candidate
from fieldmark.collect.licence import Licence, read_licence
from fieldmark.collect.polite import Polite
from fieldmark.collect.provider import Probe
from fieldmark.errors import CollectError
from fieldmark.tables import TableRow, read_table

MAX_LIST_BYTES = 20_000_000


@dataclass(frozen=True)
class UrlList:
    """Reads addresses from a file: one a line, or a CSV with the column url and perhaps label, licence, author, page,
    title, taken and place.

    A photo belongs to a term when its label is that; without labels, to any.
    """

    endpoint: str
    """Path of the file."""
    name = "list"
    title = "List of addresses"
    note = "A text file with an address a line, or a CSV; licence and author where the table says them."
    tells_licence = False

    async def search(
        self, term: str, *, licences: frozenset[str], client: Polite
    ) -> AsyncIterator[Candidate]:
        """Give the photos of one label, in the order of the list."""
        for label, candidate in self.read():
            if label in (None, term):
                yield candidate

    def labels(self) -> list[str]:
        """Labels that the table names, in its order."""
        return list(dict.fromkeys(label for label, _ in self.read() if label is not None))

    def read(self) -> list[tuple[str | None, Candidate]]:
        """Give label and photo of every line.

        Raises:
            CollectError: `no_list`: there is no such file, or none that can be read.
            DatasetError: `bad_table`.
        """
        path = Path(self.endpoint).expanduser()
        if not self.endpoint or not path.is_file():
            raise CollectError(
                f"There is no list of addresses at {self.endpoint!r}. Name a text or CSV file with --endpoint.",
                code="no_list",
            )
        if path.suffix.lower() in (".csv", ".tsv"):
            return [_row(row) for row in read_table(path, needed=("url",)) if "url" in row.cells]
        with path.open("rb") as file:
            lines = file.read(MAX_LIST_BYTES).decode("utf-8-sig", "replace").splitlines()
        return [
            (None, Candidate(line.strip())) for line in lines if line.strip() and not line.startswith("#")
        ]

    def probe(self, term: str) -> Probe | None:
        """Nothing: each address is somebody else's."""
        return None


def _row(row: TableRow) -> tuple[str | None, Candidate]:
    licence: Licence | None = read_licence(row.cells.get("licence") or row.cells.get("license"))
    told = row.cells.get
    return told("label"), Candidate(
        row.cells["url"].strip(), told("page"), licence, told("author"), told("title"),
        taken=told("taken"), place=told("place"), source=told("source"),
    )  # fmt: skip
