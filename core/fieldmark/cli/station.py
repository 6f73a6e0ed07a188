"""`fieldmark station …`: cameras watched with a model, without a screen."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldmark.cli.options import Json, Station, place_of
from fieldmark.cli.sections import STATION, arrange
from fieldmark.cli.station_check import cli as check
from fieldmark.cli.station_data import cli as data
from fieldmark.cli.station_field import cli as field
from fieldmark.cli.station_office import cli as office
from fieldmark.cli.station_office import read_rules
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from fieldmark.station.worker import Round

cli = typer.Typer(help="Watch cameras with a model: events, review, alerts, report.", no_args_is_help=True)
for part in (data, office, field, check):
    cli.registered_commands.extend(part.registered_commands)


@cli.command()
@command
def init(
    folder: Station,
    name: Annotated[str, typer.Option(help="Name of the station.")],
    alarm: Annotated[
        list[str], typer.Option(help="A class whose visits somebody must know of; several times.")
    ],
    zone: Annotated[
        str,
        typer.Option(help="Where it lives, and its cameras' clocks, like Europe/Oslo; else this machine's."),
    ] = "",
    rules: Annotated[
        Path | None, typer.Option(help="rules.json, for everything else that can be set.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Make a station, in stage 1: nothing leaves it."""
    from fieldmark.station.clock import utc_now
    from fieldmark.station.days import machine_zone
    from fieldmark.station.rules import Rules
    from fieldmark.station.stations import add_station
    from fieldmark.station.store import open_store

    wanted: dict[str, Any] = {**read_rules(rules), "alarm": alarm}
    zone = zone or machine_zone()
    store = open_store(folder, create=True)
    try:
        with store.writing() as session:
            add_station(session, name, zone=zone, rules=Rules.from_dict(wanted), now=utc_now())
    finally:
        store.close()
    if json_output:
        print_json({"station": name, "folder": str(folder), "zone": zone})
        return
    output.print(
        f"{name} is ready. Drop pictures into {folder / 'spool'}/CAMERA/, then: fieldmark station run {folder}"
    )
    output.print(
        f"Its days, and the clocks of its cameras, are those of {zone}. Another: fieldmark station zone {folder} Europe/Oslo"
    )


@cli.command()
@command
def run(
    folder: Station,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            help="Model file; the first answers, others run in its shadow. Without: those of `station model`."
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Take in what is there, then stop.")] = False,
    json_output: Json = False,
) -> None:
    """Watch: take pictures in, predict, apply the rules, send. Ctrl-C stops; nothing is lost by it, nor by a kill."""
    from fieldmark.station.onewriter import only_writer
    from fieldmark.station.stations import kept_models
    from fieldmark.station.store import open_store
    from fieldmark.station.worker import Worker, load_models

    store = open_store(folder)
    try:
        with store.reading() as session:
            kept = kept_models(session, folder)
        models = load_models(tuple(model or kept))
        if not models:
            errors.print("No model: frames become events, likely empty or not. With one: --model MODEL.onnx")
        with only_writer(folder):
            worker = Worker(store, models=models, still_s=0 if once else 2.0)
            if once:
                done = worker.round()
                while done.left:
                    done = done.plus(worker.round())
                _say_round(done, json_output)
                return
            stop = threading.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            errors.print(f"Watching {worker.spool.folder}. Ctrl-C stops.")
            worker.run(stop, told=lambda done: _say_round(done, json_output))
    finally:
        store.close()


@cli.command()
@command
def simulate(
    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="A new folder for the station.")],
    days: Annotated[int, typer.Option(help="Days to play.", min=1, max=400)] = 7,
    cameras: Annotated[int, typer.Option(help="How many.", min=1, max=50)] = 6,
    seed: Annotated[int, typer.Option(help="Another number, another week.")] = 1,
    photos: Annotated[Path | None, typer.Option(help="Play these photos, a folder for each class.")] = None,
    model: Annotated[Path | None, typer.Option(help="Model that watches; needed with --photos.")] = None,
    json_output: Json = False,
) -> None:
    """Play the days before today in time-lapse, with failures, and print what was planted and what was found."""
    from fieldmark.predictor import Predictor
    from fieldmark.station.simulate import simulate as play

    predictor = Predictor.load(model) if model is not None else None
    with progress_bars() as callback:
        done = play(
            store,
            days=days,
            cameras=cameras,
            seed=seed,
            predictor=predictor,
            photos=photos,
            begin=_midnight() - timedelta(days=days),
            callback=callback,
        )
    if json_output:
        print_json({"store": str(store), "planted": done.planted, "found": done.found})
        return
    for line in done.lines():
        output.print(line)
    output.print(f"Look at it: fieldmark serve --station {store}; or: fieldmark station report {store}")


