"""A folder of photos as the items that training sees: where each lies, what it shows, what it is known by.

A plain folder is read and never written: the folder a photo lies in is its label, and top folders called
train, val, valid, validation and test are its split, where there are no others. A dataset folder (one with a catalog) tells both itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from fieldmark.callbacks import Callback, silent
from fieldmark.catalog import Catalog, is_catalog
from fieldmark.errors import DatasetError, EmptyDatasetError
from fieldmark.imaging.hashing import hash_files
from fieldmark.labels import clean_label
from fieldmark.sources.scan import scan_folder

SPLIT_FOLDERS = {"train": "train", "training": "train", "val": "valid", "valid": "valid",
                 "validation": "valid", "test": "test", "testing": "test"}  # fmt: skip
"""Top folders that say on which side of the split their photos are."""

SEALED = "sealed"
"""Key, in the catalog, of the photos that are set aside as a sealed test (`fieldmark.curation.sealed`)."""


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled photo."""

    path: Path
    label: str
    hash: str
    """SHA-256 of the file's bytes, hex."""
    split: str | None = None
    """"train", "valid" or "test" where the dataset says so."""
    group: str | None = None
    """What the photo must stay together with in one side of a split: a site, an animal, a burst."""
    taken: datetime | None = None
    """Local time of the camera, where it is known already."""


@dataclass(frozen=True)
class Rejected:
    """A file that is not used."""

    path: Path
    code: str
    """A stable word for programs."""
    reason: str
    """A sentence for people."""


@dataclass(frozen=True)
class Dataset:
    """Labelled photos, sorted by path."""

    root: Path
    items: tuple[Item, ...]
    vocab: tuple[str, ...]
    """The classes, sorted."""
    rejected: tuple[Rejected, ...] = ()
    """Files that cannot be read or have no class; photos that do not decode show later."""
    skipped: int = 0
    """Files left by systems and hidden ones."""

    @property
    def split_given(self) -> bool:
        """Whether the dataset itself says which photos are held out."""
        return any(item.split in ("valid", "test") for item in self.items)

    def counts(self) -> dict[str, int]:
        """Photos per class, in vocab order."""
        found = Counter(item.label for item in self.items)
        return {label: found[label] for label in self.vocab}


def read_dataset(folder: str | Path, *, min_classes: int = 2, callback: Callback = silent) -> Dataset:
    """List the labelled photos of a folder, for training or looking at them.

    Nothing is decoded: a photo that is damaged shows when its features are computed, or by `check_folder`.

    Args:
        folder: a folder per class, perhaps below train/valid/test; or a dataset folder with its catalog.
        min_classes: fewer classes than that are an error.
    Raises:
        EmptyDatasetError: `no_photos`, `no_classes` or `few_classes`.
        DatasetError: the folder is not there, is a file or cannot be read.
        StoreError: the catalog cannot be used.
    """
    root = check_is_folder(Path(folder))
    dataset = _read_catalog(root) if is_catalog(root) else _read_plain(root, callback)
    _check_classes(dataset, min_classes)
    return dataset


def check_is_folder(root: Path) -> Path:
    """Give the folder back.

    Raises:
        DatasetError: `missing` or `not_a_folder`.
    """
    if not root.exists():
        raise DatasetError(
            f"There is no folder {str(root)!r}. Check how it is written and where you are.", code="missing"
        )
    if not root.is_dir():
        raise DatasetError(
            f"{str(root)!r} is a file, and a folder was expected. Import a zip, tar or CSV first; it makes one.",
            code="not_a_folder",
        )
    return root


def label_of(path: Path, root: Path, *, has_split: bool) -> tuple[str | None, str | None]:
    """Tell a photo's label and split by the folders between `root` and it; None where they do not say."""
    folders = path.relative_to(root).parts[:-1]
    split = SPLIT_FOLDERS[folders[0].lower()] if has_split and folders else None
    classes = folders[1:] if has_split else folders
    return (classes[-1] if classes and classes[-1].strip() else None), split


def is_split_by_folders(photos: Iterable[Path], root: Path) -> bool:
    """Whether the top folders with photos are all called train, valid or test, or what those usually are.

    A photo beside them, or in one of them without a class folder, has no class; it does not make classes of
    the sides of a split.
    """
    parts = [path.relative_to(root).parts for path in photos]
    folders = {p[0].lower() for p in parts if len(p) > 1}
    return bool(folders) and folders <= SPLIT_FOLDERS.keys()


def items_of(catalog: Catalog) -> list[Item]:
    """List the photos of a dataset that are in use, sealed ones among them; no file is opened."""
    return [
        Item(
            catalog.root / photo.path,
            photo.label,
            photo.hash,
            photo.split,
            photo.group,
            _parsed(photo.captured),
        )
        for photo in catalog.photos()
    ]


def _read_catalog(root: Path) -> Dataset:
    """List the photos in use but for the sealed ones, which nobody may learn from or look at."""
    catalog = Catalog.open(root, write=False)
    kept: Any = catalog.setting(SEALED)
    sealed = frozenset(kept["photos"]) if kept else frozenset()
    items = tuple(item for item in items_of(catalog) if item.hash not in sealed)
    return Dataset(root, items, _vocab(items))


def _parsed(captured: str | None) -> datetime | None:
    return datetime.fromisoformat(captured) if captured else None


def _read_plain(root: Path, callback: Callback) -> Dataset:
    scan = scan_folder(root)
    has_split = is_split_by_folders(scan.photos, root)
    items: list[Item] = []
    rejected: list[Rejected] = []
    for path, digest in zip(scan.photos, hash_files(scan.photos, callback=callback), strict=True):
        label, split = label_of(path, root, has_split=has_split)
        if isinstance(digest, OSError):
            rejected.append(Rejected(path, "unreadable", f"The file cannot be read: {digest.strerror}."))
        elif label is None:
            rejected.append(
                Rejected(path, "no_class", "The photo lies in no class folder. Move it into one.")
            )
        else:
            items.append(Item(path, clean_label(label), digest, split))
    return Dataset(root, tuple(items), _vocab(items), tuple(rejected), scan.skipped)


def _vocab(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(sorted({item.label for item in items}))


def _check_classes(dataset: Dataset, min_classes: int) -> None:
    where = repr(str(dataset.root))
    if not dataset.items and any(r.code == "no_class" for r in dataset.rejected):
        raise EmptyDatasetError(
            f"The photos in {where} lie in no class folder. A folder for each class was expected, named after "
            "what its photos show: sort them into such folders.",
            code="no_classes",
        )
    if not dataset.items:
        raise EmptyDatasetError(
            f"There are no photos in {where}. A folder for each class was expected, with photos in it.",
            code="no_photos",
        )
    if len(dataset.vocab) < min_classes:
        raise EmptyDatasetError(
            f"All {len(dataset.items)} photos in {where} are of one class, {dataset.vocab[0]!r}. Something to "
            "tell it from was expected: add a folder with photos of something else.",
            code="few_classes",
        )


__all__ = ["Dataset", "DatasetError", "Item", "Rejected", "read_dataset"]
