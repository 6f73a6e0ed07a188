"""What a photo is known by: its bytes (SHA-256) and, roughly, its looks (difference hash)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from fieldmark.callbacks import Callback, Progress, silent

HASH_SIDE = 8
"""Rows and columns compared by a difference hash: 8 × 8 = 64 bits."""


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, 64 hex digits; what a photo is known by wherever it lies.

    Raises:
        OSError: the file cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(paths: Sequence[Path], *, callback: Callback = silent) -> Iterator[str | OSError]:
    """SHA-256 of many files, in order, for reading a dataset; a file that cannot be read is its error."""
    with ThreadPoolExecutor(thread_name_prefix="hash") as pool:
        try:
            for done, result in enumerate(pool.map(_hash_or_error, paths), 1):
                callback(Progress("Reading photos", done, len(paths)))
                yield result
        finally:
            pool.shutdown(cancel_futures=True)


def _hash_or_error(path: Path) -> str | OSError:
    try:
        return file_hash(path)
    except OSError as exc:
        return exc


def difference_hash(image: Image.Image) -> int:
    """Tell by 64 bits how a photo looks, for finding near duplicates: which neighbour is brighter.

    Each row of 9 grey cells gives 8 bits (Krawetz 2013, "dHash"). Shrinking, recompressing and small
    changes of brightness flip few of them; compare with `hash_distance`.
    """
    grey = image.convert("L").resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX)
    cells = np.asarray(grey, np.uint8)  # (8, 9)
    bits = cells[:, 1:] > cells[:, :-1]  # (8, 8)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def hash_distance(a: int, b: int) -> int:
    """Count the bits in which two difference hashes differ, 0 … 64."""
    return (a ^ b).bit_count()
