"""The commands about photos: check, import, undo."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.errors import DatasetError
from fieldmark.terminal import command, errors, output, print_json, progress_bars

if TYPE_CHECKING:
    from fieldmark.checkreport import CheckReport

cli = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")]
Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset folder, as import makes it.")]


@cli.command()
@command
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos, or a dataset.")],
    quarantine: Annotated[
        str,
        typer.Option(
            metavar="FAULT,...", help="Put photos of a dataset aside: all, or rejected, duplicates, …"
        ),
    ] = "",
    json_output: Json = False,
) -> None:
    """Report broken, doubled, tiny, dark and blurred photos; nothing is changed unless you ask for it."""
    from fieldmark.check import check_folder

    with progress_bars() as callback:
        report = check_folder(folder, callback)
    aside = _put_aside(folder, report, quarantine) if quarantine else None
    if json_output:
        print_json(report.as_dict() | ({} if aside is None else {"quarantined": aside}))
        return
    for line in report.lines():
        output.print(line)
    if aside is not None:
        output.print(f"{aside} photos put aside. Take them back with: fieldmark undo {folder}")


@cli.command(name="import")
@command
def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A folder, zip, tar or CSV of photos.")],
    dataset: Dataset,
    labels: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Labels from file names: its first group.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Copy photos into a dataset, where they can be cleaned with undo; the source is only read."""
    from fieldmark.importing import import_photos

    with progress_bars() as callback:
        report = import_photos(source, dataset, who=getpass.getuser(), labels=labels, callback=callback)
    if json_output:
        print_json(report.as_dict())
        return
    for line in report.lines():
        output.print(line)


@cli.command()
@command
def undo(dataset: Dataset, json_output: Json = False) -> None:
    """Take back the last thing that was done to a dataset; photos come back byte for byte."""
    from fieldmark.catalog import Catalog

    act = Catalog.open(dataset).undo(who=getpass.getuser())
    if act is None:
        raise DatasetError("There is nothing to undo.", code="nothing_to_undo")
    if json_output:
        print_json({"undone": act.kind, "photos": act.changed, "why": act.why, "failed": len(act.failed)})
        return
    output.print(f"Undone: {act.kind} of {act.changed} photos ({act.why or 'no reason given'}).")
    for failed in act.failed:
        errors.print(f"Left as it is: {failed.path}: {failed.reason}")


def _put_aside(folder: Path, report: CheckReport, faults: str) -> int:
    from fieldmark.catalog import Catalog, is_catalog
    from fieldmark.quarantine import FAULTS, put_aside

    wanted = FAULTS if faults == "all" else [fault.strip() for fault in faults.split(",")]
    if unknown := set(wanted) - set(FAULTS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: none of all, {', '.join(FAULTS)}.")
    if not is_catalog(folder):
        raise DatasetError(
            f"{str(folder)!r} is a plain folder, which is only read. Make a dataset of it first: "
            f"fieldmark import {folder} DATASET",
            code="plain_folder",
        )
    act = put_aside(Catalog.open(folder), report, [f for f in FAULTS if f in wanted], who=getpass.getuser())
    return act.changed if act else 0
