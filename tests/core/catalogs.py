"""Small datasets for tests of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing.synchronize import Event
from pathlib import Path

from fieldmark.catalog import Catalog
from fieldmark.catalog.planning import NewPhoto
from fieldmark.imaging.hashing import file_hash


def make_catalog(root: Path, labels: Mapping[str, str]) -> Catalog:
    """A dataset with a file of its own bytes for each name."""
    catalog = Catalog.create(root)
    photos = []
    for name, label in labels.items():
        file = catalog.incoming / name
        file.write_bytes(f"bytes of {name}".encode() * 50)
        photos.append(NewPhoto(file, file_hash(file), label, f"src/{name}", 4, 3))
    catalog.add(photos, who="test", why="set-up")
    return catalog


def pets(root: Path, number: int = 4) -> Catalog:
    """Cats and dogs by turns: 0.jpg is a cat, 1.jpg a dog, …; ids are the number plus one."""
    return make_catalog(root, {f"{n}.jpg": "dog" if n % 2 else "cat" for n in range(number)})


def check_whole(catalog: Catalog, number: int) -> None:
    """Every photo is there once, with the bytes it came with, where its row says."""
    photos = catalog.photos(status=None)
    assert len(photos) == number
    assert [photo.id for photo in photos if file_hash(catalog.file_of(photo)) != photo.hash] == []
    listed = {photo.path for photo in photos}
    files = {
        path.relative_to(catalog.root).as_posix()
        for folder in ("images", ".fieldmark/trash", ".fieldmark/quarantine", ".fieldmark/incoming")
        for path in (catalog.root / folder).rglob("*")
        if path.is_file()
    }
    assert files == listed
    assert all(photo.path.startswith("images/") == (photo.status == "present") for photo in photos)


def tree(root: Path) -> dict[str, bytes]:
    """Every photo in use, byte for byte, by its path."""
    folder = root / "images"
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def apply_and_undo_without_end(root: Path, ready: Event) -> None:
    """What a process does until it is killed."""
    catalog = Catalog.open(root)
    ready.set()
    while True:
        catalog.apply_staged(who="killed")
        catalog.undo(who="killed")
