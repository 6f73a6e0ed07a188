"""Where Fieldmark keeps what it can make again: prepared backbones, compiled graphs and features."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

CACHE_VARIABLE = "FIELDMARK_CACHE"
"""Environment variable that names another folder, for tests and for machines with a small home."""


def cache_folder(*parts: str) -> Path:
    """Give the cache folder (or one below it), made if need be."""
    root = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("fieldmark", appauthor=False)
    folder = Path(root, *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
