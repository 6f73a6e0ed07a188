"""A shared repository as it runs elsewhere: its own wheel, its pins, and no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from server.running import RunningServer, free_port, stop

TOKEN = "a-token-as-binder-makes-one"

# Installed in the environment: what is not among the pins cannot be imported there either.
NO_TORCH = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "onnx", "scipy", "sklearn", "typer"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
"""


def make_environment(folder: Path, wheel: Path) -> Path:
    """An environment with that wheel; what else it needs comes from this one, torch and its like excepted.

    Returns:
        Its Python.
    """
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    subprocess.run(pip, check=True, capture_output=True, env=os.environ | {"PYTHONPATH": ""})
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    site = Path(purelib.stdout.strip())
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    (site / "sitecustomize.py").write_text(NO_TORCH, "utf-8")
    write_kernel(folder, python)
    return python


def write_kernel(folder: Path, python: Path) -> None:
    """Name the environment's own kernel, as installing ipykernel there would."""
    spec = folder / "share" / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}), "utf-8"
    )


@contextmanager
def jupyter_server(
    python: Path, folder: Path, *options: str, start: Path | None = None
) -> Iterator[RunningServer]:
    """A plain `jupyter server` on a folder, as Binder runs it; `start` is the script that binder/ wraps around it."""
    port = free_port()
    command = [
        *([str(start)] if start else []),
        *(str(python), "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
        "--ServerApp.jpserver_extensions={'voila.server_extension': True, 'fieldmark_server': True}",
        *options,
    ]
    # Its own first: the template is the wheel's, not one that was installed here at some time.
    data = [str(Path(prefix, "share", "jupyter")) for prefix in (python.parents[1], sys.prefix)]
    settings = os.environ | {
        "JUPYTER_PATH": os.pathsep.join(data),
        "PYTHONPATH": "",
        "PYTHONUNBUFFERED": "1",
    }
    output = folder.parent / f"server-{port}.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=file, stderr=subprocess.STDOUT)
        server = RunningServer(process, output)
        try:
            server.url = wait_for(f"http://127.0.0.1:{port}", server)
            yield server
        finally:
            stop(process)


def wait_for(url: str, server: RunningServer) -> str:
    for _ in range(300):
        try:
            httpx.get(f"{url}/api", timeout=2)
        except httpx.TransportError:
            assert server.process.poll() is None, server.log
            time.sleep(0.1)
        else:
            return url
    raise TimeoutError(server.log)
