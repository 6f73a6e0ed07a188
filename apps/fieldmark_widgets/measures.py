"""Measures: figures that cost some seconds or some of a test's worth, and are asked for on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldmark.callbacks import Callback
from fieldmark.curation.sealed import Opening, Seal, open_seal, read_seal
from fieldmark.fitting.learningcurve import LearningCurve, learning_curve
from fieldmark.project import Project
from fieldmark.results.fieldcheck import Condition, FieldCheck, field_check
from fieldmark.stats import wilson
from fieldmark_widgets.cleanerwords import say_time_of
from fieldmark_widgets.marks import Key, mark, say_interval
from fieldmark_widgets.strings.results import FIGURES

Figure = dict[str, Any]
MEASURES = ("field", "curve", "test")


@dataclass(frozen=True)
class Measured:
    """A figure that was asked for."""

    figure: Figure
    wrong: dict[Key, frozenset[str]]
    """SHA-256 of the photos that were answered wrongly, by the key of the bar or point."""


def measure(what: str, project: Project, who: str, callback: Callback) -> Measured:
    """Measure for the results' page; ValueError when there is no such measure.

    Raises:
        FieldmarkError: as `field_check` and `open_seal`.
    """
    if what == "field":
        check = field_check(project.learner or project.fitted(callback), callback)
        project.remember_limits(check.limits)
        wrong: dict[Key, frozenset[str]] = {
            ("field", one.name): one.wrong for one in (check.as_it_is, *check.conditions)
        }
        return Measured(describe_field(check), wrong)
    if what == "curve":
        curve = learning_curve(project.learner or project.fitted(callback), callback=callback)
        return Measured(
            describe_curve(curve), {("curve", str(point.n_train)): point.wrong for point in curve.points}
        )
    if what == "test":
        open_seal(project, who=who, why=FIGURES["test_why"], callback=callback)
        return Measured(offer_test(project), {})
    raise ValueError(what)


def offer_measures(project: Project) -> dict[str, Figure]:
    """What can be measured, before it is."""
    field = _offer("field", note=FIGURES["field_offer"], button=FIGURES["field_go"])
    curve = _offer("curve", note=FIGURES["curve_offer"], button=FIGURES["curve_go"])
    return {"field": field, "curve": curve, "test": offer_test(project)}


def describe_curve(curve: LearningCurve) -> Figure:
    """Errors against the number of photos that were learned from."""
    rows = [
        mark(
            ("curve", str(point.n_train)),
            FIGURES["curve_point"].format(n=f"{point.n_train:,}"),
            len(point.wrong),
            point.n_valid,
        )
        | {"x": point.n_train}
        for point in curve.points
    ]
    words = {part: FIGURES[f"curve_{part}"] for part in ("title", "x", "y", "heading")}
    return {"name": "curve", "kind": "line", "rows": rows, "note": curve.sentence, **words}


def describe_field(check: FieldCheck) -> Figure:
    """How often it is right on photos made worse on purpose."""
    rows = [_condition(one) for one in (check.as_it_is, *check.conditions)]
    words = {part: FIGURES[f"field_{part}"] for part in ("title", "note", "x", "heading")}
    return {"name": "field", "kind": "bars", "rows": rows, **words}


def _condition(one: Condition) -> Figure:
    row = mark(("field", one.name), FIGURES["condition"].format(name=one.name), one.right, one.n)
    return row | {"text": FIGURES["worse"].format(text=row["text"])} if one.is_worse else row


def offer_test(project: Project) -> Figure:
    """The sealed test: how often it was opened, what came of it, and opening it."""
    seal = read_seal(project.catalog)
    if seal is None:
        return _offer("test", note=FIGURES["test_none"])
    opened = [_say_opening(number, one) for number, one in enumerate(seal.openings, start=1)]
    return _offer(
        "test", note=_say_seal(seal), button=FIGURES["test_go"], confirm=FIGURES["test_confirm"], lines=opened
    )


def _say_seal(seal: Seal) -> str:
    n, times = len(seal.photos), len(seal.openings)
    key = "test_closed" if not times else "test_opened_one" if times == 1 else "test_opened"
    return FIGURES[key].format(n=f"{n:,}", times=times)


def _say_opening(number: int, one: Opening) -> str:
    interval = say_interval(wilson(len(one.wrong), one.n))
    result = FIGURES["wrong"].format(wrong=len(one.wrong), n=one.n, interval=interval)
    opening = FIGURES["opening"].format(number=number, result=result, who=one.who, at=say_time_of(one.at))
    return FIGURES["opening_why"].format(opening=opening, why=one.why) if one.why else opening


def _offer(
    name: str, *, note: str, button: str = "", confirm: str = "", lines: list[str] | None = None
) -> Figure:
    title = FIGURES[f"{name}_title"]
    return {"name": name, "kind": "offer", "title": title, "note": note, "button": button, "confirm": confirm, "rows": [], "lines": lines or []}  # fmt: skip
