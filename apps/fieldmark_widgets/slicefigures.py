"""Slices: where the model is right less often — by site, source, time of day and size of the photos."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from fieldmark.catalog import Catalog
from fieldmark.interp import Interpretation
from fieldmark.results.slices import By, Slice, slices
from fieldmark_widgets.marks import mark
from fieldmark_widgets.strings.results import FIGURES

SLICES: tuple[By, ...] = tuple(by for by in get_args(By) if by != "class")
MOST_VALUES = 12
"""Bars of one figure: those with the highest error."""


def describe_slices(valid: Interpretation, catalog: Catalog) -> list[dict[str, Any]]:
    """A figure for each fact that tells held-out photos apart; none where all are alike."""
    return [figure for by in SLICES if (figure := _describe(by, slices(valid, by, catalog)))]


def behind_slice(valid: Interpretation, catalog: Catalog, value: str) -> npt.NDArray[np.bool_] | None:
    """Which held-out photos are in a slice, such as "time=night"; None for one that there is not."""
    by, _, name = value.partition("=")
    if by not in SLICES:
        return None
    inside = np.zeros(len(valid.items), bool)
    for part in slices(valid, by, catalog):
        if part.name == name:
            inside[list(part.places)] = True
    return inside


def _describe(by: By, parts: list[Slice]) -> dict[str, Any] | None:
    if len(parts) < 2:
        return None
    rows = [mark(("slice", f"{by}={part.name}"), part.name, part.n - part.wrong, part.n) for part in parts]
    words = {key: FIGURES[f"slice_{key}"] for key in ("note", "x", "heading")}
    title = FIGURES[f"slice_{by}_title"]
    return {"name": f"slice_{by}", "kind": "bars", "rows": rows[:MOST_VALUES], "title": title, **words}
