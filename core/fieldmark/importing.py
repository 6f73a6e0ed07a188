"""Photos into a dataset: from a folder, an archive or a CSV, as one act that can be undone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from time import perf_counter
from typing import cast

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.catalog import Catalog, CatalogPhoto, is_catalog
from fieldmark.catalog.incoming import Incoming
from fieldmark.catalog.planning import IMAGES, NewPhoto
from fieldmark.catalog.schema import HIDDEN
from fieldmark.dataset import Rejected
from fieldmark.errors import BadImageError, Cancelled
from fieldmark.imaging.file import read_source
from fieldmark.imaging.lookcache import LookCache, open_look_cache
from fieldmark.labels import UNLABELLED, clean_label
from fieldmark.parallel import in_threads
from fieldmark.sources.importreport import Doubled, ImportReport, Renamed
from fieldmark.sources.labelling import Labels
from fieldmark.sources.source import Candidate, open_source

__all__ = ["ImportReport", "Labels", "import_photos"]

BATCH = 500
"""Photos that are taken in together."""


def import_photos(
    source: str | os.PathLike[str],
    into: str | os.PathLike[str] | Catalog,
    *,
    who: str,
    labels: Labels = None,
    keep_unlabelled: bool = False,
    why: str | None = None,
    callback: Callback = silent,
) -> ImportReport:
    """Copy photos into a dataset folder, which is made where there is none.

    Each photo is decoded first: what cannot be is reported, and the rest goes on; what was seen of it is kept for the check
    and for finding near duplicates (`imaging.lookcache`). Bytes that the dataset has
    already are not taken again: where they wait for a label there, they get the one they come with; when they
    come under another label, both labels are reported. All of it is one act: `Catalog.undo` takes it back. When the callback stops it, what was taken so far stays, as that act.

    Args:
        source: a folder per class (also below train, valid and test), a zip or tar of that, a CSV of path,
            label and perhaps split and group, or another dataset folder.
        into: the dataset folder.
        who: goes into the history.
        labels: where labels come from: None, the folder each photo lies in; a regular expression for file
            names, whose group `label` (or first) it is; or a function from the path in the source.
        keep_unlabelled: whether photos that nothing labels come as well, and wait for a label in the dataset
            (`Catalog.photos(status="unlabelled")`); otherwise they are rejected.
        why: goes into the history.
        callback: told after every photo.
    Raises:
        DatasetError: the source, its table or the labels cannot be used; nothing was taken.
        ArchiveError: the archive is refused; nothing was taken.
        StoreError: the dataset cannot be written; what was taken before that stays.
        Cancelled: the callback stopped it.
    """
    started = perf_counter()
    path = Path(source)
    with dataset_for(into) as catalog, Incoming(catalog.root) as incoming, open_look_cache() as looks:
        found = open_source(
            path, incoming.staging, labels=labels, keep_unlabelled=keep_unlabelled, callback=callback
        )
        intake = _Intake(catalog, incoming, looks, who=who, why=why or f"from {path.name}", source=path.name)
        try:
            _take_all(intake, found.candidates, callback)
        except Cancelled as stop:
            intake.flush()
            raise Cancelled(f"Stopped. {intake.added} photos were taken in; undo takes them back.") from stop
        intake.flush()
        return intake.report((*found.rejected, *intake.rejected), found.skipped, perf_counter() - started)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A photo that was read."""

    candidate: Candidate
    hash: str
    known: tuple[CatalogPhoto, ...]
    """The photos in the dataset with these bytes; then nothing was copied."""
    file: Path | None = None
    width: int = 0
    height: int = 0
    captured: datetime | None = None


