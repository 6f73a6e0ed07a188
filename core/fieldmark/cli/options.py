"""The options that many commands share, said in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")]

Photos = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos, one folder per class.")]
PhotosOrDataset = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of photos, or a dataset.")]
Dataset = Annotated[Path, typer.Argument(metavar="DATASET", help="A dataset folder, as import makes it.")]
Station = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the station.")]

Who = Annotated[str, typer.Option(help="Who decides this; written to the audit log.")]


def place_of(written: str, option: str) -> tuple[float, float] | None:
    """Read a place as LATITUDE,LONGITUDE; None where nothing is written; BadParameter where it is none."""
    if not written:
        return None
    try:
        latitude, longitude = map(float, written.split(","))
    except ValueError as exc:
        raise typer.BadParameter("Write it like 60.2,24.9", param_hint=option) from exc
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise typer.BadParameter("That is no place on the earth.", param_hint=option)
    return latitude, longitude