@cli.command()
@command
def demo(
    folder: Station,
    attached: Annotated[
        bool, typer.Option("--attached", hidden=True, help="End when standard input ends.")
    ] = False,
) -> None:
    """Play a simulated station that watches now: the day before in seconds, then visits every few seconds."""
    from fieldmark.station.demo import play_demo

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if attached:  # whoever started it holds the other end, and lets go of it however it ends
        threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True).start()
    else:
        errors.print(f"Look at it: fieldmark serve --station {folder}")
    play_demo(folder, stop, told=errors.print)


def _stop_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def _midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@cli.command()
@command
def report(
    folder: Station,
    out: Annotated[Path, typer.Option(help="Where the page is written.")] = Path("report.html"),
    days: Annotated[int, typer.Option(help="Days it is about.", min=1, max=366)] = 7,
    json_output: Json = False,
) -> None:
    """Write the weekly report: one page, to read or to print."""
    from fieldmark.station.report import write_report
    from fieldmark.station.store import open_store

    store = open_store(folder)
    try:
        with store.reading() as session:
            out.write_text(write_report(session, days=days), "utf-8")
    finally:
        store.close()
    if json_output:
        print_json({"report": str(out)})
    else:
        output.print(f"Wrote {out}.")


@cli.command()
@command
def export(
    folder: Station,
    out: Annotated[
        Path,
        typer.Option(help="A .csv: the events. A .json: as MegaDetector writes it. A folder: Camtrap DP."),
    ],
    places: Annotated[
        bool, typer.Option("--places", help="Camtrap DP with exact places; else rounded to 0.1 degrees.")
    ] = False,
    near: Annotated[
        str, typer.Option(metavar="LATITUDE,LONGITUDE", help="Camtrap DP with this place for all.")
    ] = "",
    files: Annotated[bool, typer.Option("--files", help="Camtrap DP with the photos, without EXIF.")] = False,
    json_output: Json = False,
) -> None:
    """Export events as a table, frames as MegaDetector JSON, or all of it as Camtrap DP; frames with persons stay."""
    from fieldmark.station.exports import events_csv, megadetector_json
    from fieldmark.station.store import open_store

    writers = {".csv": events_csv, ".json": megadetector_json}
    facts: dict[str, Any] = {"exported": str(out)}
    if out.suffix not in (*writers, ""):
        raise typer.BadParameter(
            f"{out.name} should end in .csv or .json, or be a folder.", param_hint="--out"
        )
    store = open_store(folder)
    try:
        with store.reading() as session:
            if out.suffix:
                out.write_text(writers[out.suffix](session), "utf-8")
            else:
                facts |= _export_package(
                    session, folder, out, places=places, near=place_of(near, "--near"), files=files
                )
    finally:
        store.close()
    if json_output:
        print_json(facts)
    else:
        output.print(f"Wrote {out}.")


def _export_package(
    session: Session,
    folder: Path,
    out: Path,
    *,
    places: bool,
    near: tuple[float, float] | None,
    files: bool,
) -> dict[str, Any]:
    from fieldmark.station.camtrapexport import export_package
    from fieldmark.station.media import Media
    from fieldmark.station.store import MEDIA

    report = export_package(session, Media(folder / MEDIA), out, places=places, near=near, files=files)
    return dict(vars(report))


def _say_round(done: Round, as_json: bool) -> None:
    if as_json:
        print_json(vars(done))
        return
    output.print(
        f"{done.new} new, {done.duplicates} seen before, {done.rejected} refused, "
        f"{done.scored} predicted, {done.looked} events looked at without a model, {done.sent} alerts and "
        f"{done.notices} notices sent."
    )
    for step, fault in done.faults.items():
        errors.print(f"{step} pauses: {fault}")


arrange(cli, STATION)
