"""Photos with what the model makes of them as rows of a gallery, and which of them are chosen there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from fieldmark.catalog.decisions import StagedDecision
from fieldmark_widgets.cleanerwords import diff_of, isolate, say_photos, say_who, tag_of
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.photorows import PhotoRow
from fieldmark_widgets.rowfilter import photo_name
from fieldmark_widgets.strings.cleaner import CLEANER


def row_of(root: Path, row: PhotoRow, staged: StagedDecision | None = None) -> GalleryRow:
    """One photo of the dataset folder `root`: its label and what the model says, with probability, loss and name."""
    return GalleryRow(
        id=row.photo.id,
        file=root / row.photo.path,
        hash=row.photo.hash,
        title=caption_of(row),
        text=detail_of(row),
        tag=tag_of(staged.decision) if staged else "",
        tag_kind=staged.decision.kind if staged else "",
        credit=credit_of(row),
    )


def diff_row(root: Path, row: PhotoRow, staged: StagedDecision) -> GalleryRow:
    """One photo of the diff: what it is and what it will be, and who decided so."""
    return GalleryRow(
        id=row.photo.id,
        file=root / row.photo.path,
        hash=row.photo.hash,
        title=diff_of(staged, row.photo.label),
        text=f"{photo_name(row)} · {say_who(staged)}",
        tag=tag_of(staged.decision),
        tag_kind=staged.decision.kind,
        credit=credit_of(row),
    )


def caption_of(row: PhotoRow) -> str:
    """The label, and what the model says where that is something else: "grizzly → black"."""
    if not row.disagrees:
        return row.photo.label
    return CLEANER["caption"].format(given=isolate(row.photo.label), said=isolate(row.said or ""))


def detail_of(row: PhotoRow) -> str:
    """How probable the model's answer is, the loss of the label, and the photo's name."""
    if row.loss is None:
        return photo_name(row)
    percent = f"{100 * row.prob_said:.0f}\u202f%"
    return CLEANER["detail"].format(percent=percent, loss=f"{row.loss:.2f}", name=photo_name(row))


def credit_of(row: PhotoRow) -> str:
    """Who made the photo, under which licence, where that is known."""
    return ", ".join(part for part in (row.photo.author, row.photo.licence) if part)


def target_of(rows: Sequence[PhotoRow], staged: StagedDecision | None) -> dict[str, str]:
    """What the bar says of the photos that a decision is about."""
    if not rows:
        return {"title": "", "detail": CLEANER["target_none"], "staged": ""}
    if len(rows) > 1:
        return {"title": CLEANER["target_many"].format(n=say_photos(len(rows))), "detail": "", "staged": ""}
    said = f"{tag_of(staged.decision)}, {say_who(staged)}" if staged else ""
    return {"title": caption_of(rows[0]), "detail": detail_of(rows[0]), "staged": said}


def chosen_in(gallery: Gallery) -> list[int]:
    """The photos that are selected, else the one that has the focus, by id."""
    if gallery.selected:
        return list(gallery.selected)
    return [] if gallery.focus is None else [gallery.focus]


def focus_on(gallery: Gallery, photo_id: int) -> None:
    """Go to a photo, if it is shown, and choose no other."""
    gallery.selected = ()
    if gallery.shows(photo_id):
        gallery.focus = photo_id


def first_left(rows: Sequence[PhotoRow], decided: Collection[int]) -> int:
    """The first photo that nothing was decided about yet, by id; the first of all where there is none."""
    ids = [row.photo.id for row in rows]
    return next((photo_id for photo_id in ids if photo_id not in decided), ids[0])
