"""The server beside plain Voilà with torch in every kernel: opening, memory, leaks, many visitors, the REST API.

    make bench-serve                            (FULL=1: 40 visitors for 3 minutes, 200 uploads; some 15 minutes)

Plain Voilà serves the five cells of the fastai book's app, with a ResNet-18 of torchvision's. Both answer in
the same run, on this machine, over loopback. Memory is PSS: what processes share is counted once.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import httpx
import nbformat
import psutil
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from skimage.data import chelsea

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.visitor import LightVisitor
from browser.visit import launch
from fieldmark.predictor import Predictor
from fieldmark.pretrained import build_pretrained
from server.running import RunningServer, free_port, run, wait_for_model

FULL = bool(os.environ.get("FULL"))
OPENINGS = 5
FURTHER = 4
RELOADS = 20 if FULL else 5
VISITORS, CLASSIFY_S = (40, 180) if FULL else (10, 40)
EVERY_S = 5.0
CLIENTS, REST_PHOTOS = 16, 600
UPLOADS, UPLOAD_MIB = (200, 30) if FULL else (20, 30)
PATIENCE_MS = 180_000
TOKEN = "bench"
RAW = {"Content-Type": "image/jpeg"}

FIVE_CELLS = (
    "import io\nimport ipywidgets as widgets\nimport torch\nfrom PIL import Image\nfrom fieldmark.vision import torchvision",
    "model = torchvision.models.resnet18(num_classes=3).eval()",
    "upload = widgets.FileUpload()\nout = widgets.Output()\nlabel = widgets.Label()",
    "def classify(change):\n    label.value = str(model(torch.zeros(1, 3, 224, 224)).softmax(1))\n"
    "upload.observe(classify, 'value')",
    "widgets.VBox([widgets.Label('Select your bear!'), upload, out, label])",
)
"""What the book's chapter 2 serves, with plain torchvision in fastai's place: the lighter of the two."""


def main() -> None:
    """Measure and print."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, sync_playwright() as playwright:
        folder = Path(name)
        model = folder / "cats.onnx"
        cats = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
        build_pretrained({"cat": cats, "dog": ("pug",)}, model, rest="other")
        browser = launch(playwright.chromium)
        with plain(folder) as server:
            report("plain Voilà, torch in the kernel", server, "/", ".jupyter-widgets", browser)
        with ours(model, folder) as server, httpx.Client(base_url=server.url, timeout=60) as web:
            report("Fieldmark", server, "/classify", ".fm-uploader button", browser)
            browser.close()
            rest(web, model)
            uploads(web, server)
        with ours(model, folder) as server:
            visitors(server)


