"""Binder: what is cheap to check of it. `make bench-binder` plays all of its steps."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
POST_BUILD = (ROOT / "binder" / "postBuild").read_text("utf-8")
ADDRESS: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
SHARED_START = ROOT / "apps" / "fieldmark_share" / "files" / "binder__start.in"


def test_the_badge_leads_to_the_one_address_and_to_the_page() -> None:
    owner_and_name = ADDRESS.removeprefix("https://github.com/")
    (badge,) = re.findall(r"https://mybinder\.org/v2/gh/\S+", README)
    assert (
        badge
        == f"https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=voila%2Frender%2Fapps%2Fclassify.ipynb"
    )
    assert (ROOT / "apps" / "classify.ipynb").is_file()


def test_the_public_address_is_known() -> None:
    if "OWNER" in ADDRESS:
        pytest.skip(
            f"{ADDRESS} in pyproject.toml is a placeholder: put the public address there and in the README's badge"
        )


def test_repo2docker_reads_the_folder_as_it_is_meant(tmp_path: Path) -> None:
    program = shutil.which("jupyter-repo2docker") or shutil.which(
        "jupyter-repo2docker", path=str(Path(sys.executable).parent)
    )
    if program is None:
        pytest.skip("no jupyter-repo2docker here")
    for name in ("binder", "requirements.txt"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    command = [program, "--no-build", "--no-run", "--debug", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-2000:]
    in_order = (
        "COPY --chown=0:0 src/ ${REPO_DIR}/",  # before the packages, which lie one folder up
        'pip install --no-cache-dir -r "binder/requirements.txt"',
        "RUN ./binder/postBuild",
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    )
    places = [text.find(line) for line in in_order]
    assert -1 not in places
    assert places == sorted(places)
    assert "Building conda environment for python=3.11" in text


def test_torch_comes_and_goes_in_one_step_and_the_repository_is_installed() -> None:
    steps = [line for line in POST_BUILD.splitlines() if line and not line.startswith("#")]
    kinds = [
        re.findall(
            r"install .*torch|install .*--no-build-isolation \.|fieldmark pretrained|uninstall .*torch", step
        )
        for step in steps
    ]
    order = [found[0] for found in kinds if found]
    assert "torch" in order[0]
    assert order[-3].endswith(".")
    assert order[-2:] == ["fieldmark pretrained", "uninstall --yes torch"]
    assert "torch" not in re.sub(r"#.*", "", (ROOT / "binder" / "requirements.txt").read_text("utf-8"))


@pytest.mark.skipif(os.name == "nt", reason="Binder is Linux")
def test_start_runs_what_it_is_given_and_lets_idle_kernels_go() -> None:
    done = subprocess.run(
        [ROOT / "binder" / "start", "echo", "jupyter"], capture_output=True, text=True, check=True
    )
    words = done.stdout.split()
    assert words[0] == "jupyter"
    assert "--MappingKernelManager.cull_idle_timeout=600" in words


def test_a_shared_repository_starts_in_the_same_way() -> None:
    assert SHARED_START.read_text("utf-8").replace("$$", "$") == (ROOT / "binder" / "start").read_text(
        "utf-8"
    )


def test_the_scripts_of_binder_can_be_run() -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such mark")
    assert all(os.access(ROOT / "binder" / name, os.X_OK) for name in ("postBuild", "start"))
