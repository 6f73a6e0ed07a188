"""`fieldmark station stage`, `rules` and `person`: what named people decide about a station."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fieldmark.cli.options import Json, Station, Who
from fieldmark.cli.terminal import command, output, print_json
from fieldmark.errors import StationError

cli = typer.Typer()


@cli.command()
@command
def stage(
    folder: Station,
    to: Annotated[
        int, typer.Argument(help="1 beside the rangers, 2 under their eye, 3 with room.", min=1, max=3)
    ],
    who: Who,
    why: Annotated[str, typer.Option(help="Why; written to the audit log.")] = "",
    plan: Annotated[
        Path | None, typer.Option(help="plan.json to sign: goal, action, responsible, fears.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Move a station to another stage: up by one when it is earned, down at any time."""
    at_station(folder, "stage", to=to, who=who, why=why, plan=_read_plan(plan) if plan is not None else None)
    if json_output:
        print_json({"stage": to})
    else:
        output.print(f"The station is in stage {to}.")


@cli.command()
@command
def rules(
    folder: Station,
    change: Annotated[
        Path | None, typer.Option(help="rules.json with what is to be changed; the rest stays.")
    ] = None,
    who: Who = "",
    json_output: Json = False,
) -> None:
    """Show what a station goes by, or change it: classes of the alarm, thresholds, channels, how long pictures are kept."""
    from fieldmark.station.rules import Rules
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store

    if change is not None and not who.strip():
        raise typer.BadParameter("Rules are changed by a person with a name.", param_hint="--who")
    if change is not None:
        changed = _read_json(change)
        if unknown := sorted(set(changed) - set(Rules.__dataclass_fields__)):
            raise StationError(f"There are no such rules: {', '.join(unknown)}.", code="bad_rules")
        at_station(folder, "rules", changed=changed, who=who)
    store = open_store(folder)
    try:
        with store.reading() as session:
            kept = Rules.from_dict(the_station(session).rules).as_dict()
            kept["channels"] = [_without_secrets(channel) for channel in kept["channels"]]
    finally:
        store.close()
    if json_output:
        print_json(kept)
        return
    for name, value in kept.items():
        output.print(f"{name}: {json.dumps(value)}")


@cli.command()
@command
def zone(
    folder: Station,
    name: Annotated[
        str, typer.Argument(metavar="[ZONE]", help="Like Europe/Oslo; without it is shown.")
    ] = "",
    who: Who = "",
    json_output: Json = False,
) -> None:
    """Show the time zone a station lives in, or change it: its days, and what people and its cameras call the time.

    Pictures that are here keep their moment. Cameras that stay on winter time all year: Etc/GMT-1 is an hour ahead of UTC.
    """
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store

    if name and not who.strip():
        raise typer.BadParameter("A zone is changed by a person with a name.", param_hint="--who")
    if name:
        at_station(folder, "zone", zone=name, who=who)
    store = open_store(folder)
    try:
        with store.reading() as session:
            kept = the_station(session).zone
    finally:
        store.close()
    if json_output:
        print_json({"zone": kept})
    else:
        output.print(f"Days and times of this station are those of {kept}.")


def _without_secrets(channel: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in channel.items() if name not in ("secret", "password")}


@cli.command()
@command
def person(
    folder: Station,
    name: Annotated[str, typer.Argument(help="Who is entered, or changed.")],
    who: Who,
    role: Annotated[str, typer.Option(help="viewer looks, ranger reviews, chief decides.")] = "ranger",
    pin: Annotated[
        str,
        typer.Option(help="What they sign in with; asked for where it is not given.", envvar="FIELDMARK_PIN"),
    ] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Let this person go instead.")] = False,
    json_output: Json = False,
) -> None:
    """Enter somebody who signs in with a PIN; the first one is a chief. From then on nobody decides without.

    For a shared tablet, on a server without accounts: on one with accounts (`fieldmark serve --users`) the account is who
    somebody is, and this list is not asked.
    """
    chosen = "" if remove else pin or typer.prompt("PIN", hide_input=True, confirmation_prompt=True)
    at_station(folder, "person", who=who, name=name, role=role, pin=chosen, remove=remove)
    if json_output:
        print_json({"name": name, "role": "" if remove else role})
    else:
        output.print(f"{name} is {'gone' if remove else f'a {role}'}.")


def at_station(folder: Path, act: str, **said: Any) -> dict[str, Any]:
    """Do an act at a station, through its worker where one runs."""
    from fieldmark.station.commands import command as ask
    from fieldmark.station.store import open_store

    store = open_store(folder)
    try:
        return ask(store, act, **said)
    finally:
        store.close()


def read_rules(path: Path | None) -> dict[str, Any]:
    return _read_json(path) if path is not None else {}


def _read_plan(path: Path) -> dict[str, Any]:
    parts = ("goal", "action", "responsible", "fears")
    read = _read_json(path)
    return {part: read.get(part, {} if part == "fears" else "") for part in parts}


def _read_json(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text("utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as exc:
        raise StationError(f"{path.name} is no JSON: {exc}.", code="bad_json") from exc
    if not isinstance(read, dict):
        raise StationError(f"{path.name} should hold one JSON object.", code="bad_json")
    return read
