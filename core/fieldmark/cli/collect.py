"""The commands about photos from elsewhere: collect, snapshot."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldmark.cli.options import Json
from fieldmark.cli.terminal import command, output, print_json, progress_bars
from fieldmark.errors import CollectError

if TYPE_CHECKING:
    from fieldmark.collect import Provider, Wanted

cli = typer.Typer()


@cli.command()
@command
def collect(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A dataset; made where there is none.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="TERM", help="What to search for; or LABEL=TERM. Once per class."),
    ] = None,
    provider: Annotated[
        str, typer.Option(help="openverse, inaturalist, commons, web, or list (addresses in a file).")
    ] = "openverse",
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="Another address of its API; of list, the file.")
    ] = None,
    n: Annotated[int, typer.Option("--n", help="Photos of each class.", min=1, max=10_000)] = 150,
    licence: Annotated[
        list[str] | None,
        typer.Option(help="open, public-domain, non-commercial, any; or by, by-sa, cc0, …"),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="See whether the source still answers as it did; fetch nothing else."),
    ] = False,
    json_output: Json = False,
) -> None:
    """Collect photos with licence and author from an open source; the same again goes on where it stopped."""
    _check_installed()
    from fieldmark.collect import find_provider

    source = find_provider(provider, endpoint)
    if verify:
        _verify(source, json_output=json_output)
    elif folder is None:
        raise typer.BadParameter("Name the dataset folder: fieldmark collect DIR --class TERM.")
    else:
        _collect(
            folder, _wanted(classes or [], source, n), source, licence or ["open"], json_output=json_output
        )


def _collect(
    folder: Path, wanted: list[Wanted], source: Provider, licences: list[str], *, json_output: bool
) -> None:
    from fieldmark.collect import collect, rules_from_environment

    rules = rules_from_environment()
    with progress_bars() as callback:
        report = collect(
            folder,
            wanted,
            who=getpass.getuser(),
            provider=source,
            licences=licences,
            rules=rules,
            callback=callback,
        )
    if json_output:
        print_json(report.as_dict())
        return
    for line in report.lines():
        output.print(line)


def _verify(source: Provider, *, json_output: bool) -> None:
    from fieldmark.collect import rules_from_environment, verify
    from fieldmark.collect.urllist import UrlList
    from fieldmark.collect.verify import TERM

    labels = source.labels() if isinstance(source, UrlList) else []
    findings = verify(source, rules=rules_from_environment(), term=[*labels, TERM][0])
    drifted = any(not finding.ok for finding in findings)
    if json_output:
        plain: list[dict[str, Any]] = [asdict(finding) for finding in findings]
        print_json({"provider": source.name, "ok": not drifted, "findings": plain})
    else:
        for finding in findings:
            output.print(finding.line())
    if drifted:
        raise typer.Exit(1)


def _wanted(classes: list[str], source: Provider, n: int) -> list[Wanted]:
    from fieldmark.collect import Wanted
    from fieldmark.collect.urllist import UrlList

    if not classes and isinstance(source, UrlList):
        classes = source.labels()
    if not classes:
        raise CollectError(
            "Nothing says what to search for. Name each class, as in --class “grizzly bear” --class “black bear”.",
            code="nothing_wanted",
        )
    pairs = [text.partition("=") for text in classes]
    return [Wanted(term or label, n, label) for label, _, term in pairs]


def _check_installed() -> None:
    try:
        import httpx  # noqa: F401
    except ImportError as exc:
        raise CollectError(
            "Collecting needs a package that is not installed. Install fieldmark[collect].",
            code="needs_extra",
        ) from exc


@cli.command()
@command
def snapshot(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A dataset, or a folder of photos.")],
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Compare two snapshots: files, or the beginnings of their ids."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write it; a dataset keeps it itself.")] = None,
    json_output: Json = False,
) -> None:
    """Freeze a version of the data: photos, labels, split and licences; or compare two."""
    from fieldmark.curation.snapshot import (
        compare_snapshots,
        load_snapshot,
        save_snapshot,
        snapshot_place,
        take_snapshot,
    )

    if compare is not None:
        found = compare_snapshots(*(load_snapshot(folder, name) for name in compare))
        plain, lines = found.as_dict(), found.lines()
    else:
        with progress_bars() as callback:
            taken = take_snapshot(folder, callback=callback)
        path = save_snapshot(taken, out or snapshot_place(folder, taken))
        plain, lines = taken.as_dict() | {"file": str(path)}, [*taken.lines(), f"Written to {path}."]
    if json_output:
        print_json(plain)
        return
    for line in lines:
        output.print(line)
