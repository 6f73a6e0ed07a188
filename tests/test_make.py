"""make.py, tried on a copy of its own, so that no test touches the environment it runs in."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with make.py and the files that its set-up depends on."""
    for name in ("make.py", "pyproject.toml", "requirements.txt", "requirements-test.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def make(copy: Path) -> ModuleType:
    """The copy's make.py as a module."""
    spec = importlib.util.spec_from_file_location("make_copy", copy / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "make.py", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONUTF8": "1"} | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("arguments", [(), ("tset",), ("app", "PROT=1"), ("app", "photos")])
def test_a_wrong_command_or_setting_is_a_usage_error(copy: Path, arguments: tuple[str, ...]) -> None:
    done = run(copy, *arguments)
    assert done.returncode == 2
    assert "python make.py app" in done.stdout or "DATA=…" in done.stdout
    assert not (copy / ".venv").exists()


@pytest.mark.parametrize("name", ["DATA", "MODEL"])
def test_a_missing_folder_or_model_is_said_before_the_set_up(copy: Path, name: str) -> None:
    for done in (run(copy, "app", f"{name}=not-there"), run(copy, "app", **{name: "not-there"})):
        assert done.returncode == 1
        assert f"{name}=not-there: there is no such file or folder." in done.stderr
    assert not (copy / ".venv").exists()


def test_clean_removes_what_was_made_and_nothing_of_the_user(copy: Path) -> None:
    kept = [copy / "var" / "models" / "bears.onnx", copy / "photos" / "a.jpg", copy / "core" / "a.py"]
    made = [copy / ".venv" / "x", copy / ".mypy_cache" / "x", copy / "core" / "__pycache__" / "a.pyc"]
    for file in kept + made:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert run(copy, "clean").returncode == 0
    assert all(file.is_file() for file in kept)
    assert not any(file.parent.exists() for file in made)


def test_a_finished_set_up_is_not_repeated(make: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    make.VENV.mkdir()
    make._stamp("test").write_text(make._wanted())
    make.setup("test")
    make.setup("app")  # the environment for tests holds all that the apps need
    assert capsys.readouterr().out == ""
    assert list(make.VENV.iterdir()) == [make._stamp("test")]


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "requirements-test.txt", "make.py"])
def test_a_changed_pin_asks_for_a_new_set_up(make: ModuleType, copy: Path, name: str) -> None:
    before = make._wanted()
    with (copy / name).open("a") as file:
        file.write("# changed\n")
    assert make._wanted() != before


def test_a_package_that_pip_was_still_writing_is_installed_again(make: ModuleType) -> None:
    packages = make.VENV / "lib" / "python3" / "site-packages"
    whole, half = packages / "whole-1.0.dist-info", packages / "half-1.0.dist-info"
    for info in (whole, half):
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Name: x")
    (whole / "RECORD").write_text("")
    make._drop_half_installed()
    assert whole.is_dir()
    assert not half.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the plain package is the CPU build")
def test_the_build_of_torch_follows_the_gpu_and_can_be_chosen(
    make: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("FIELDMARK_TORCH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert make._torch_build() == "cpu"
    driver = tmp_path / "nvidia-smi"
    driver.touch(mode=0o755)
    assert make._torch_build() == "cuda"
    monkeypatch.setenv("FIELDMARK_TORCH", "cpu")
    assert make._torch_build() == "cpu"


def test_a_failed_step_ends_in_its_own_words_and_what_to_do(make: ModuleType) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no space left on device')"]
    with pytest.raises(
        SystemExit, match=r"no space left on device\nThe set-up stopped at: the libraries\. Look"
    ):
        make._step("the libraries", command)
