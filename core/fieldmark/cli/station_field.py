"""`fieldmark station camera`, `log` and `alerts`: what happens out there, told to a station."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from fieldmark.cli.options import Json, Station, Who, place_of
from fieldmark.cli.station_office import at_station
from fieldmark.cli.terminal import command, output, print_json

cli = typer.Typer()


@cli.command()
@command
def camera(
    folder: Station,
    name: Annotated[str, typer.Argument(help="The camera; a new name adds one.")],
    who: Who,
    place: Annotated[str, typer.Option(metavar="LATITUDE,LONGITUDE", help="Where it stands.")] = "",
    token: Annotated[
        bool, typer.Option("--token", help="Give its edge device a token to post with; an older one ends.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Enter a camera: where it stands, and a token for a device that posts its frames over HTTP.

    The device posts each frame to /frames/NAME.jpg of the address in endpoint.json, with "Authorization: Bearer TOKEN":
    201 is new, 409 was there before, 422 is no picture.
    """
    where = place_of(place, "--place")
    said = at_station(folder, "camera", who=who, name=name, place=where, token=token)
    if json_output:
        print_json(said)
        return
    output.print(f"{said['camera']} is entered.")
    if said["token"]:
        output.print(f"Its token, shown this once: {said['token']}", soft_wrap=True)


@cli.command()
@command
def log(
    folder: Station,
    label: Annotated[str, typer.Argument(help="What was seen.")],
    who: Who,
    at: Annotated[
        str, typer.Option(help="When, as 2026-06-01T13:30, in the station's time zone; now without.")
    ] = "",
    camera: Annotated[str, typer.Option(help="Near which camera.")] = "",
    note: Annotated[str, typer.Option(help="Anything else.")] = "",
    json_output: Json = False,
) -> None:
    """Note what somebody saw: it tells what the cameras, or the model, have missed."""
    said = at_station(folder, "log", who=who, label=label, seen_at=_time(at), camera=camera, note=note)
    if json_output:
        print_json(said)
    else:
        output.print(f"Entry {said['entry']} is written down.")


def _time(at: str) -> str:
    try:
        return (datetime.fromisoformat(at) if at else datetime.now(UTC)).isoformat()
    except ValueError as exc:
        raise typer.BadParameter("Write it like 2026-06-01T13:30", param_hint="--at") from exc


def _zone(folder: Station) -> ZoneInfo:
    from fieldmark.station.days import zone_of
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store

    store = open_store(folder)
    try:
        with store.reading() as session:
            return zone_of(the_station(session))
    finally:
        store.close()


@cli.command()
@command
def alerts(
    folder: Station,
    have: Annotated[
        str, typer.Option(metavar="KEY", help="Say that somebody in the field has this alert.")
    ] = "",
    who: Who = "",
    json_output: Json = False,
) -> None:
    """List the alerts that left, the newest first; say with --have that somebody acts on one, so that it does not escalate."""
    from fieldmark.station.outbox import recent_alerts
    from fieldmark.station.store import open_store

    if have:
        at_station(folder, "acknowledge", key=have, who=who)
    store = open_store(folder)
    try:
        with store.reading() as session:
            rows: list[dict[str, Any]] = [vars(one) for one in recent_alerts(session)]
    finally:
        store.close()
    if json_output:
        print_json({"alerts": [{**row, "created_at": row["created_at"].isoformat()} for row in rows]})
        return
    zone = _zone(folder)
    for row in rows:
        by = f" by {row['acknowledged_by']}" if row["acknowledged_by"] else ""
        output.print(
            f"{row['created_at'].astimezone(zone):%d %b %H:%M} {row['label']} at {row['camera']}: {row['state']}{by} ({row['key']})"
        )
    if not rows:
        output.print("No alert was made yet.")
