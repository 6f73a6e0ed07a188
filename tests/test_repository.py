"""The rules of this repository that no linter knows: the arrow of imports, pins, notebooks, what may be in it."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image
from skimage.data import chelsea

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PACKAGES = ("fieldmark", "fieldmark_widgets", "fieldmark_server", "fieldmark_share")
NOTEBOOKS = sorted((ROOT / "apps").glob("*.ipynb"))
LESSONS = {"book"}
"""Notebooks that are read: long, but each cell short."""
README_PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
POST_BUILD = (ROOT / "binder" / "postBuild").read_text("utf-8")
SHOWN_COMMANDS = re.findall(r"^fieldmark (.+?)(?: +#.*)?$", README + POST_BUILD, re.M)

# Written so that this file does not match itself.
PRIVATE_PLACES = re.compile(r"/wor[k]/|/tm[p]/[a-z]|/roo[t]/|https?://(?:registr[y]|file[s]|de[b]|pyp[i])\.")


def run_python(
    *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONUTF8": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


# --- The arrow of imports: notebook → widgets / server → fieldmark ------------------------------------------


@pytest.mark.parametrize("module", ["fieldmark", "fieldmark.predictor"])
def test_classifying_loads_nothing_but_numpy_pillow_and_openvino(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    unwanted = re.findall(
        r"\b(?:ipy\w+|IPython|jupyter\w*|notebook|voila|anywidget|traitlets|tornado|fieldmark_\w+|"
        r"torch\w*|timm|scipy|sklearn|skimage|onnx|typer|rich)\b",
        done.stdout,
    )
    assert unwanted == []


def test_classifying_opens_no_connection(cat_model: Path, tmp_path: Path) -> None:
    """Watched below every library, by Python's own audit of what opens a socket or asks for a name."""
    photo = tmp_path / "cat.png"
    Image.fromarray(chelsea()).save(photo)
    code = """
import sys

def report(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("tried to reach", *arguments, flush=True)

sys.addaudithook(report)
from fieldmark.predictor import Predictor
(prediction,) = Predictor.load(sys.argv[1]).predict([sys.argv[2]])
print(prediction.label)
"""
    done = run_python("-c", code, cat_model, photo)
    assert done.stdout.splitlines() == ["cat"], done.stderr


