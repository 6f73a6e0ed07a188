"""Figures of the results as plain values, for the page to draw: bars with intervals, points, lines, and a ledger.

Every figure says its n and its interval, and every mark in it has a key: the photos behind it can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.comparison import compare_rounds
from fieldmark.interp import Interpretation
from fieldmark.project import Project, Round
from fieldmark.stats import Interval, wilson
from fieldmark_widgets.cleanerwords import say_time_of
from fieldmark_widgets.strings_results import FIGURES

Figure = dict[str, Any]
Key = tuple[str, ...]
BINS = 10
MOST_ROUNDS = 20

Mask = npt.NDArray[np.bool_]


def describe_figures(project: Project, valid: Interpretation) -> dict[str, Figure]:
    """Every figure that costs nothing, by name."""
    of_valid = (describe_classes_found, describe_classes_right, describe_calibration) if valid.items else ()
    figures = [describe(valid) for describe in of_valid]
    return {figure["name"]: figure for figure in (*figures, describe_progress(project))}


def mark(key: Key, label: str, hits: int, n: int) -> dict[str, Any]:
    """One bar: `hits` of `n`, with its 95 % interval."""
    low, high = wilson(hits, n)
    return {
        "key": list(key),
        "label": label,
        "value": hits / n if n else None,
        "low": low,
        "high": high,
        "n": n,
        "text": FIGURES["share"].format(
            hits=f"{hits:,}", n=f"{n:,}", interval=say_interval(Interval(low, high))
        )
        if n
        else FIGURES["none"],
    }


def describe_classes_found(valid: Interpretation) -> Figure:
    """For each class, how many of its photos were found."""
    rows = [mark(("found", r.label), r.label, r.right, r.n) for r in valid.per_class()]
    return _figure("found", "bars", rows)


def describe_classes_right(valid: Interpretation) -> Figure:
    """For each class, how often the model was right when it said so."""
    rows = [mark(("right", r.label), r.label, r.right, r.said) for r in valid.per_class()]
    return _figure("right", "bars", rows)


def describe_calibration(valid: Interpretation) -> Figure:
    """How often the model was right, by how sure it was."""
    top, is_right = valid.probs.max(axis=1, initial=0), valid.preds == valid.targs
    rows = []
    for place in range(BINS):
        inside = _in_bin(top, place)
        if n := int(inside.sum()):
            row = mark(("bin", str(place)), _say_bin(place), int(is_right[inside].sum()), n)
            rows.append(row | {"x": float(top[inside].mean())})
    return _figure("calibration", "points", rows)


def describe_progress(project: Project) -> Figure:
    """The ledger: each training with its data, its result, and whether that is better than the one before."""
    rounds = project.rounds()[:MOST_ROUNDS]
    earlier: list[Round | None] = [*rounds[1:], None]
    rows = [_round_line(now, before) for now, before in zip(rounds, earlier, strict=True)]
    return {**_figure("progress", "ledger", rows), "columns": [FIGURES[f"ledger_{name}"] for name in LEDGER]}


LEDGER = ("when", "data", "model", "result", "verdict")


def _round_line(now: Round, before: Round | None) -> dict[str, Any]:
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
        "verdict": _verdict(now, before),
    }


def _verdict(now: Round, before: Round | None) -> str:
    if before is None:
        return ""
    compared = compare_rounds(before, now)
    if compared is None:
        return FIGURES["other_photos"]
    counts = {"mended": len(compared.mended), "spoilt": len(compared.spoilt), "p": f"{compared.p:.2g}"}
    return FIGURES[f"verdict_{compared.verdict}"].format(**counts)


def behind(valid: Interpretation, key: Key) -> Mask | None:
    """Which held-out photos are behind a mark; None for a key that is none.

    Of a bar, those that are missing from it come with those in it: they are what one wants to see.
    """
    kind, *rest = key if key else ("",)
    finder = _FINDERS.get(kind)
    if finder is None or len(rest) != 1:
        return None
    return finder(valid, rest[0])


def _behind_class(valid: Interpretation, label: str, said_of: Callable[[Interpretation], Any]) -> Mask | None:
    if label not in valid.vocab:
        return None
    return np.asarray(said_of(valid) == valid.vocab.index(label))


def _behind_bin(valid: Interpretation, place: str) -> Mask | None:
    if not (place.isdecimal() and int(place) < BINS):
        return None
    return _in_bin(valid.probs.max(axis=1, initial=0), int(place))


_FINDERS: dict[str, Callable[[Interpretation, str], Mask | None]] = {
    "found": lambda valid, label: _behind_class(valid, label, lambda v: v.targs),
    "right": lambda valid, label: _behind_class(valid, label, lambda v: v.preds),
    "bin": _behind_bin,
}


def title_of(key: Key) -> str:
    """What the photos behind a mark are called."""
    kind, value = key
    return FIGURES[f"behind_{kind}"].format(value=_say_bin(int(value)) if kind == "bin" else value)


def say_interval(interval: Interval) -> str:
    """ "65–92 %"."""
    return FIGURES["interval"].format(low=f"{100 * interval.low:.0f}", high=f"{100 * interval.high:.0f}")


def _in_bin(top: npt.NDArray[np.floating], place: int) -> Mask:
    """Bins take their lower end, and the last one both."""
    return np.asarray(np.minimum((top * BINS).astype(int), BINS - 1) == place)


def _say_bin(place: int) -> str:
    return FIGURES["bin"].format(low=100 * place // BINS, high=100 * (place + 1) // BINS)


def _figure(name: str, kind: str, rows: Iterable[dict[str, Any]]) -> Figure:
    words = {
        part: FIGURES[f"{name}_{part}"] for part in ("title", "note", "x", "y") if f"{name}_{part}" in FIGURES
    }
    return {"name": name, "kind": kind, "rows": list(rows), **words}
