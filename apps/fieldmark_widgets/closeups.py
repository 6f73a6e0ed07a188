"""Makes close-ups: asks catalog and learner about one photo, for the panel beside it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fieldmark.catalog import Catalog
from fieldmark.dataset import Item
from fieldmark.errors import FieldmarkError
from fieldmark.imaging.thumbnails import make_thumbnails
from fieldmark.learner import Learner
from fieldmark.results.closelook import CloseLook
from fieldmark_widgets.cleanerwords import say_change
from fieldmark_widgets.closeup import CloseUp
from fieldmark_widgets.photorows import PhotoRow
from fieldmark_widgets.picture import draw_map
from fieldmark_widgets.rowfilter import photo_name
from fieldmark_widgets.strings.cleaner import CLEANER

MOST_BARS = 8
NEIGHBOURS = 6


class CloseUps:
    """The close-ups of one dataset, by one learner."""

    def __init__(self, catalog: Catalog, learner: Learner | None) -> None:
        """Without a learner there is only what the catalog knows."""
        self._catalog = catalog
        self._look = CloseLook(learner) if learner else None
        self._vocab = frozenset(learner.vocab if learner else ())

    def of(self, row: PhotoRow) -> CloseUp:
        """Look closely at one photo; what cannot be had (an unreadable file, no training) is left out."""
        file = self._catalog.root / row.photo.path
        png, label, region = self._map(row, file)
        return CloseUp(
            title=_title(row),
            why=tuple(issue.sentence for issue in row.issues),
            bars=_bars(row),
            facts=(*_facts(row), *self._history(row)),
            page=row.photo.page or "",
            map_png=png,
            map_label=label,
            map_region=region,
            neighbours=self._neighbours(row, file),
        )

    def _map(self, row: PhotoRow, file: Path) -> tuple[bytes, str, tuple[float, float, float, float]]:
        label = row.said
        if self._look is not None and label in self._vocab:
            with suppress(FieldmarkError, OSError):
                found = self._look.explain(file, label)
                return draw_map(found), label, found.region
        return b"", "", (0, 0, 1, 1)

    def _neighbours(self, row: PhotoRow, file: Path) -> tuple[tuple[str, bytes], ...]:
        if self._look is None or row.judgement is None:
            return ()
        near = self._look.neighbours(Item(file, row.photo.label, row.photo.hash), NEIGHBOURS)
        thumbs = make_thumbnails([(other.item.path, other.item.hash) for other in near])
        return tuple(
            (other.item.label, thumb)
            for other, thumb in zip(near, thumbs, strict=True)
            if isinstance(thumb, bytes)
        )

    def _history(self, row: PhotoRow) -> list[tuple[str, str]]:
        changes = self._catalog.history(row.photo.id)
        return [(CLEANER["fact_history"], say_change(change)) for change in changes[-3:]]


def _title(row: PhotoRow) -> str:
    key = "closeup_disagrees" if row.disagrees else "closeup_agrees" if row.judgement else "closeup_unjudged"
    return CLEANER[key].format(given=row.photo.label, said=row.said)


def _bars(row: PhotoRow) -> tuple[tuple[str, float, bool], ...]:
    """The most probable classes, and the given one wherever it stands."""
    ordered = sorted(row.probs.items(), key=lambda pair: -pair[1])
    shown = ordered[:MOST_BARS]
    given = row.photo.label
    if given in row.probs and given not in dict(shown):
        shown[-1] = (given, row.probs[given])
    return tuple((label, prob, label == given) for label, prob in shown)


def _facts(row: PhotoRow) -> list[tuple[str, str]]:
    photo = row.photo
    size = f"{photo.width} × {photo.height}" if photo.width and photo.height else ""
    values = {
        "loss": "" if row.loss is None else f"{row.loss:.2f}",
        "side": CLEANER[row.judgement.side] if row.judgement else "",
        "name": photo_name(row),
        "size": size,
        "captured": (photo.captured or "").replace("T", " "),
        "group": photo.group or "",
        "source": photo.source or "",
        "author": photo.author or "",
        "licence": photo.licence or "",
    }
    return [(CLEANER[f"fact_{key}"], value) for key, value in values.items() if value]
