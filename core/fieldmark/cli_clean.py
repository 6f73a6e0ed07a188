"""The commands about mistakes in photos and labels: issues."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldmark.terminal import command, errors, output, print_json, progress_bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fieldmark.issue import Issue, IssueKind

cli = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")]
MOST_SHOWN = 40
"""Rows of the table; --json lists all."""


@cli.command()
@command
def issues(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos, or a dataset.")],
    kind: Annotated[str, typer.Option(metavar="KIND,...", help="Only these: label, odd, leak, …")] = "",
    json_output: Json = False,
) -> None:
    """List probable label errors, odd ones out, copies, leaks and poor photos, worst first; changes nothing."""
    from fieldmark.cleaning import folder_issues

    with progress_bars() as callback:
        found = folder_issues(folder, kinds=_kinds(kind), callback=callback)
    if json_output:
        print_json({"issues": [issue.as_dict(folder) for issue in found]})
        return
    for line in _table(found, folder):
        output.print(line)
    if not found:
        output.print("Nothing wrong was found.")
    if len(found) > MOST_SHOWN:
        errors.print(f"and {len(found) - MOST_SHOWN} more (--json lists all)")


def _kinds(names: str) -> tuple[IssueKind, ...]:
    from fieldmark.issue import KINDS

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
