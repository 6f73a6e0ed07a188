"""PhotoList: the photos that are cleaned, in their order, with what the model says of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from fieldmark.catalog import Catalog, CatalogPhoto, decisions
from fieldmark.catalog.decisions import Decision
from fieldmark.curation.sealed import read_seal
from fieldmark_widgets.photorows import Judgement, PhotoRow, rank, rank_again
from fieldmark_widgets.rowfilter import photo_name


def photos_to_clean(catalog: Catalog) -> list[CatalogPhoto]:
    """List the photos of a dataset, without those of a sealed test, which nobody looks at."""
    seal, photos = read_seal(catalog), catalog.photos()
    return [photo for photo in photos if photo.hash not in seal.photos] if seal else photos


class PhotoList:
    """Photos in the order of looking; what filters and words ask for again and again is looked up once."""

    def __init__(
        self, photos: Iterable[CatalogPhoto] = (), judgements: Mapping[int, Judgement] | None = None
    ):
        """Put the worst first."""
        self.judgements = judgements or {}
        self._take(rank(photos, self.judgements))

    def __len__(self) -> int:
        """How many photos there are."""
        return len(self.rows)

    def __getitem__(self, photo_id: int) -> PhotoRow:
        """The row of a photo, by its id."""
        return self._by_id[photo_id]

    def of(self, photo_ids: Iterable[int]) -> list[PhotoRow]:
        """The rows of these photos, without those that are gone."""
        return [self._by_id[photo_id] for photo_id in photo_ids if photo_id in self._by_id]

    def name(self, photo_id: int) -> str:
        """What a photo is called; empty for one that is gone."""
        return photo_name(self._by_id[photo_id]) if photo_id in self._by_id else ""

    def suggestions(self, photo_ids: Iterable[int]) -> dict[int, Decision]:
        """What the model would decide: relabel where it disagrees, keep where it agrees."""
        return {row.photo.id: _suggested(row) for row in self.of(photo_ids) if row.said is not None}

    def rank_again(
        self, judgements: Mapping[int, Judgement], decided: Collection[int], current: int | None
    ) -> None:
        """Order anew what is left, by a newer word of the model; nothing moves up to the photo that is looked at."""
        self._take(rank_again(self.rows, judgements, decided, current))
        self.judgements = {row.photo.id: row.judgement for row in self.rows if row.judgement}

    def renewed(self, photos: Iterable[CatalogPhoto]) -> PhotoList:
        """The same list of photos as they are now, in the same order; new ones come last."""
        new = PhotoList(photos, self.judgements)
        if self.rows:
            place = {row.photo.id: place for place, row in enumerate(self.rows)}
            new._take(sorted(new.rows, key=lambda row: place.get(row.photo.id, len(place))))
        return new

    def _take(self, rows: Sequence[PhotoRow]) -> None:
        self.rows = rows
        self._by_id = {row.photo.id: row for row in rows}
        self.classes = sorted({row.photo.label for row in rows})
        """The labels that photos have."""
        self.kinds = {row.photo.id: [issue.kind for issue in row.issues] for row in rows if row.issues}
        """The kinds of issues of each photo that has any, by id."""


def _suggested(row: PhotoRow) -> Decision:
    return decisions.relabel(row.said) if row.said and row.disagrees else decisions.keep