@contextmanager
def ours(model: Path, folder: Path) -> Iterator[RunningServer]:
    """A `fieldmark serve` with its model loaded."""
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--model", str(model)]
    with run(command, FIELDMARK_TOKEN=TOKEN, FIELDMARK_HOME=str(folder / "home")) as server:
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
        for process in [*psutil.Process(server.pid).children(recursive=True), psutil.Process(server.pid)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        server.wait()


# --- Pages --------------------------------------------------------------------------------------------------


def report(name: str, server: RunningServer, path: str, usable: str, browser: Browser) -> None:
    """Opening, memory and leaks, as a browser sees them."""
    print(f"\n{name}")
    pages = [new_page(browser, server)]
    open_and_wait(pages[0], server.url + path, usable)
    first = total_pss(server)
    for _ in range(FURTHER):
        pages.append(new_page(browser, server))
        open_and_wait(pages[-1], server.url + path, usable)
        time.sleep(4)
    further = (total_pss(server) - first) / FURTHER
    print(
        f"  server and first visitor: {first:.0f} MB; each further visitor: {further:.0f} MB (PSS, of {FURTHER})"
    )
    # Only now: plain Voilà keeps the kernel of every page that was closed.
    waits = []
    for number in range(OPENINGS):
        page = new_page(browser, server)
        start = perf_counter()
        open_and_wait(page, server.url + path, usable)
        waits.append(perf_counter() - start)
        page.close(run_before_unload=number > 0)
        time.sleep(4)  # ours makes the next page ready meanwhile
    print(
        f"  GET to first widget usable: median {median(waits):.2f} s, worst {max(waits):.2f} s of {OPENINGS}"
    )
    before = count_kernels(server)
    for _ in range(RELOADS):
        open_and_wait(pages[0], server.url + path, usable)
    time.sleep(5)
    print(f"  {RELOADS} reloads: {count_kernels(server) - before:+d} kernels")
    for page in pages:
        page.close()


def new_page(browser: Browser, server: RunningServer) -> Page:
    """A new page. Plain Voilà asks a CDN: that is refused at once, so that no slow name server is measured."""
    page = browser.new_page()
    page.route(lambda url: not url.startswith((server.url, "blob:", "data:")), lambda route: route.abort())
    return page


def open_and_wait(page: Page, url: str, usable: str) -> None:
    """Until the first widget can be used."""
    page.goto(url, wait_until="commit", timeout=PATIENCE_MS)
    page.locator(usable).first.wait_for(timeout=PATIENCE_MS)


def processes_of(server: RunningServer) -> list[psutil.Process]:
    """The server and all it started."""
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def total_pss(server: RunningServer) -> float:
    """In MB."""
    total = 0
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().pss
    return total / 1e6


def count_kernels(server: RunningServer) -> int:
    """Kernels that run."""
    found = 0
    for process in processes_of(server):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found += any("ipykernel" in part for part in process.cmdline())
    return found


# --- The API ------------------------------------------------------------------------------------------------


def make_photo() -> bytes:
    """The cat at 640 px, as web photos are."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).resize((640, 426)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def rest(web: httpx.Client, model: Path) -> None:
    """Requests a second of 16 clients, beside the predictor's own rate, turn about; and health meanwhile."""
    photo, predictor = make_photo(), Predictor.load(model)
    predictor.predict([photo] * 16)
    own, served, live = [], [], []
    for _ in range(3):
        start = perf_counter()
        predictor.predict([photo] * REST_PHOTOS)
        own.append(REST_PHOTOS / (perf_counter() - start))
        served.append(ask_many(str(web.base_url), photo, live))
    share = median(served) / median(own)
    print(
        f"  REST, {CLIENTS} clients: {median(served):.0f} requests a second; predictor itself: {median(own):.0f} ({share:.0%})"
    )
    print(f"  health meanwhile: p95 {quantiles(live, n=20)[-1] * 1000:.0f} ms of {len(live)}")


def ask_many(url: str, photo: bytes, live: list[float]) -> float:
    """Answers a second; every one must be right."""
    over = threading.Event()

    def watch_health() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not over.is_set():
                start = perf_counter()
                client.get("/fieldmark/api/v1/live")
                live.append(perf_counter() - start)
                time.sleep(0.05)

    def ask(n: int) -> int:
        with httpx.Client(base_url=url, timeout=60) as client:
            for _ in range(n):
                answer = client.post("/fieldmark/api/v1/classify", content=photo, headers=RAW)
                assert answer.json()["results"][0]["label"] == "cat", answer.text
        return n

    watcher = threading.Thread(target=watch_health)
    watcher.start()
    start = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        done = sum(threads.map(ask, [REST_PHOTOS // CLIENTS] * CLIENTS))
    took = perf_counter() - start
    over.set()
    watcher.join()
    return done / took


def uploads(web: httpx.Client, server: RunningServer) -> None:
    """Large bodies, four at a time: none lost, and the server's own memory as before."""
    photo = make_photo()
    body = photo + bytes(UPLOAD_MIB * 2**20 - len(photo))  # what follows the end of a JPEG is not read
    process = psutil.Process(server.process.pid)
    own = (process, *[p for p in process.children() if p.name().startswith("python")])
    send = [0]

    def upload(_: int) -> bool:
        while True:
            answer = web.post("/fieldmark/api/v1/classify", content=body, headers=RAW)
            if answer.status_code != 503:
                return answer.status_code == 200 and "label" in answer.json()["results"][0]
            send[0] += 1
            time.sleep(float(answer.headers["Retry-After"]))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(upload, range(4)))  # what is allocated once
        before = own[0].memory_info().rss
        right = sum(threads.map(upload, range(UPLOADS)))
    grown = (own[0].memory_info().rss - before) / 1e6
    print(
        f"  {UPLOADS} uploads of {UPLOAD_MIB} MiB: {right} answered ({send[0]} sent again), memory {grown:+.0f} MB"
    )


def visitors(server: RunningServer) -> None:
    """Many people, each with a page and a photo every few seconds."""
    photo, over = make_photo(), perf_counter() + 600
    opened = [LightVisitor(server.url) for _ in range(VISITORS)]
    before, kernels = total_pss(server), count_kernels(server)
    over = perf_counter() + CLASSIFY_S

    def stay(visitor: LightVisitor) -> list[float]:
        waits = []
        while perf_counter() < over:
            start = perf_counter()
            assert visitor.classify(photo) == "Cat"
            waits.append(perf_counter() - start)
            time.sleep(max(0.0, EVERY_S - waits[-1]))
        return waits

    with ThreadPoolExecutor(VISITORS) as threads:
        waits = [wait for stayed in threads.map(stay, opened) for wait in stayed]
    grown, lost = total_pss(server) - before, kernels - count_kernels(server)
    for visitor in opened:
        visitor.leave()
    print(
        f"  {VISITORS} visitors, a photo every {EVERY_S:.0f} s for {CLASSIFY_S} s: {len(waits)} answers, all right; "
        f"median {median(waits):.2f} s, p95 {quantiles(waits, n=20)[-1]:.2f} s; {lost} kernels lost, memory {grown:+.0f} MB"
    )


if __name__ == "__main__":
    main()
