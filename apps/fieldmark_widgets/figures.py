"""Figures of the results as plain values, for the page to draw: bars with intervals, points, lines, and a ledger.

Every figure says its n and its interval, and every mark in it has a key: the photos behind it can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.catalog import Catalog
from fieldmark.curation.ledger import Entry, flipped, read_ledger
from fieldmark.interp import ClassReport, Interpretation
from fieldmark.project import Project
from fieldmark.results.reliability import Bin, calibration_bins
from fieldmark.stats import wilson
from fieldmark_widgets.cleanerwords import say_time_of
from fieldmark_widgets.marks import Key, mark, say_interval
from fieldmark_widgets.measures import offer_measures
from fieldmark_widgets.slicefigures import behind_slice, describe_slices
from fieldmark_widgets.strings.results import FIGURES

Figure = dict[str, Any]
MOST_ROUNDS = 20

Mask = npt.NDArray[np.bool_]


def describe_figures(project: Project, valid: Interpretation) -> dict[str, Figure]:
    """Every figure that costs nothing, and what can be measured, by name."""
    figures = [describe_progress(project)]
    if valid.items:
        of_valid = (
            describe_classes_found,
            describe_classes_right,
            describe_classes_both,
            describe_calibration,
        )
        figures += [*(describe(valid) for describe in of_valid), *describe_slices(valid, project.catalog)]
    return {figure["name"]: figure for figure in figures} | offer_measures(project)


def describe_classes_found(valid: Interpretation) -> Figure:
    """For each class, how many of its photos were found."""
    rows = [mark(("found", r.label), r.label, r.right, r.n) for r in valid.per_class()]
    return _figure("found", "bars", rows)


def describe_classes_right(valid: Interpretation) -> Figure:
    """For each class, how often the model was right when it said so."""
    rows = [mark(("right", r.label), r.label, r.right, r.said) for r in valid.per_class()]
    return _figure("right", "bars", rows)


def describe_classes_both(valid: Interpretation) -> Figure:
    """For each class, F1: found and right in one number."""
    rows = [_f1_bar(report) for report in valid.per_class()]
    return _figure("f1", "bars", rows)


def _f1_bar(report: ClassReport) -> dict[str, Any]:
    n = report.n + report.said - report.right
    text = FIGURES["f1_share"].format(f1=f"{report.f1 or 0:.2f}", low=f"{report.f1_ci.low:.2f}", high=f"{report.f1_ci.high:.2f}", n=f"{n:,}")  # fmt: skip
    return mark(("f1", report.label), report.label, report.right, n) | {
        "value": report.f1,
        "low": report.f1_ci.low,
        "high": report.f1_ci.high,
        "text": text if n else FIGURES["none"],
    }


def describe_calibration(valid: Interpretation) -> Figure:
    """How often the model was right, by how sure it was."""
    rows = [
        mark(("bin", str(number)), _say_bin(part), part.right, part.n) | {"x": part.confidence}
        for number, part in enumerate(calibration_bins(valid))
    ]
    figure = _figure("calibration", "points", rows)
    n, each = (f"{count:,}" for count in (len(valid.items), len(valid.items) // len(rows)))
    return {**figure, "note": FIGURES["calibration_note"].format(n=n, each=each)}


def describe_progress(project: Project) -> Figure:
    """The ledger: each training with its data, its result, and whether that is better than the one before."""
    rows = [_round_line(entry) for entry in read_ledger(project)[:MOST_ROUNDS]]
    return {**_figure("progress", "ledger", rows), "columns": [FIGURES[f"ledger_{name}"] for name in LEDGER]}


LEDGER = ("when", "data", "model", "result", "verdict")


def _round_line(entry: Entry) -> dict[str, Any]:
    now, since = entry.round, entry.since
    n, wrong = now.n_valid, len(now.wrong)
    result = (
        FIGURES["wrong"].format(wrong=wrong, n=n, interval=say_interval(wilson(wrong, n)))
        if n
        else FIGURES["none"]
    )
    return {
        "when": say_time_of(now.at),
        "data": FIGURES["data"].format(version=now.data[:6], n=f"{now.n_train:,}"),
        "model": FIGURES[f"mode_{now.mode.replace('-', '_')}"],
        "result": result,
        "verdict": _verdict(entry),
        "marks": [
            {"key": [what, now.at], "text": FIGURES[f"show_{what}"].format(n=len(keys))}
            for what, keys in ((("mended", since.mended), ("spoilt", since.spoilt)) if since else ())
            if keys
        ],
    }


def _verdict(entry: Entry) -> str:
    compared = entry.since
    if compared is None:
        return ""
    counts = {"mended": len(compared.mended), "spoilt": len(compared.spoilt), "p": f"{compared.p:.2g}"}
    is_same = not compared.mended and not compared.spoilt
    return FIGURES[f"verdict_{'same' if is_same else compared.verdict}"].format(**counts)


def behind(valid: Interpretation, catalog: Catalog, key: Key) -> Mask | None:
    """Which held-out photos are behind a mark; None for a key that is none.

    Of a bar, those that are missing from it come with those in it: they are what one wants to see.
    """
    if len(key) == 2 and key[0] == "slice":
        return behind_slice(valid, catalog, key[1])
    kind, *rest = key if key else ("",)
    finder = _FINDERS.get(kind)
    if finder is None or len(rest) != 1:
        return None
    return finder(valid, rest[0])


def _behind_class(valid: Interpretation, label: str, said_of: Callable[[Interpretation], Any]) -> Mask | None:
    if label not in valid.vocab:
        return None
    return np.asarray(said_of(valid) == valid.vocab.index(label))


def _either(valid: Interpretation, label: str) -> Mask | None:
    """The photos that are of a class, and those that were called so."""
    are, called = (_behind_class(valid, label, said_of) for said_of in (lambda v: v.targs, lambda v: v.preds))
    return None if are is None or called is None else are | called


def flipped_in(project: Project, key: Key) -> frozenset[str] | None:
    """SHA-256 of the photos behind ("mended" or "spoilt", time of a training); None for another key."""
    if len(key) != 2 or key[0] not in ("mended", "spoilt"):
        return None
    for entry in read_ledger(project):
        if entry.round.at == key[1] and entry.since is not None:
            mended, spoilt = flipped(project, entry.since)
            return frozenset(photo.hash for photo in (mended if key[0] == "mended" else spoilt))
    return frozenset()


def _behind_bin(valid: Interpretation, number: str) -> Mask | None:
    bins = calibration_bins(valid)
    if not (number.isdecimal() and int(number) < len(bins)):
        return None
    inside = np.zeros(len(valid.items), bool)
    inside[list(bins[int(number)].places)] = True
    return inside


_FINDERS: dict[str, Callable[[Interpretation, str], Mask | None]] = {
    "found": lambda valid, label: _behind_class(valid, label, lambda v: v.targs),
    "right": lambda valid, label: _behind_class(valid, label, lambda v: v.preds),
    "f1": lambda valid, label: _either(valid, label),
    "bin": _behind_bin,
}


def title_of(valid: Interpretation, key: Key) -> str:
    """What the photos behind a mark are called."""
    kind, value = key
    if kind == "bin":
        value = _say_bin(calibration_bins(valid)[int(value)])
    elif kind == "slice":
        value = value.partition("=")[2]
    elif kind in ("mended", "spoilt"):
        value = say_time_of(value)
    return FIGURES[f"behind_{kind}"].format(value=value)


def _say_bin(part: Bin) -> str:
    return FIGURES["bin"].format(low=f"{100 * part.low:.0f}", high=f"{100 * part.high:.0f}")


def _figure(name: str, kind: str, rows: Iterable[dict[str, Any]]) -> Figure:
    words = {
        part: FIGURES[f"{name}_{part}"] for part in ("title", "note", "x", "y") if f"{name}_{part}" in FIGURES
    }
    return {"name": name, "kind": kind, "rows": list(rows), **words}
