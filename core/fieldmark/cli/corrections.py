"""`fieldmark corrections`: what visitors said was answered wrongly, for somebody to look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from fieldmark.cli.terminal import output, print_json


def corrections(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Their folder; corrections in FIELDMARK_HOME.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Copy the photos there, a folder for each label that was said.")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
) -> None:
    """List or export the photos that visitors corrected, with their consent."""
    from fieldmark.corrections import CorrectionStore

    home = Path(os.environ.get("FIELDMARK_HOME", "var"))
    store = CorrectionStore(folder or home / "corrections")
    kept = store.list()
    copied = store.export(out) if out is not None else 0
    if json_output:
        print_json(
            {"folder": str(store.folder), "corrections": [each.as_dict() for each in kept], "copied": copied}
        )
        return
    for each in kept:
        output.print(
            f"{each.at}  {each.answered} ({100 * each.prob:.0f} %) → {each.said}  {each.photo[:16]}.jpg"
        )
    output.print(
        f"{len(kept)} corrections in {store.folder}." + (f" {copied} photos copied to {out}." if out else "")
    )
