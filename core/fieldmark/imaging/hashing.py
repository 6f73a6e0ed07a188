"""What a photo is known by: its bytes (SHA-256) and, roughly, its looks (difference hash)."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.parallel import in_threads

HASH_SIDE = 8
"""Rows and columns of a difference hash: 8 × 8 = 64 bits."""


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; what a photo is known by wherever it lies.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(paths: Sequence[Path], *, callback: Callback = silent) -> Iterator[str | OSError]:
    """SHA-256 of many files, in order, for reading a dataset; a file that cannot be read is its error."""
    with contextlib.closing(in_threads(_hash_or_error, paths)) as results:
        for done, result in enumerate(results, 1):
            callback(Progress("Reading photos", done, len(paths)))
            yield result


def _hash_or_error(path: Path) -> str | OSError:
    try:
        return file_hash(path)
    except OSError as exc:
        return exc


def difference_hash(image: Image.Image, *, down: bool = False) -> int:
    """Tell by 64 bits how a photo looks, for finding near duplicates: which neighbour is brighter.

    The photo becomes 9 × 8 grey cells; each is compared with the next in its row, or in its column with
    `down` (Krawetz 2013, "dHash"). Shrinking, recompressing and other brightness flip few of the bits;
    compare with `hash_distance`.
    """
    columns, rows = (HASH_SIDE, HASH_SIDE + 1) if down else (HASH_SIDE + 1, HASH_SIDE)
    grey = image if image.mode == "L" else image.convert("L")
    cells = np.asarray(grey.resize((columns, rows), Image.Resampling.BOX))
    bits = cells[1:] > cells[:-1] if down else cells[:, 1:] > cells[:, :-1]  # (8, 8)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_distance(a: int, b: int) -> int:
    """Count the bits in which two difference hashes differ, 0 … 64."""
    return (a ^ b).bit_count()
