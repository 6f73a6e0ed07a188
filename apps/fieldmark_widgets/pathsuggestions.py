"""Folders and archives that are offered while somebody types a path."""

from __future__ import annotations

from pathlib import Path

MOST_SUGGESTED = 12
ARCHIVES = (".zip", ".csv", ".tar", ".gz")


def paths_like(typed: str) -> list[str]:
    """Folders and archives that a path may go on with; none where there is no such folder, or it may not be read."""
    path = Path(typed).expanduser()
    parent, start = (path, "") if typed.endswith(("/", "\\")) else (path.parent, path.name)
    try:
        entries = sorted(entry for entry in parent.iterdir() if entry.name.lower().startswith(start.lower()))
    except (OSError, ValueError):
        return []
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    fits = [entry for entry in shown if entry.is_dir() or entry.suffix.lower() in ARCHIVES]
    return [str(entry) for entry in fits[:MOST_SUGGESTED]]
