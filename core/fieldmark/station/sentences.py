"""A station's figures as sentences: what happened, how sure that is, and what it probably means."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import isinf
from zoneinfo import ZoneInfo

from fieldmark.station.decisions import Proportion
from fieldmark.station.figures import StationFigures
from fieldmark.station.notices import Told
from fieldmark.stats import is_lower
from fieldmark.stats.drift import PrecisionCheck
from fieldmark.stats.rates import RateChange, needed_days

EXPLAINS = 0.5
"""Share of the surplus from which on a camera is named as what explains it."""
FEWEST_REVIEWED = 10
"""Reviewed alarms, now and before, below which nothing is said of why there are more."""


def say_rate(figures: StationFigures) -> str:
    """Say whether alarms doubled or halved, with the ratio, its interval, and which camera explains it."""
    change = figures.change
    if change is None:
        n = sum(camera.alarms for camera in figures.cameras)
        return f"{_visits(n, figures)}. There are no days before these to compare with yet."
    said = f"{_visits(change.recent, figures)}, ratio {_say_ratio(change)}"
    if change.verdict == "too few to tell":
        return f"{said}: too few to tell.{_say_needed(change.baseline, figures)}"
    if change.verdict == "steady":
        return f"{said}: as before."
    why = _say_why(figures) if change.verdict == "more" else ""
    return f"{said}: {change.verdict} than before.{_say_camera(figures)}{why}"


def _visits(n: int, figures: StationFigures) -> str:
    return f"{n} visit{'' if n == 1 else 's'} with an alarm in {figures.days} days"


def say_changed(figures: StationFigures) -> list[str]:
    """Say which cameras changed by themselves, where the station as a whole does not tell; one sentence each."""
    is_told = figures.change is not None and figures.change.verdict in ("more", "fewer")
    first = _explaining(figures) if is_told else ""
    return [
        f"{name}: {change.recent} of them, ratio {_say_ratio(change)}: {'more' if change.ratio > 1 else 'fewer'} than "
        "before at this camera."
        for name, change in figures.changed
        if name != first
    ]


def _say_ratio(change: RateChange) -> str:
    ratio = "∞" if isinf(change.ratio) else f"{change.ratio:.1f}"
    high = "∞" if isinf(change.interval.high) else f"{change.interval.high:.1f}"
    return f"{ratio} to the weeks before (95 % {change.interval.low:.1f}–{high})"


def say_precision(precision: Proportion) -> str:
    """Say how many alarms were right, of those that people decided about."""
    if precision.n == 0:
        return "Nobody has reviewed an alarm of these days, so nothing says how many are right."
    low, high = precision.interval
    return f"{precision.hits} of {precision.n} reviewed alarms were right (95 % {100 * low:.0f}–{100 * high:.0f} %)."


def say_promise(check: PrecisionCheck) -> str:
    """Say whether the model is as sure as it is right; empty while too few alarms were reviewed."""
    if check.n < FEWEST_REVIEWED:
        return ""
    low, high = check.interval
    said = (
        f"Of {check.n} reviewed alarms of five weeks the model expected {100 * check.expected:.0f} % to be right; people "
        f"found {100 * low:.0f}–{100 * high:.0f} % (95 %)"
    )
    if not check.is_off:
        return f"{said}: as it promises."
    return f"{said}: it promises too {'much' if check.expected > high else 'little'}."


def say_audit(audit: Proportion) -> str:
    """Say how many visits the model missed, as far as the blind audit tells."""
    if audit.n == 0:
        return "Nothing was audited, so nothing says what is missed."
    high = audit.interval.high
    return f"{audit.hits} of {audit.n} audited events without alarm had one: at most {100 * high:.1f} % are missed (95 %)."


def say_coverage(figures: StationFigures) -> str:
    """Say for how long cameras watched: no sighting means something only where somebody looked."""
    days = figures.days
    possible = f"{(figures.end - figures.begin) / timedelta(days=1) * len(figures.cameras):.1f}"
    least = min(figures.cameras, key=lambda camera: camera.camera_days, default=None)
    said = f"Cameras watched {figures.camera_days:.1f} of {possible.removesuffix('.0')} camera-days"
    if least is None or least.camera_days >= days - 0.5:
        return f"{said}."
    return f"{said}; {least.name} least, {least.camera_days:.1f} of {days}."


def say_delivery(figures: StationFigures) -> str:
    """Say what became of the alerts, and how long they took; empty where there was none."""
    if not figures.alerts:
        return ""
    n = sum(figures.alerts.values())
    states = ", ".join(
        f"{count} {'not sent yet' if state == 'failed' else state}"
        for state, count in sorted(figures.alerts.items())
    )
    said = f"{n} alert{'' if n == 1 else 's'}: {states}."
    if figures.seconds_to_send is None:
        return said
    median, most = (_say_seconds(seconds) for seconds in figures.seconds_to_send)
    return f"{said} From the end of a visit to its alert: half within {median}, 95 % within {most}."


def say_silence(told: Told, zone: ZoneInfo) -> str:
    """Say for how long a camera was silent, and who was told; in the station's own time."""
    until = f"to {_say_time(told.until, zone)}" if told.until else "and still is"
    by = f"told {', '.join(told.channels)}" if told.channels else "nobody was told"
    at = f" {_say_time(told.told_at, zone)}" if told.told_at else ""
    return f"{told.camera} was silent from {_say_time(told.since, zone)} {until}; {by}{at}."


def _say_time(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d %b %H:%M}"


def _say_seconds(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.0f} h"
    )


def _explaining(figures: StationFigures) -> str:
    """Name the camera that explains a change by itself; empty where none does."""
    total = sum(surplus for _, surplus in figures.surplus)
    name, surplus = figures.surplus[0] if figures.surplus else ("", 0.0)
    return name if total and surplus / total >= EXPLAINS else ""


def _say_camera(figures: StationFigures) -> str:
    if not figures.surplus:
        return ""
    if not (name := _explaining(figures)):
        return " No single camera explains it."
    total = sum(surplus for _, surplus in figures.surplus)
    return f" {name} explains {abs(figures.surplus[0][1]):.0f} of {abs(total):.0f}."


def _say_why(figures: StationFigures) -> str:
    """Say whether more alarms are probably more animals: then people confirm as many of them as before."""
    now, before = figures.precision, figures.precision_before
    if min(now.n, before.n) < FEWEST_REVIEWED:
        return " Too few of them were reviewed to tell animals from a model that errs more."
    shares = f"{now.hits} of {now.n} right, {before.hits} of {before.n} before"
    if is_lower(now.hits, now.n, before.hits, before.n):
        return f" Reviewed precision fell ({shares}): probably the model or the camera, and not animals."
    return f" Reviewed precision is as before ({shares}): probably animals."


def _say_needed(baseline: int, figures: StationFigures) -> str:
    days = figures.camera_days / max(len(figures.cameras), 1)
    rate = baseline / 28 if baseline else 0.0
    if not rate or not days:
        return ""
    return f" At this rate a doubling shows after some {needed_days(rate)} days."
