"""`fieldmark station …`, as far as pictures come in, are sorted and go out again as data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.cli.options import Json, Station, Who
from fieldmark.cli.station_office import at_station
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars
from fieldmark.errors import StationError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from fieldmark.callbacks import Callback
    from fieldmark.station.card import CardReport
    from fieldmark.station.store import Store

cli = typer.Typer()


@cli.command("import")
@command
def import_(
    folder: Station,
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="Folder of a card; a Camtrap DP package; a detector's JSON."),
    ],
    camera: Annotated[str, typer.Option(help="The camera whose card it is; a new name adds a camera.")] = "",
    json_output: Json = False,
) -> None:
    """Take a memory card in, photos and videos: it is only read, and the same card again adds nothing.

    Of a Camtrap DP package (a folder with datapackage.json) the deployments become cameras. Of a detector's JSON
    (MegaDetector, SpeciesNet, PyTorch-Wildlife) the boxes go to the frames that are here: animals are then looked at
    closer, and what shows a person is withheld. Cards go on where they were stopped, also while `station run` watches.
    """
    from fieldmark.station.camtrapdp import find_package
    from fieldmark.station.detections import is_detections_file

    if (package := find_package(source)) is not None:
        _import_deployments(folder, package, json_output)
        return
    if is_detections_file(source):
        _import_detections(folder, source, json_output)
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
    from fieldmark.station.onewriter import only_writer
    from fieldmark.station.stations import camera_named, the_station
    from fieldmark.station.store import MEDIA

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
    said = at_station(folder, "deployments", package=str(package.absolute()))
    if json_output:
        print_json(said)
        return
    output.print(f"{said['new']} new deployments, {said['known']} known: {', '.join(said['cameras'])}.")


def _import_detections(folder: Path, path: Path, json_output: bool) -> None:
    said = at_station(folder, "detections", path=str(path.absolute()))
    if json_output:
        print_json(said)
        return
    output.print(
        f"{said['boxes']} boxes in {said['frames']} frames, {said['persons']} of them with a person; "
        f"{said['unknown']} photos of the file are not here."
    )


@cli.command()
@command
def look(
    folder: Station,
    out: Annotated[Path | None, typer.Option(help="Write the events to this .csv.")] = None,
    json_output: Json = False,
) -> None:
    """Look at events before any model is trained: likely empty ones, groups that look alike, what is like no other.

    Name them in the dashboard, or in the table; `station dataset` makes photos to train on of what was named.
    """
    from fieldmark.station.commands import command as ask
    from fieldmark.station.firstlook import Looked
    from fieldmark.station.firstlooktable import write_first_look
    from fieldmark.station.store import open_store

    store = open_store(folder)
    try:
        with progress_bars() as callback:
            looked = [Looked(**event) for event in ask(store, "look", callback=callback)["looked"]]
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


@cli.command()
@command
def dataset(
    folder: Station,
    into: Annotated[
        Path, typer.Argument(metavar="DATASET", help="Folder for the studio; made if it is not there.")
    ],
    who: Annotated[str, typer.Option(help="Who does this; written to the histories.")],
    json_output: Json = False,
) -> None:
    """Make photos to train on of what people said: visit by visit, some cameras held out as a test for good."""
    from fieldmark.station.commands import command as ask
    from fieldmark.station.store import open_store
    from fieldmark.station.todataset import make_dataset

    store = open_store(folder)
    try:
        held_out = ask(store, "hold_out", who=who)["cameras"]
        with progress_bars() as callback:
            report = make_dataset(store, into, who=who, held_out=held_out, callback=callback)
    finally:
        store.close()
    facts = {
        "dataset": str(into),
        "photos": report.imported.added,
        "events": report.events,
        "audited": report.audited,
        "withheld": report.withheld,
        "gone": report.gone,
        "labels": report.labels,
        "test_cameras": list(report.test_cameras),
        "conflicts": len(report.imported.conflicts),
    }
    if json_output:
        print_json(facts)
        return
    output.print(
        f"{report.imported.added} new photos of {report.events} reviewed visits are in {into}; {report.audited} of the "
        f"visits were of the blind audit, {report.withheld} more show persons and were left out."
    )
    held_out = ", ".join(report.test_cameras)
    output.print(
        f"Held out as a test: {held_out}." if held_out else "No camera is held out: there are too few."
    )


@cli.command()
@command
def model(
    folder: Station,
    add: Annotated[
        Path | None, typer.Option(help="Keep this model file here: it begins in the shadow.")
    ] = None,
    promote: Annotated[
        str, typer.Option(help="First digits of the SHA-256 of a shadow that becomes champion.")
    ] = "",
    who: Who = "",
    json_output: Json = False,
) -> None:
    """Show the models that answer here, champion and shadow; add one, or promote one by a person's decision."""
    from fieldmark.station.clock import utc_now
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store
    from fieldmark.station.twomodels import compare_models, disagreements

    store = open_store(folder)
    try:
        if add is not None:
            _add_model(store, add, who)
        if promote:
            _promote(store, promote, who)
        with store.reading() as session:
            station, now = the_station(session), utc_now()
            models = _models(session)
            comparison = compare_models(session, station, now=now)
            differ = disagreements(session, station, now=now, limit=1000)
    finally:
        store.close()
    sentence = comparison.sentence if comparison else "There is no shadow to compare with."
    about_alarm = sum(one.is_about_alarm for one in differ)
    if json_output:
        print_json(
            {
                "models": models,
                "comparison": sentence,
                "disagreements": len(differ),
                "about_alarm": about_alarm,
            }
        )
        return
    for row in models:
        output.print(f"{row['role']}: {row['title']} ({row['sha256'][:12]})")
    output.print(sentence)
    if differ:
        output.print(
            f"They disagree about {len(differ)} visits of 30 days, {about_alarm} times about an alarm."
        )


