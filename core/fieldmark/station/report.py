"""The weekly report: one page to print, with every figure that decides about the station."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.station import simulate
from fieldmark.station.changes import drift, say_drift
from fieldmark.station.clock import utc_now
from fieldmark.station.days import midnight, zone_of
from fieldmark.station.figures import StationFigures, measure
from fieldmark.station.logcheck import check_news
from fieldmark.station.misses import say_misses
from fieldmark.station.notices import silences
from fieldmark.station.reviews import count_waiting
from fieldmark.station.sentences import (
    say_audit,
    say_changed,
    say_delivery,
    say_precision,
    say_promise,
    say_rate,
    say_silence,
)
from fieldmark.station.stages import look_at_gate, signed_plan
from fieldmark.station.stations import CHAMPION, the_station
from fieldmark.station.tables import Frame, Model, Station
from fieldmark.station.visits import alarms_by_day

STAGES = {
    1: "beside the rangers, no sighting leaves",
    2: "under their eye, what a person confirmed leaves",
    3: "with room, alerts leave by themselves",
}
CHART_PX = (640, 120)


def write_report(session: Session, *, end: datetime | None = None, days: int = 7) -> str:
    """Write the page of so many days, the last of them that of `end` (by default that of the newest frame), as HTML.

    Raises:
        StationError: there is no station.
    """
    station = the_station(session)
    zone = zone_of(station)
    end = end or _midnight_after(session, station)
    figures = measure(session, station, end=end, days=days)
    return _template().render(
        station=station,
        zone=zone,
        stage=STAGES[station.stage],
        simulated=station.name == simulate.NAME,
        begin=f"{figures.begin.astimezone(zone):%d %b %Y}",
        last=f"{(figures.end - timedelta(hours=1)).astimezone(zone):%d %b %Y}",
        days=days,
        figures=figures,
        rate=say_rate(figures),
        changed=say_changed(figures),
        precision=say_precision(figures.precision),
        promise=say_promise(figures.promise),
        audit=say_audit(figures.audit),
        misses=say_misses(figures.misses),
        drift=say_drift(drift(session, station, end=figures.end)),
        silences=[
            say_silence(one, zone) for one in silences(session, station, begin=figures.begin, end=figures.end)
        ],
        delivery=say_delivery(figures),
        waiting=count_waiting(session, station.id),
        chart=_chart(session, station, figures),
        blockers=look_at_gate(session, station).blockers,
        plan=signed_plan(session, station.id),
        log=check_news(session, now=utc_now()),
        model=session.scalar(select(Model).where(Model.role == CHAMPION)),
    )


def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    return Environment(loader=folder, autoescape=True, undefined=StrictUndefined).get_template("report.html")


def _midnight_after(session: Session, station: Station) -> datetime:
    newest = session.scalar(select(Frame.at).order_by(Frame.at.desc()).limit(1)) or station.since
    return midnight(newest, zone_of(station), 1)


def _chart(session: Session, station: Station, figures: StationFigures) -> Markup:
    """Bars, one a day, the window darker than the weeks before; with its text beside it."""
    days = alarms_by_day(session, station, end=figures.end)
    (width, height), zone = CHART_PX, zone_of(station)
    step, top = width / max(len(days), 1), max([n for _, n in days] or [0]) or 1
    bars = [
        f'<rect x="{i * step + 1:.1f}" y="{height - 18 - n * (height - 34) / top:.1f}" width="{step - 2:.1f}" '
        f'height="{n * (height - 34) / top:.1f}" fill="var(--{"red" if day >= figures.begin else "soft"})"/>'
        for i, (day, n) in enumerate(days)
    ]
    ends = [days[0][0], days[-1][0]] if days else []
    labels = [
        f'<text x="{x}" y="{height - 4}" text-anchor="{anchor}" font-size="11" fill="var(--soft)">{day.astimezone(zone):%d %b}</text>'
        for day, x, anchor in zip(ends, (0, width), ("start", "end"), strict=False)
    ]
    text = f"{sum(n for _, n in days)} visits with an alarm in {len(days)} days; at most {top if days else 0} a day."
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{text}">{"".join(bars + labels)}'
        f'<text x="0" y="11" font-size="11" fill="var(--soft)">visits a day, at most {top}</text></svg>'
        f'<p class="soft">{text}</p>'
    )
