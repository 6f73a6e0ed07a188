"""Where the apps find what they work with: the same for the server and for a visitor's kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DEMO_MODEL = Path("var", "models", "bears.onnx")
"""The model that comes with Fieldmark, below the repository or the working folder."""
SERVED = "served.onnx"
"""The model that the studio put into the classify app, beside the demo model."""

DEMO_STATION = "demo-station"
"""The folder of the simulated station, beside that of one's own."""


def find_models(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Give the model files to classify with, of which the first that is there answers; any may be missing.

    FIELDMARK_MODEL names one; without it, the studio's and then the demo model, in FIELDMARK_HOME.
    """
    if chosen := environment.get("FIELDMARK_MODEL"):
        return (Path(chosen).expanduser(),)
    demo = find_demo_model(environment)
    return demo.with_name(SERVED), demo


def find_demo_model(environment: Mapping[str, str]) -> Path:
    """Look in the working folder and upwards: a notebook runs in its own folder, below the repository."""
    if home := environment.get("FIELDMARK_HOME"):
        return Path(home).expanduser() / "models" / DEMO_MODEL.name
    here = Path.cwd()
    candidates = [folder / DEMO_MODEL for folder in (here, *here.parents)]
    return next((path for path in candidates if path.is_file()), candidates[0])


def find_datasets(environment: Mapping[str, str]) -> Path:
    """The folder of datasets: FIELDMARK_DATASETS, or beside the models; it may be missing."""
    if named := environment.get("FIELDMARK_DATASETS"):
        return Path(named).expanduser()
    return find_demo_model(environment).parents[1] / "datasets"


def find_station(environment: Mapping[str, str]) -> Path:
    """The folder of the watched station, which may be missing: FIELDMARK_STATION; one's own in FIELDMARK_HOME; the demo's."""
    if named := environment.get("FIELDMARK_STATION"):
        return Path(named).expanduser()
    own = find_demo_model(environment).parents[1] / "station"
    return own if own.is_dir() else own.with_name(DEMO_STATION)


def find_jobs(environment: Mapping[str, str]) -> Path:
    """The folder of the records of jobs, beside the models; it may be missing."""
    return find_demo_model(environment).parents[1] / "jobs"
