"""The commands about mistakes: issues, field-check, ledger, open-test."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.cli.options import Json, PhotosOrDataset
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fieldmark.issues.issue import Issue, IssueKind

cli = typer.Typer()

MOST_SHOWN = 40
"""Rows of the table; --json lists all."""


@cli.command()
@command
def issues(
    folder: PhotosOrDataset,
    kind: Annotated[str, typer.Option(metavar="KIND,...", help="Only these: label, odd, leak, …")] = "",
    json_output: Json = False,
) -> None:
    """List probable label errors, odd ones out, copies, leaks and poor photos, worst first; changes nothing."""
    from fieldmark.cleaning import find_issues, fit_folder

    kinds = _kinds(kind)
    with progress_bars() as callback:
        learner = fit_folder(folder, callback=callback)
        found = find_issues(learner, kinds=kinds, callback=callback)
    if json_output:
        print_json({"issues": [issue.as_dict(folder) for issue in found]})
        return
    for line in _table(found, folder):
        output.print(line)
    if not found:
        output.print("Nothing wrong was found.")
    if len(found) > MOST_SHOWN:
        errors.print(f"and {len(found) - MOST_SHOWN} more (--json lists all)")
    if left_out := len(learner.failures):
        errors.print(f"{left_out} not looked at, because unreadable; fieldmark check {folder} says why")


@cli.command()
@command
def field_check(
    folder: PhotosOrDataset,
    json_output: Json = False,
) -> None:
    """Train, and say how often the model is right on held-out photos made grey, dark, blurred, small, …"""
    from fieldmark.cleaning import fit_folder
    from fieldmark.results.fieldcheck import field_check as check

    with progress_bars() as callback:
        result = check(fit_folder(folder, callback=callback), callback)
    if json_output:
        print_json(result.as_dict())
        return
    for one in (result.as_it_is, *result.conditions):
        said = "worse" if one.is_worse else ""
        output.print(
            f"{one.name:15}{one.right:5} of {one.n}  {one.accuracy:5.0%}  "
            f"95 % {one.ci.low:.0%}–{one.ci.high:.0%}  {said}".rstrip()
        )


@cli.command()
@command
def ledger(
    folder: Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset that was trained on.")],
    json_output: Json = False,
) -> None:
    """List the trainings, the latest first: on which photos, how good, and which photos changed sides since."""
    from fieldmark.catalog import Catalog
    from fieldmark.curation.ledger import flipped, read_ledger
    from fieldmark.project import Project

    project = Project(Catalog.open(folder, write=False))
    entries = read_ledger(project)
    if json_output:
        print_json({"trainings": [entry.as_dict() for entry in entries]})
        return
    for entry in entries:
        output.print(entry.sentence)
        mended, spoilt = flipped(project, entry.since) if entry.since else ([], [])
        for what, photos in (("mended", mended), ("spoilt", spoilt)):
            for photo in photos[:MOST_SHOWN]:
                output.print(f"  {what}: {photo.path}")
    if not entries:
        output.print(f"Nothing was trained yet. Train: fieldmark train {folder} --out model.onnx")


@cli.command()
@command
def open_test(
    folder: Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset with a sealed test.")],
    why: Annotated[str, typer.Option(help="Goes into the list of openings.")] = "",
    json_output: Json = False,
) -> None:
    """Judge the model by the sealed test; every opening is counted, because each one spends some of its worth."""
    from fieldmark.curation.sealed import open_seal, read_seal
    from fieldmark.project import Project

    project = Project.open(folder)
    with progress_bars() as callback:
        opening = open_seal(project, who=getpass.getuser(), why=why, callback=callback)
    seal = read_seal(project.catalog)
    times = len(seal.openings) if seal else 0
    low, high = opening.error_rate_ci
    if json_output:
        wrong = {"n": opening.n, "n_wrong": len(opening.wrong), "error_rate_ci": [low, high]}
        print_json({**wrong, "left_out": opening.left_out, "openings": times})
        return
    output.print(
        f"{len(opening.wrong)} of {opening.n} sealed photos wrong (95 % {100 * low:.1f}–{100 * high:.1f} %). "
        + ("Opened for the first time." if times == 1 else f"Opened {times} times: this is no fresh test.")
    )


def _kinds(names: str) -> tuple[IssueKind, ...]:
    from fieldmark.issues.issue import KINDS

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if unknown := set(wanted) - set(KINDS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: none of {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if kind in wanted or not wanted)


def _table(found: Sequence[Issue], folder: Path) -> list[str]:
    rows = [
        (f"{issue.score:.2f}", issue.kind, str(issue.as_dict(folder)["path"]), _change(issue), issue.sentence)
        for issue in found[:MOST_SHOWN]
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]])
        for row in rows
    ]


def _change(issue: Issue) -> str:
    return f"{issue.given} → {issue.suggested}" if issue.suggested else issue.given
