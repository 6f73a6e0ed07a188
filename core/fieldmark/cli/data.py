"""The commands about photos: check, import, undo."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldmark.cli.options import Dataset, Json, PhotosOrDataset
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars
from fieldmark.errors import DatasetError

if TYPE_CHECKING:
    from fieldmark.checkreport import CheckReport

cli = typer.Typer()


@cli.command()
@command
def check(
    folder: PhotosOrDataset,
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
        output.print(
            f"{aside} photos put aside; nothing was deleted. Take them back with: fieldmark undo {folder}"
        )


@cli.command(name="import")
@command
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE", help="A folder, zip, tar or CSV of photos; COCO or MegaDetector JSON; a video."
        ),
    ],
    dataset: Dataset,
    labels: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Labels from file names: its first group.")
    ] = None,
    unlabelled: Annotated[
        bool,
        typer.Option("--unlabelled", help="Take all photos without a label, whatever folder they lie in."),
    ] = False,
    sealed: Annotated[
        float | None, typer.Option(help="Share to set aside as a sealed test, such as 0.1.", min=0, max=0.5)
    ] = None,
    json_output: Json = False,
) -> None:
    """Copy photos into a dataset, where they can be cleaned with undo; the source is only read."""
    from fieldmark.catalog import Catalog, is_catalog
    from fieldmark.curation.sealed import forget_empty_seal
    from fieldmark.importing import import_photos
    from fieldmark.sources.labelling import no_label

    if is_catalog(dataset):
        forget_empty_seal(Catalog.open(dataset))
    with progress_bars() as callback:
        report = import_photos(
            source, dataset, who=getpass.getuser(), labels=no_label if unlabelled else labels,
            keep_unlabelled=unlabelled, callback=callback,
        )  # fmt: skip
    n_sealed = _seal(dataset, sealed) if sealed else None
    if json_output:
        print_json(report.as_dict() | ({} if n_sealed is None else {"sealed": n_sealed}))
        return
    for line in report.lines():
        output.print(line)
    if report.unlabelled:
        output.print(f"Label them, the most useful ones first: fieldmark serve --data {dataset}")
    if n_sealed is not None:
        output.print(
            f"{n_sealed} photos sealed as a test. Open it once, at the end: fieldmark open-test {dataset}"
        )


def _seal(dataset: Path, share: float) -> int:
    """Set photos aside; gives how many."""
    from fieldmark.catalog import Catalog
    from fieldmark.curation.sealed import seal

    with progress_bars() as callback:
        return len(seal(Catalog.open(dataset), share, who=getpass.getuser(), callback=callback).photos)


@cli.command()
@command
def undo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A dataset, or a folder photos were put aside from.")
    ],
    json_output: Json = False,
) -> None:
    """Take back the last thing that was done to a dataset, or what check put aside; byte for byte."""
    from fieldmark.catalog import is_catalog

    undone = _undo_act(folder) if is_catalog(folder) else _take_back(folder)
    if json_output:
        print_json(undone)
        return
    output.print(
        f"Undone: {undone['undone']} of {undone['photos']} photos ({undone['why'] or 'no reason given'})."
    )
    for path, reason in undone["failed"].items():
        errors.print(f"Left as it is: {path}: {reason}")


def _undo_act(folder: Path) -> dict[str, Any]:
    from fieldmark.catalog import Catalog

    act = Catalog.open(folder).undo(who=getpass.getuser())
    if act is None:
        raise DatasetError("There is nothing to undo.", code="nothing_to_undo")
    failed = {step.path: step.reason for step in act.failed}
    return {"undone": act.kind, "photos": act.changed, "why": act.why, "failed": failed}


def _take_back(folder: Path) -> dict[str, Any]:
    from fieldmark.curation.quarantine import take_back

    with progress_bars() as callback:
        moved = take_back(folder, _beside(folder), callback)
    return {"undone": "quarantine", "photos": len(moved.paths), "why": "check", "failed": dict(moved.failed)}


def _beside(folder: Path) -> Path:
    """Where photos of a plain folder are put aside."""
    whole = folder.resolve()
    return whole.with_name(f"{whole.name} quarantine")


def _put_aside(folder: Path, report: CheckReport, names: str) -> int:
    """Put photos aside as asked for; gives how many."""
    from fieldmark.catalog import Catalog, is_catalog
    from fieldmark.curation.quarantine import FAULTS, faulty_paths, move_aside, put_aside

    wanted = FAULTS if names == "all" else [name.strip() for name in names.split(",")]
    if unknown := set(wanted) - set(FAULTS):
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: none of all, {', '.join(FAULTS)}.")
    faults = [fault for fault in FAULTS if fault in wanted]
    if is_catalog(folder):
        act = put_aside(Catalog.open(folder), report, faults, who=getpass.getuser())
        return act.changed if act else 0
    with progress_bars() as callback:
        moved = move_aside(folder.resolve(), _beside(folder), faulty_paths(report, faults), callback)
    for path, reason in moved.failed.items():
        errors.print(f"Left where it is: {path}: {reason}")
    return len(moved.paths)
