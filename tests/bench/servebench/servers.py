"""The servers that are measured, ours and plain Voilà, and what their processes take."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import nbformat
import psutil

from fieldmark.pretrained import build_pretrained
from server.running import RunningServer, free_port, run, wait_for_model

TOKEN = "bench"

FIVE_CELLS = (
    "import io\nimport ipywidgets as widgets\nimport torch\nfrom PIL import Image\nfrom fieldmark.finetuning.vision import torchvision",
    "model = torchvision.models.resnet18(num_classes=3).eval()",
    "upload = widgets.FileUpload()\nout = widgets.Output()\nlabel = widgets.Label()",
    "def classify(change):\n    label.value = str(model(torch.zeros(1, 3, 224, 224)).softmax(1))\n"
    "upload.observe(classify, 'value')",
    "widgets.VBox([widgets.Label('Select your bear!'), upload, out, label])",
)
"""What the book's chapter 2 serves, with plain torchvision in fastai's place: the lighter of the two."""


def build_cats(path: Path) -> Path:
    """A model that needs no photos: cat, dog, other."""
    cats = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
    build_pretrained({"cat": cats, "dog": ("pug",)}, path, rest="other")
    return path


@contextmanager
def ours(model: Path, *options: str) -> Iterator[RunningServer]:
    """A `fieldmark serve` with its model loaded, for visitors: without the studio."""
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--no-studio"]
    home = str(model.parent / "home")
    with run(
        [*command, "--model", str(model), *options], FIELDMARK_TOKEN=TOKEN, FIELDMARK_HOME=home
    ) as server:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"{server.url}/fieldmark/api/v1", headers=headers) as api:
            wait_for_model(api)
        yield server


@contextmanager
def plain(folder: Path) -> Iterator[RunningServer]:
    """Voilà as it comes, serving the five cells."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[nbformat.v4.new_code_cell(cell) for cell in FIVE_CELLS],
    )
    path = folder / "bear_voila.ipynb"
    nbformat.write(notebook, path)
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "voila", str(path), f"--port={port}", "--no-browser"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    running = RunningServer(server, folder / "none")
    running.url = f"http://localhost:{port}"
    try:
        while True:
            with suppress(httpx.TransportError):
                httpx.get(f"{running.url}/voila/static/main.js")
                break
            time.sleep(0.2)
        yield running
    finally:
        for process in processes_of(running):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait()


def processes_of(server: RunningServer) -> list[psutil.Process]:
    """The server and all it started."""
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def memory_mb(server: RunningServer) -> float:
    """PSS of all of them: what processes share is counted once."""
    return sum(memory_by_kind(server).values())


def memory_by_kind(server: RunningServer) -> dict[str, float]:
    """PSS in MB of the server itself, the process that holds the model, and the kernels."""
    found = dict.fromkeys(("server", "model", "kernels"), 0.0)
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found[_kind(process, server)] += process.memory_full_info().pss / 1e6
    return found


def processor_s(server: RunningServer) -> dict[str, float]:
    """Processor time so far, of the same three."""
    found = dict.fromkeys(("server", "model", "kernels"), 0.0)
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            times = process.cpu_times()
            found[_kind(process, server)] += times.user + times.system
    return found


def count_kernels(server: RunningServer) -> int:
    """Kernels that run."""
    found = 0
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found += _kind(process, server) == "kernels"
    return found


def _kind(process: psutil.Process, server: RunningServer) -> str:
    if process.pid == server.process.pid:
        return "server"
    return "kernels" if any("ipykernel" in part for part in process.cmdline()) else "model"
