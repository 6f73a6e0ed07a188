"""The work of an import, in the worker's thread: from a path, an upload or the sample into a dataset."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fieldmark.callbacks import Callback
from fieldmark.catalog import Catalog
from fieldmark.curation.sealed import forget_empty_seal, is_sealed, seal
from fieldmark.errors import DatasetError
from fieldmark.importing import import_photos
from fieldmark.sources.importreport import ImportReport
from fieldmark.sources.labelling import Labels
from fieldmark.sources.sample import TITLE, write_sample
from fieldmark_widgets.strings.importer import IMPORTER
from fieldmark_widgets.transfer import Upload


@dataclass(frozen=True)
class Imported:
    """What came of it."""

    report: ImportReport
    sealed: int
    """Photos that were set aside as a sealed test."""


@dataclass(frozen=True)
class ImportWork:
    """Imports from somewhere into an open dataset, or into a new one at a path."""

    into: Catalog | Path
    who: str
    callback: Callback

    def take(
        self, path: Path, labels: Labels = None, *, why: str | None = None, sealed: float = 0.0
    ) -> Imported:
        """Import a folder, archive or table, and set a share of the labelled photos aside, where none is yet.

        Raises:
            DatasetError: it is not there (`missing`), or cannot be used.
            Cancelled: the callback stopped it.
        """
        if not path.exists():
            raise DatasetError(IMPORTER["not_found"].format(path=path), code="missing")
        if isinstance(self.into, Catalog):
            forget_empty_seal(self.into)
        report = import_photos(
            path,
            self.into,
            who=self.who,
            labels=labels,
            keep_unlabelled=True,
            why=why,
            callback=self.callback,
        )
        return Imported(report, self._seal(report.dataset, sealed))

    def take_sample(self) -> Imported:
        """Import the sample."""
        return self._take_made(lambda folder: write_sample(folder / "sample"), TITLE)

    def take_upload(self, upload: Upload) -> Imported:
        """Import an archive that was dropped."""

        def write(folder: Path) -> Path:
            path = folder / f"upload{Path(upload.name).suffix}"
            path.write_bytes(upload.content)
            return path

        return self._take_made(write, f"from {upload.name}")

    def _take_made(self, make: Callable[[Path], Path], why: str) -> Imported:
        with tempfile.TemporaryDirectory() as folder:
            return self.take(make(Path(folder)), why=why)

    def _seal(self, dataset: Path, share: float) -> int:
        if share > 0 and (catalog := Catalog.open(dataset)).counts() and not is_sealed(catalog):
            return len(seal(catalog, share, who=self.who, callback=self.callback).photos)
        return 0
