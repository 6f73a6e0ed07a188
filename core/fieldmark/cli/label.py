"""`fieldmark label`: what to label next as a table, and the labels back from one."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.cli.options import Dataset, Json
from fieldmark.cli.terminal import command, output, print_json, progress_bars

if TYPE_CHECKING:
    from fieldmark.curation.labelsheet import LabelsTaken, SheetRow
    from fieldmark.project import Project

cli = typer.Typer()


@cli.command()
@command
def label(
    folder: Dataset,
    n: Annotated[int, typer.Option("--n", help="How many photos.", min=1, max=10_000)] = 20,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write them into this table, to fill in “label”.")
    ] = None,
    take: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Take labels from such a table: columns id and label."),
    ] = None,
    json_output: Json = False,
) -> None:
    """List the photos whose label would help most next, with what each probably is; or take labels back."""
    from fieldmark.curation.labelsheet import sheet_of, take_labels, write_sheet
    from fieldmark.project import Project

    project = Project.open(folder)
    if take is not None:
        _say_taken(
            take_labels(project.catalog, take, who=getpass.getuser()), project, json_output=json_output
        )
        return
    with progress_bars() as callback:
        rows = sheet_of(project, n=n, callback=callback)
    if csv is not None:
        write_sheet(rows, csv)
    _say_rows(rows, csv, project.catalog.n_unlabelled(), json_output=json_output)


def _say_rows(rows: list[SheetRow], csv: Path | None, waiting: int, *, json_output: bool) -> None:
    if json_output:
        print_json({"photos": [row.as_dict() for row in rows], "waiting": waiting})
        return
    for row in rows if csv is None else ():
        said = f"  probably {row.suggestion} ({row.probability:.0%})" if row.suggestion else ""
        output.print(f"{row.id:6}  {row.path}{said}")
    output.print(f"{waiting} photos wait for a label." + (f" {len(rows)} are in {csv}." if csv else ""))


def _say_taken(taken: LabelsTaken, project: Project, *, json_output: bool) -> None:
    waiting = project.catalog.n_unlabelled()
    if json_output:
        print_json({
            "labelled": taken.labelled, "passed_over": list(taken.passed_over), "empty": taken.empty, "waiting": waiting,
            "act": taken.act.id if taken.act else None,
        })  # fmt: skip
        return
    output.print(f"{taken.labelled} photos labelled; {waiting} wait for a label.")
    if taken.passed_over:
        output.print(f"{len(taken.passed_over)} have a label by now, or were deleted, and stay as they are.")
