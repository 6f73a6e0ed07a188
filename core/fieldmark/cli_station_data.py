"""`fieldmark station …`, as far as pictures come in, are sorted and go out again as data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.errors import StationError
from fieldmark.terminal import command, errors, output, print_json, progress_bars

if TYPE_CHECKING:
    from fieldmark.callbacks import Callback
    from fieldmark.station.card import CardReport
    from fieldmark.station.store import Store

cli = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the station.")]


@cli.command("import")
@command
def import_(
    folder: Folder,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder of a memory card, or a Camtrap DP package.")
    ],
    camera: Annotated[str, typer.Option(help="The camera whose card it is; a new name adds a camera.")] = "",
    json_output: Json = False,
) -> None:
    """Take a memory card in, photos and videos: it is only read, and the same card again adds nothing.

    Of a Camtrap DP package (a folder with datapackage.json) the deployments become cameras. It goes on where it was
    stopped, and works while `station run` watches as well as without.
    """
    from fieldmark.station.camtrapdp import find_package

    if (package := find_package(source)) is not None:
        _import_deployments(folder, package, json_output)
        return
    if not camera.strip():
        raise typer.BadParameter("Name the camera whose card it is.", param_hint="--camera")
    from fieldmark.station.card import clocks, same_elsewhere
    from fieldmark.station.stations import camera_named, the_station
    from fieldmark.station.store import open_store

    store = open_store(folder)
    try:
        with progress_bars() as callback:
            report = _read_card(store, source, camera, callback)
        with store.reading() as session:
            found = camera_named(session, the_station(session), camera, now=datetime.now(UTC))
            elsewhere, times = same_elsewhere(session, found.id), clocks(session, found.id)
    finally:
        store.close()
    if json_output:
        print_json({"camera": camera, **vars(report), "elsewhere": elsewhere, "clocks": times})
        return
    _say_card(report, camera, elsewhere, times)


def _read_card(store: Store, source: Path, camera: str, callback: Callback) -> CardReport:
    """Read it in this process, or through the worker where one runs: the store has one writer."""
    from fieldmark.station.card import import_card, take_file
    from fieldmark.station.client import DeskClient
    from fieldmark.station.ingest import Ingest
    from fieldmark.station.media import Media
    from fieldmark.station.stations import camera_named, the_station
    from fieldmark.station.store import MEDIA
    from fieldmark.station.worker import only_writer

    ingest = Ingest(store, Media(store.folder / MEDIA))
    try:
        with only_writer(store.folder):
            with store.writing() as session:
                row = camera_named(session, the_station(session), camera, now=ingest.clock()).id
            return import_card(
                source, lambda path, name: take_file(ingest, path, row, name, "card"), callback=callback
            )
    except StationError as error:
        if error.code != "running":
            raise
    client = DeskClient(store.folder)
    return import_card(
        source, lambda path, name: client.take_card_file(path, camera, name), callback=callback
    )


def _say_card(report: CardReport, camera: str, elsewhere: dict[str, int], times: dict[str, int]) -> None:
    output.print(
        f"{camera}: {report.photos} new photos and {report.videos} new videos, {report.duplicates} there before, "
        f"{sum(report.rejected.values())} refused."
    )
    for reason, n in {**report.rejected, **report.left}.items():
        output.print(f"  {n} {reason.replace('_', ' ')}")
    for name, n in elsewhere.items():
        errors.print(f"{n} of these pictures are at {name}, too. Was it the card of that camera?")
    if unknown := times.get("received"):
        errors.print(f"{unknown} pictures of {camera} do not tell when they were taken.")
    for fault in report.faults:
        errors.print(fault)


def _import_deployments(folder: Path, package: Path, json_output: bool) -> None:
    from fieldmark.station.camtrapdp import import_deployments
    from fieldmark.station.clock import utc_now
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store
    from fieldmark.station.worker import only_writer

    store = open_store(folder)
    try:
        with only_writer(folder), store.writing() as session:
            report = import_deployments(session, the_station(session), package, now=utc_now())
    finally:
        store.close()
    if json_output:
        print_json({"cameras": list(report.cameras), "new": report.new, "known": report.known})
        return
    output.print(f"{report.new} new deployments, {report.known} known: {', '.join(report.cameras)}.")


@cli.command()
@command
def look(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="Write the events to this .csv.")] = None,
    json_output: Json = False,
) -> None:
    """Look at events before any model is trained: likely empty ones, groups that look alike, what is like no other.

    Name them in the dashboard, or in the table; `station dataset` makes photos to train on of what was named.
    """
    from fieldmark.station.firstlook import first_look
    from fieldmark.station.firstlooktable import write_first_look
    from fieldmark.station.store import open_store
    from fieldmark.station.worker import only_writer

    store = open_store(folder)
    try:
        with only_writer(folder), progress_bars() as callback:
            looked = first_look(store, callback=callback)
        if out is not None:
            with store.reading() as session:
                write_first_look(session, looked, out)
    finally:
        store.close()
    said = [event.says for event in looked]
    counts = {
        "events": len(looked),
        "likely_empty": said.count("empty"),
        "alone": said.count("alone"),
        "groups": len({event.alike for event in looked if event.alike is not None and event.n_alike > 1}),
    }
    if json_output:
        print_json({**counts, "out": str(out) if out else None})
        return
    output.print(
        f"{counts['events']} events without a model: {counts['likely_empty']} likely empty, the others in "
        f"{counts['groups']} groups that look alike and {counts['alone']} like no other."
    )
