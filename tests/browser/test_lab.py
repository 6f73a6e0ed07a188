"""The components in a real JupyterLab. With an ipykernel 6: tests/widgets/test_older_kernel.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.visit import DESK, SCREENSHOTS
from server.running import RunningServer, free_port, stop
from server.shared import TOKEN, wait_for

STUDIO = Path(__file__).parents[2] / "apps" / "studio.ipynb"


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Jupyter path whose python3 finds what this process finds."""
    folder = tmp_path_factory.mktemp("kernels")
    spec = folder / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = {
        "argv": command,
        "display_name": "Python 3",
        "language": "python",
        "env": {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    }
    (spec / "kernel.json").write_text(json.dumps(kernel), "utf-8")
    return folder


@contextmanager
def lab(folder: Path, kernels: Path) -> Iterator[RunningServer]:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
    ]
    command += [
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={folder}",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    home = folder / "home"
    settings = os.environ | {
        "JUPYTER_PATH": f"{kernels}{os.pathsep}{Path(sys.prefix, 'share', 'jupyter')}",
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTERLAB_WORKSPACES_DIR": str(home),
        "FIELDMARK_HOME": str(folder),
    }
    output = folder / "lab.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=file, stderr=subprocess.STDOUT)
        server = RunningServer(process, output)
        try:
            server.url = wait_for(f"http://127.0.0.1:{port}", server)
            yield server
        finally:
            stop(process)


@pytest.mark.timeout(400)
def test_the_studio_imports_and_trains_in_a_lab(kernels: Path, chromium: Browser, tmp_path: Path) -> None:
    shutil.copy(STUDIO, tmp_path / "studio.ipynb")
    with lab(tmp_path, kernels) as server:
        page = chromium.new_context(viewport=DESK).new_page()
        page.goto(f"{server.url}/lab/tree/studio.ipynb?token={TOKEN}&reset")
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=120_000)
        page.get_by_text("Python 3 | Idle").wait_for(timeout=120_000)  # before, it runs nothing
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.get_by_role("button", name="Try the sample").click(timeout=120_000)
        page.locator(".fm-importer .fm-cell img").first.wait_for(timeout=120_000)
        page.locator("[data-step=train]").click()
        page.locator(".fm-trainer-go").click()
        expect(page.locator(".fm-trainer-headline")).to_contain_text("wrong", timeout=120_000)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "lab.png")
        page.context.close()
