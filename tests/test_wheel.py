"""The wheel, installed where nothing else is: to classify takes numpy, Pillow and OpenVINO, and no Jupyter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import chelsea

ROOT = Path(__file__).parents[1]

CLASSIFY = """
import json, sys
from importlib.metadata import distributions
from fieldmark.predictor import Predictor

(prediction,) = Predictor.load(sys.argv[1]).predict([sys.argv[2]])
print(json.dumps({
    "installed": sorted(found.name.lower() for found in distributions()),
    "imported_from": sys.modules["fieldmark"].__file__,
    "probs": dict(prediction.probs),
}))
"""


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT)
    (built,) = folder.glob("fieldmark-*.whl")
    return built


def test_the_wheel_holds_packages_types_notebooks_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for package in ("fieldmark", "fieldmark_widgets", "fieldmark_server"):
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names
    assert "fieldmark_server/notebooks/classify.ipynb" in names
    assert any(name.endswith("etc/jupyter/jupyter_server_config.d/fieldmark_server.json") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith(("tests/", "core/", "apps/")) for name in names)


def test_the_engine_classifies_where_only_its_three_dependencies_are(
    wheel: Path, cat_model: Path, tmp_path: Path
) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    run(*pip, "--constraint", ROOT / "requirements.txt", wheel)
    photo = tmp_path / "cat.png"
    Image.fromarray(chelsea()).save(photo)

    seen = json.loads(run(python, "-I", "-c", CLASSIFY, cat_model, photo))

    assert seen["installed"] == ["fieldmark", "numpy", "openvino", "openvino-telemetry", "pillow"]
    assert Path(seen["imported_from"]).is_relative_to(tmp_path)
    assert max(seen["probs"], key=seen["probs"].get) == "cat"
    assert sum(seen["probs"].values()) == pytest.approx(1, abs=1e-4)
