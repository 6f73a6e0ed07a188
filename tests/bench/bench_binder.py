"""What Binder does with this repository, without Docker: the steps of its Dockerfile, then a visit, on 1 CPU and 2 GB.

    make bench-binder                           (or: python tests/bench/bench_binder.py; some minutes)

binder/requirements.txt is installed into a fresh environment, binder/postBuild is run, binder/start serves a copy of
this repository, and Chromium opens voila/render/apps/classify.ipynb. Server and kernels run on one processor (where
the system can pin them); the browser runs on the others.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import psutil
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from skimage.data import chelsea

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import launch, visit
from server.running import RunningServer, free_port, stop
from server.shared import TOKEN, wait_for

ROOT = Path(__file__).parents[2]
PAGE = f"/voila/render/apps/classify.ipynb?token={TOKEN}"
VISITORS = 10
MEMORY_MB = 2000


def main() -> None:
    """Play, measure and print."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        repository, env = Path(folder, "repo"), Path(folder, "env")
        copy_repository(repository)
        began = time.perf_counter()
        venv.create(env, with_pip=True)
        play(env, repository, "pip", "install", "--no-cache-dir", "--quiet", "-r", "binder/requirements.txt")
        installed_s = time.perf_counter() - began
        play(env, repository, "binder/postBuild")
        built_s = time.perf_counter() - began
        torch = (env / "lib").glob("python*/site-packages/torch/__init__.py")
        size = sum(file.stat().st_size for file in env.rglob("*") if file.is_file() and not file.is_symlink())
        print(
            f"image: packages {installed_s:.0f} s, postBuild {built_s - installed_s:.0f} s; environment {size / 1e6:.0f} MB"
        )
        print(f"torch in the running image: {'yes' if any(torch) else 'no'}")
        with sync_playwright() as playwright:
            browser = launch(playwright.chromium)
            measure(env, repository, browser)
            browser.close()


def copy_repository(target: Path) -> None:
    """What is committed, or would be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def environment(env: Path) -> dict[str, str]:
    """As in the image: its own programs first, nothing of this process's."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "JUPYTER_PATH"}}
    path = f"{env / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return kept | {"PATH": path, "VIRTUAL_ENV": str(env), "PYTHONUNBUFFERED": "1"}


def play(env: Path, repository: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=repository, env=environment(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")


@contextlib.contextmanager
def served(env: Path, repository: Path) -> Iterator[RunningServer]:
    """Binder's own command, through binder/start, on one processor."""
    port = free_port()
    pin = ["taskset", "-c", "0"] if shutil.which("taskset") else []
    command = [*pin, "binder/start", "jupyter", "server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    output = repository.parent / "server.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=repository, env=environment(env), stdout=file, stderr=subprocess.STDOUT
        )
        server = RunningServer(process, output)
        try:
            server.url = wait_for(f"http://127.0.0.1:{port}", server)
            yield server
        finally:
            stop(process)


def measure(env: Path, repository: Path, browser: Browser) -> None:
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).save(buffer, "JPEG")
    began = time.perf_counter()
    with served(env, repository) as server, contextlib.ExitStack() as guests:
        up_s = time.perf_counter() - began
        first = guests.enter_context(visit(browser, server.url))
        first.open(PAGE)
        first.page.locator(".fm-classifier .fm-uploader").wait_for(timeout=120_000)
        print(
            f"server up {up_s:.1f} s; server up to first widget {time.perf_counter() - began - up_s:.1f} s (goal 8)"
        )
        first.drop(("cat.jpg", buffer.getvalue()))
        first.wait()
        print(f"memory with 1 visitor: {memory_mb(server):.0f} MB of {MEMORY_MB} (PSS)")
        for _ in range(VISITORS - 1):
            guest = guests.enter_context(visit(browser, server.url))
            guest.open(PAGE)
            guest.page.locator(".fm-classifier .fm-uploader").wait_for(timeout=120_000)
            guest.drop(("cat.jpg", buffer.getvalue()))
            guest.wait()
        used = memory_mb(server)
        fit = "fit" if used < MEMORY_MB else "do not fit"
        print(
            f"memory with {VISITORS} visitors, a photo answered for each: {used:.0f} MB of {MEMORY_MB}; they {fit}"
        )


def memory_mb(server: RunningServer) -> float:
    """Memory of the server and its kernels; what they share is counted once."""
    process = psutil.Process(server.process.pid)
    return float(
        sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)]) / 1e6
    )


if __name__ == "__main__":
    main()
