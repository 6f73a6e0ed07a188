"""What an app is told from outside. Read once, at the notebook's edge, and passed down as an argument."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fieldmark.account import Account, signed_in
from fieldmark.models.places import SERVED, find_demo_model, find_models, find_station
from fieldmark_widgets.guard import log_to_console


@dataclass(frozen=True)
class Settings:
    """Settings of the apps."""

    models: tuple[Path, ...]
    """Model files to classify with, the first that is there; any may be missing."""
    served: Path
    """Where the studio puts the model that the classify app is to answer with."""
    datasets: Path
    """The folder of the studio's datasets."""
    station: Path
    """The folder of the station that the dashboard shows; it may be missing."""
    data: Path | None = None
    """A folder of photos to work on."""
    account: Account | None = None
    """Who is signed in, on a server with accounts."""
    demo_url: str = ""
    """Where the server starts the simulated station when a page asks for it; empty where it does not."""
    corrections: Path | None = None
    """Where photos are kept that visitors corrected, with their consent; None keeps nothing."""

    @property
    def model(self) -> Path:
        """The model file to classify with now; it may be missing."""
        return next((path for path in self.models if path.is_file()), self.models[-1])


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read FIELDMARK_MODEL, _DATASETS, _DATA, _STATION, _CORRECTIONS and _HOME, for the first cell of an app.

    HOME is the folder of models, datasets, the station and corrections; CORRECTIONS may name another one, or be `off`. With
    neither nothing of a visitor is kept.
    """
    values = os.environ if environment is None else environment
    if "VOILA_BASE_URL" in values:  # set by the server for the kernels of its visitors
        log_to_console()
    datasets, data = (
        Path(value).expanduser() if (value := values.get(f"FIELDMARK_{name}")) else None
        for name in ("DATASETS", "DATA")
    )
    demo = find_demo_model(values)
    return Settings(
        models=find_models(values),
        served=demo.with_name(SERVED),
        datasets=datasets or demo.parents[1] / "datasets",
        station=find_station(values),
        account=signed_in(values),
        demo_url=values.get("FIELDMARK_DEMO_URL", ""),
        data=data,
        corrections=_find_corrections(values),
    )


def _find_corrections(environment: Mapping[str, str]) -> Path | None:
    named, home = environment.get("FIELDMARK_CORRECTIONS", ""), environment.get("FIELDMARK_HOME", "")
    if named:
        return None if named.lower() in {"off", "no", "0"} else Path(named).expanduser()
    return Path(home).expanduser() / "corrections" if home else None


def find_served_path() -> Path:
    """The model file that the studio puts into the classify app; beside the demo model."""
    return find_demo_model(os.environ).with_name(SERVED)
