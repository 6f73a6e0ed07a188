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