def _add_model(store: Store, path: Path, who: str) -> None:
    from fieldmark.predictor import Predictor
    from fieldmark.station.commands import command as ask
    from fieldmark.station.stations import keep_model_file

    loaded = Predictor.load(path)
    keep_model_file(store.folder, path, loaded)
    ask(store, "add_model", sha256=loaded.sha256, who=who or "command line")


def _promote(store: Store, digits: str, who: str) -> None:
    from fieldmark.station.commands import command as ask

    ask(store, "promote", digits=digits, who=who)


def _models(session: Session) -> list[dict[str, str]]:
    from sqlalchemy import select

    from fieldmark.station.tables import Model

    rows = session.scalars(select(Model).order_by(Model.role, Model.id))
    return [{"role": row.role, "title": row.title, "sha256": row.sha256} for row in rows]


@cli.command()
@command
def backtest(
    folder: Station,
    model: Annotated[Path | None, typer.Option(help="Another model than the champion.")] = None,
    rules: Annotated[
        Path | None, typer.Option(help="rules.json: only what differs from the station's.")
    ] = None,
    days: Annotated[int, typer.Option(help="How far back.", min=1, max=36500)] = 365,
    json_output: Json = False,
) -> None:
    """Let today's model and rules watch the archive: what would have happened, by stage? Nothing is changed or sent.

    An archive that was never here: make a station for it, `station import` its folders, and look back as far as it goes.
    """
    import json

    from fieldmark.predictor import Predictor
    from fieldmark.station.backtest import backtest as play
    from fieldmark.station.backtest import say
    from fieldmark.station.clock import utc_now
    from fieldmark.station.rules import Rules
    from fieldmark.station.stations import the_station
    from fieldmark.station.store import open_store

    predictor = Predictor.load(model) if model is not None else None
    store = open_store(folder)
    try:
        with store.reading() as session:
            kept = the_station(session).rules
        try:
            changed = json.loads(rules.read_text("utf-8")) if rules is not None else {}
            wanted = Rules.from_dict({**kept, **changed})
        except (ValueError, TypeError, AttributeError) as exc:
            raise StationError(f"{rules} is no JSON of rules: {exc}.", code="bad_json") from exc
        with progress_bars() as callback:
            result = play(
                store, predictor=predictor, rules=wanted, days=days, now=utc_now(), callback=callback
            )
    finally:
        store.close()
    if json_output:
        print_json(result.as_dict())
        return
    for line in say(result):
        output.print(line)
