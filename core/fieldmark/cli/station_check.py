"""`fieldmark station verify`: whether what was written down at a station is still what was written down."""

from __future__ import annotations

from typing import Annotated

import typer

from fieldmark.cli.options import Json, Station
from fieldmark.cli.terminal import command, errors, output, print_json, progress_bars

cli = typer.Typer()


@cli.command()
@command
def verify(
    folder: Station,
    seal: Annotated[
        str, typer.Option(help="A seal that an earlier report or check printed, or its first 8 digits.")
    ] = "",
    json_output: Json = False,
) -> None:
    """Check the audit log: exit code 1 where an entry was changed, taken out, or the seal is none of it.

    Every entry holds the hash of the one before it. A log whose end was cut off, or that was written anew as a whole,
    still fits together: note its seal now and then, away from this computer, and ask for it with --seal.
    """
    from fieldmark.station.logcheck import FEWEST_DIGITS, check_log
    from fieldmark.station.store import open_store

    if seal and len(seal) < FEWEST_DIGITS:
        raise typer.BadParameter(f"Give at least {FEWEST_DIGITS} of its digits.", param_hint="--seal")
    store = open_store(folder)
    try:
        with store.reading() as session, progress_bars() as told:
            found = check_log(session, seal=seal, told=told)
    finally:
        store.close()
    if json_output:
        print_json(found.as_dict())
    else:
        (output if found.is_whole else errors).print(found.sentence)
    if not found.is_whole:
        raise typer.Exit(1)
