"""The sealed test: photos set aside before anybody looks, and asked only when somebody wants to know for good.

Cleaning and choosing again and again by one set of held-out photos fits to that set, and its figures begin to
flatter. Sealed photos take part in nothing: `read_dataset` does not list them, so they are neither learned from
nor judged by nor cleaned. Opening them is an act of its own; openings are kept, counted and shown, because each
one spends some of what the set is worth.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog
from fieldmark.dataset import SEALED, Item, items_of, read_dataset
from fieldmark.errors import DatasetError
from fieldmark.issues.duplicates import near_duplicates_of
from fieldmark.results.judging import judge_items
from fieldmark.splits import group_items, make_splits
from fieldmark.stats import Interval, wilson

if TYPE_CHECKING:
    from fieldmark.project import Project

MAX_FRACTION = 0.5


@dataclass(frozen=True)
class Opening:
    """What came of opening the seal once."""

    at: str
    """UTC, ISO 8601."""
    who: str
    why: str
    n: int
    """Sealed photos that the model was judged by."""
    wrong: tuple[str, ...]
    """SHA-256 of those that were answered wrongly."""
    left_out: int
    """Sealed photos that could not be read, or look the same as one that was learned from."""
    data: str
    """Version of the photos and labels that were learned from, as in `Round.data`."""

    @property
    def error_rate_ci(self) -> Interval:
        """95 % interval of the error rate (Wilson)."""
        return wilson(len(self.wrong), self.n)


@dataclass(frozen=True)
class Seal:
    """The sealed photos of a dataset."""

    photos: frozenset[str]
    """SHA-256 of each."""
    at: str
    who: str
    openings: tuple[Opening, ...]
    """The first one first. The second and later ones are no fresh test."""


def read_seal(catalog: Catalog) -> Seal | None:
    """Tell what is sealed in a dataset; None where nothing is."""
    kept: Any = catalog.setting(SEALED)
    if not kept:
        return None
    openings = tuple(Opening(**{**opening, "wrong": tuple(opening["wrong"])}) for opening in kept["openings"])
    return Seal(frozenset(kept["photos"]), kept["at"], kept["who"], openings)


def is_sealed(catalog: Catalog) -> bool:
    """Whether photos are set aside: not once the import that brought them was taken back."""
    known = read_seal(catalog)
    return known is not None and any(photo.hash in known.photos for photo in catalog.photos())


def forget_empty_seal(catalog: Catalog) -> None:
    """Forget a seal whose photos have all gone, before others come: an import that was undone and is done again."""
    if catalog.setting(SEALED) and not is_sealed(catalog):
        catalog.set_setting(SEALED, None)


def seal(catalog: Catalog, fraction: float, *, who: str, seed: int = 42, callback: Callback = silent) -> Seal:
    """Set a part of a dataset's photos aside as a sealed test, the same share of each class.

    Copies, near copies and groups stay together. For the importer, right after the photos came.

    Args:
        fraction: in (0, 0.5].
    Raises:
        DatasetError: `sealed`: there is a seal already; or too few photos.
    """
    if not 0 < fraction <= MAX_FRACTION:
        raise DatasetError(
            f"A share of {fraction} cannot be sealed. Give more than 0 and at most {MAX_FRACTION}.",
            code="bad_fraction",
        )
    if is_sealed(catalog):
        raise DatasetError(
            "This dataset has a sealed test already. It stays as it is; a second one would not be fresh.",
            code="sealed",
        )
    dataset = read_dataset(catalog.root, callback=callback)
    groups = near_duplicates_of(dataset.items, callback=callback)
    split = make_splits(dataset.items, valid_pct=fraction, seed=seed, groups=groups)
    photos = sorted({dataset.items[place].hash for place in split.valid})
    _keep(catalog, {"photos": photos, "at": _now(), "who": who, "openings": []})
    found = read_seal(catalog)
    assert found is not None
    return found


def open_seal(project: Project, *, who: str, why: str, callback: Callback = silent) -> Opening:
    """Judge a project's model by the sealed photos, and write down that it was done.

    They stay out of training and cleaning afterwards, too.

    Raises:
        DatasetError: `not_sealed`: nothing was set aside.
    """
    known = read_seal(project.catalog)
    if known is None:
        raise DatasetError(
            "This dataset has no sealed test. Set one aside when photos are imported: import --sealed 0.1.",
            code="not_sealed",
        )
    learner = project.fitted(callback)
    fair = _fair(project.catalog, known.photos, learner.train_items, callback)
    judged = judge_items(learner, fair, step="Judging sealed photos", callback=callback)
    opening = Opening(
        at=_now(),
        who=who,
        why=why,
        n=len(judged.items),
        wrong=tuple(sorted(item.hash for item in judged.wrong)),
        left_out=len(known.photos) - len(judged.items),
        data=project.data_version(),
    )
    kept: Any = project.catalog.setting(SEALED)
    kept["openings"].append(asdict(opening))
    _keep(project.catalog, kept)
    return opening


def _fair(
    catalog: Catalog, photos: Collection[str], learned: Sequence[Item], callback: Callback
) -> list[Item]:
    """The sealed photos in use, but for those that look the same as one that came later and was learned from."""
    sealed = [item for item in items_of(catalog) if item.hash in photos]
    both = [*sealed, *learned]
    near = near_duplicates_of(both, callback=callback)
    clusters = [c for c in group_items(both, near) if any(place >= len(sealed) for place in c)]
    leaked = {place for cluster in clusters for place in cluster}
    return [item for place, item in enumerate(sealed) if place not in leaked]


def _keep(catalog: Catalog, content: dict[str, Any]) -> None:
    catalog.set_setting(SEALED, content)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
