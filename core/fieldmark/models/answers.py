"""Answers for many photos as records and tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fieldmark.errors import DatasetError
from fieldmark.prediction import Failure, Prediction
from fieldmark.sources.scan import list_photos
from fieldmark.tables import neutral_cell


def expand(paths: Iterable[Path]) -> list[Path]:
    """Give the photos meant by files and folders; a folder stands for every photo below it.

    Raises:
        DatasetError: a path is not there, or no photo is.
    """
    photos: list[Path] = []
    for path in paths:
        if not path.exists():
            raise DatasetError(f"{path}: there is no such file or folder.", code="missing")
        photos += list_photos(path) if path.is_dir() else [path]
    if not photos:
        raise DatasetError("There are no photos in what was given.", code="no_photos")
    return photos


def as_record(path: Path, answer: Prediction | Failure) -> dict[str, Any]:
    """Turn an answer into plain values, for JSON."""
    if isinstance(answer, Failure):
        return {"path": str(path), "failure": {"code": answer.code, "reason": answer.reason}}
    return {
        "path": str(path),
        "label": answer.label,
        "prob": answer.prob,
        "probs": dict(answer.probs),
        "verdict": answer.verdict,
        "familiarity_p": answer.familiarity_p,
    }


def write_csv(path: Path, records: Sequence[Mapping[str, Any]], vocab: Sequence[str]) -> None:
    """Write one row per photo; cells that a spreadsheet would run as formulas are made harmless."""
    header = ["path", "label", "prob", "verdict", "familiarity_p", "failure", *(f"p({v})" for v in vocab)]
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(map(neutral_cell, header))
        for record in records:
            probs = record.get("probs", {})
            row = [record.get(name, "") for name in header[:5]]
            row += [record.get("failure", {}).get("reason", ""), *(probs.get(v, "") for v in vocab)]
            writer.writerow(neutral_cell(c) if isinstance(c, str) else c for c in row)
