"""Small photos and folders of them for tests of importing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from badinputs.seeds import encode
from fieldmark.catalog import Catalog


def photo(seed: int, kind: str = "PNG") -> bytes:
    """A small photo; each seed another one."""
    picture = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return encode(Image.fromarray(picture), kind)


def put(root: Path, **files: bytes) -> Path:
    for name, data in files.items():
        write(root / name, data)
    return root


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def zipped(folder: Path, path: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, prefix + file.relative_to(folder).as_posix())
    return path


def seen(catalog: Catalog) -> dict[str, tuple[str, str | None]]:
    """Label and split of every photo, by the name in the source."""
    return {photo.original_name: (photo.label, photo.split) for photo in catalog.photos()}


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def make_pets(tmp_path: Path) -> Path:
    """Two classes of two photos."""
    for number, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"]):
        write(tmp_path / "pets" / name, photo(number))
    return tmp_path / "pets"