@pytest.mark.parametrize(
    ("folder", "statement"),
    [
        ("core/fieldmark", "import ipywidgets"),
        ("core/fieldmark", "from fieldmark_widgets import Classifier"),
        ("core/fieldmark", "import fieldmark_server"),
        ("core/fieldmark", "def lazily() -> None:\n    import torchvision"),
        ("core/fieldmark", "import torch"),
        ("core/fieldmark", "import openvino as ov"),
        ("apps/fieldmark_widgets", "import fieldmark_server"),
        ("apps/fieldmark_widgets", "from jupyter_server.base.handlers import JupyterHandler"),
        ("apps/fieldmark_widgets", "import fieldmark_share"),
        ("apps/fieldmark_share", "from fieldmark_server.app import App"),
        ("apps/fieldmark_server", "import ipywidgets"),
        ("apps/fieldmark_server", "from fieldmark_widgets import Classifier"),
        ("tests/core", "from core.fieldmark import errors"),
    ],
)
def test_the_linter_refuses_an_import_against_the_arrow(folder: str, statement: str) -> None:
    file = str(ROOT / folder / "example.py")
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID", "--stdin-filename", file, "-"]
    done = subprocess.run(command, input=statement, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "TID25" in done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_all_names_exactly_what_a_package_shows(package: str) -> None:
    module = importlib.import_module(package)
    shown = {
        name
        for name in dir(module)
        if not name.startswith("_") and name != "annotations" and not inspect.ismodule(getattr(module, name))
    }
    assert shown == set(module.__all__)
    assert list(module.__all__) == sorted(module.__all__)


# --- Pins ---------------------------------------------------------------------------------------------------


def read_project() -> dict[str, list[str]]:
    """Every requirement of pyproject.toml, by extra; "" is what classifying needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def read_lines(name: str) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text("utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r ")]


def read_pins() -> dict[str, str]:
    pins = [pin for name in ("requirements.txt", "requirements-test.txt") for pin in read_lines(name)]
    assert all(re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins), "a pin is name==version"
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def test_every_dependency_is_pinned_within_its_range() -> None:
    pins = read_pins()
    make = (ROOT / "make.py").read_text("utf-8")
    pins |= {
        name.lower(): number for name, number in re.findall(r'^(TORCH|TORCHVISION) = "(.+)"', make, re.M)
    }
    for extra, requirements in read_project().items():
        for requirement in map(Requirement, requirements):
            if requirement.name == "fieldmark" or extra in ("heif", "web"):  # itself; chosen by hand
                continue
            pin = pins.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{requirement.name} has no pin"
            assert requirement.specifier.contains(pin), f"{requirement.name}=={pin} is outside its range"


SYSTEMS = {
    "Linux": {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    "macOS": {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
    "Windows": {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
}


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "names", [["requirements.txt"], ["requirements.txt", "requirements-test.txt"]], ids=len
)
def test_what_a_pin_needs_is_pinned_too_so_that_they_can_be_installed_without_looking(
    names: list[str], system: str
) -> None:
    pins = {canonicalize_name(pin.name) for name in names for pin in read_lines(name) if is_for(pin, system)}
    pins |= {"torch", "torchvision"}
    wanted = [(name, "") for name in sorted(pins)]
    for name, extra in wanted:  # which grows
        for need in map(Requirement, needs_of(name)):
            if is_for(need, system, extra):
                found = [(canonicalize_name(need.name), each) for each in ("", *need.extras)]
                wanted += [each for each in found if each not in wanted]
    assert {name for name, _ in wanted} - pins == set()


def is_for(requirement: Requirement, system: str, extra: str = "") -> bool:
    return not requirement.marker or requirement.marker.evaluate({**SYSTEMS[system], "extra": extra})


def needs_of(name: str) -> list[str]:
    """What a package needs; of those for another system, which are not here, nothing is known."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def test_torch_is_not_among_the_pins_that_pip_resolves() -> None:
    assert not {"torch", "torchvision"} & read_pins().keys()


def test_the_pins_are_what_is_tested_here() -> None:
    direct = [Requirement(text).name for texts in read_project().values() for text in texts]
    pins = read_pins()
    tested = {name: pins[canonicalize_name(name)] for name in direct if canonicalize_name(name) in pins}
    assert {name: version(name) for name in tested} == tested


# --- Notebooks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_thin_and_stripped(path: Path) -> None:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    source = "\n".join("".join(cell["source"]) for cell in code)
    if path.stem in LESSONS:
        assert max(len(cell["source"]) for cell in code) <= 12
    else:
        assert 1 <= len(cells) <= 6
        assert len(source.splitlines()) <= 50
    assert not re.search(r"^\s*(async\s+)?(def|class)\s", source, re.M)
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


# --- Documentation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("example", README_PYTHON, ids=range(len(README_PYTHON)))
def test_the_python_of_the_readme_runs(example: str, cat_model: Path, tmp_path: Path) -> None:
    """Each example runs by itself in a folder that holds a model.onnx and a photo.jpg."""
    shutil.copy(cat_model, tmp_path / "model.onnx")
    Image.fromarray(chelsea()).save(tmp_path / "photo.jpg")
    (tmp_path / "example.py").write_text(example, "utf-8")
    done = run_python("example.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", SHOWN_COMMANDS, ids=lambda line: line.split()[0])
def test_the_command_line_has_the_options_that_readme_and_binder_use(line: str) -> None:
    words = line.split()
    command = words[: 2 if words[0] == "station" else 1]  # it has commands of its own
    help_page = run_python("-m", "fieldmark", *command, "--help", COLUMNS="200", NO_COLOR="1")
    assert help_page.returncode == 0, help_page.stderr
    known = set(re.findall(r"--[a-z-]+", help_page.stdout))
    assert set(re.findall(r"--[a-z-]+", line)) <= known


def test_every_file_the_readme_links_to_is_there() -> None:
    targets = re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", README)
    assert "LICENSE" in targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_readme_maps_every_folder_and_package() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}
    unmapped = [name for name in sorted(folders | set(PACKAGES)) if f"{name}/" not in README]
    assert unmapped == []


# --- What may be in the repository --------------------------------------------------------------------------


def tracked_files() -> list[Path]:
    """The files that are, or would be, committed; skips the test outside of a checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not in a git checkout")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = done.stdout.decode("utf-8").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def tracked_text() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT), content.decode("utf-8")


def test_no_file_names_a_place_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:100]}"
        for path, text in tracked_text()
        for number, line in enumerate(text.splitlines(), start=1)
        if PRIVATE_PLACES.search(line)
    ]
    assert found == []


def test_no_python_file_is_longer_than_400_lines() -> None:
    long = {
        str(path): n
        for path, text in tracked_text()
        if path.suffix == ".py" and (n := text.count("\n")) > 400
    }
    assert long == {}


def test_no_built_or_downloaded_file_is_tracked() -> None:
    unwanted = {".onnx", ".pth", ".pkl", ".pt", ".safetensors", ".whl", ".sqlite"}
    assert [path for path in tracked_files() if path.suffix in unwanted] == []