class _Intake:
    """Reads candidates in threads, takes them in order."""

    def __init__(
        self, catalog: Catalog, incoming: Incoming, looks: LookCache, *, who: str, why: str, source: str
    ) -> None:
        self._catalog, self._incoming, self._looks = catalog, incoming, looks
        self._who, self._why, self._source = who, why, source
        self._batch: list[NewPhoto] = []
        self._given: dict[int, str] = {}  # photo that waited -> the label that came for it
        self._taken: dict[str, tuple[str, str]] = {}  # hash -> name and label, of this import
        self._act_id: int | None = None
        self.added = self._labelled = 0
        self.rejected: list[Rejected] = []
        self._doubled: list[Doubled] = []
        self._renamed: list[Renamed] = []
        self._labels: Counter[str] = Counter()

    def read(self, candidate: Candidate) -> _Arrival | Rejected:
        """Read, decode and copy one photo; its bytes are held by nobody afterwards."""
        try:
            data = read_source(candidate.file)
            digest = hashlib.sha256(data).hexdigest()
            if known := tuple(self._catalog.with_hash([digest])):
                return _Arrival(candidate, digest, known)
            look = self._looks.look_of(data, digest)
        except BadImageError as exc:
            return Rejected(Path(candidate.name), exc.code, str(exc))
        file = self._incoming.write(data)
        return _Arrival(candidate, digest, (), file, look.width, look.height, look.taken)

    def take(self, arrival: _Arrival | Rejected) -> None:
        """Sort what was read: new, there already, or rejected."""
        if isinstance(arrival, Rejected):
            self.rejected.append(arrival)
            return
        candidate, label = arrival.candidate, _label_of(arrival.candidate)
        waiting = [photo.id for photo in arrival.known if photo.label == UNLABELLED]
        if arrival.hash in self._taken:
            self._doubled.append(Doubled(candidate.name, label, *self._taken[arrival.hash]))
        elif waiting and label != UNLABELLED:
            self._taken[arrival.hash] = (candidate.name, label)
            self._given |= dict.fromkeys(waiting, label)
        elif arrival.file is None:
            of = next((photo for photo in arrival.known if photo.label == label), arrival.known[0])
            self._doubled.append(Doubled(candidate.name, label, of.path, of.label))
        else:
            self._taken[arrival.hash] = (candidate.name, label)
            self._batch.append(_new_photo(arrival, arrival.file, label, self._source))
        if len(self._batch) + len(self._given) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Let the catalog take what was read so far."""
        if not (self._batch or self._given):
            return
        (batch, self._batch), (given, self._given) = (self._batch, []), (self._given, {})
        act = self._catalog.add(batch, who=self._who, why=self._why, labels=given, act_id=self._act_id)
        self._labelled += len(self._catalog.photos(ids=given))
        self._act_id, self.added = act.id, act.changed - self._labelled
        self._labels.update(photo.label for photo in batch)
        for photo in self._catalog.with_hash([photo.hash for photo in batch]):
            if PurePosixPath(photo.path).name != PurePosixPath(photo.original_name).name:
                self._renamed.append(Renamed(photo.original_name, photo.path))

    def report(self, rejected: tuple[Rejected, ...], skipped: int, seconds: float) -> ImportReport:
        """Tell how it went."""
        return ImportReport(
            dataset=self._catalog.root,
            added=self.added,
            labels={label: n for label, n in sorted(self._labels.items()) if label != UNLABELLED},
            duplicates=tuple(double for double in self._doubled if not double.is_conflict),
            conflicts=tuple(double for double in self._doubled if double.is_conflict),
            rejected=rejected,
            renamed=tuple(self._renamed),
            skipped=skipped,
            act_id=self._act_id,
            seconds=seconds,
            unlabelled=self._labels[UNLABELLED],
            labelled=self._labelled,
        )


def _take_all(intake: _Intake, candidates: tuple[Candidate, ...], callback: Callback) -> None:
    reading = cast("Generator[_Arrival | Rejected, None, None]", in_threads(intake.read, candidates))
    with contextlib.closing(reading) as arrivals:  # no thread goes on writing after a stop
        for done, arrival in enumerate(arrivals, 1):
            intake.take(arrival)
            callback(Progress("Importing photos", done, len(candidates)))


def _label_of(candidate: Candidate) -> str:
    return clean_label(candidate.label) if candidate.label else UNLABELLED


def _new_photo(arrival: _Arrival, file: Path, label: str, source: str) -> NewPhoto:
    candidate = arrival.candidate
    return NewPhoto(
        file, arrival.hash, label, candidate.name, arrival.width, arrival.height, arrival.captured,
        candidate.group, candidate.split, candidate.source or source, candidate.licence, candidate.author,
        candidate.page,
    )  # fmt: skip


@contextlib.contextmanager
def dataset_for(into: str | os.PathLike[str] | Catalog) -> Iterator[Catalog]:
    """Open the dataset that photos go to, or make it; one that was made for nothing is removed again."""
    if isinstance(into, Catalog):
        yield into
        return
    if is_catalog(into):
        yield Catalog.open(into)
        return
    was_there = Path(into).exists()
    catalog = Catalog.create(into)
    try:
        yield catalog
    except BaseException:
        if not catalog.photos(status=None):
            _remove_empty(catalog.root, keep_root=was_there)
        raise


def _remove_empty(root: Path, *, keep_root: bool) -> None:
    shutil.rmtree(root / HIDDEN, ignore_errors=True)
    for folder in [root / IMAGES] if keep_root else [root / IMAGES, root]:
        with contextlib.suppress(OSError):  # somebody put a file there meanwhile
            folder.rmdir()
