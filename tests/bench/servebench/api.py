"""The REST API under load: its rate beside the predictor's own, health meanwhile, and large uploads."""

from __future__ import annotations

import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from urllib.parse import urlsplit

import psutil
from PIL import Image
from skimage.data import chelsea

from bench.servebench.servers import ours, processor_s
from fieldmark.predictor import Predictor
from server.running import RunningServer

CLIENTS, PHOTOS, ROUNDS = 16, 240, 9
UPLOADS, UPLOAD_MIB, SENDERS = 200, 30, 4
API = "/fieldmark/api/v1"
RAW = {"Content-Type": "image/jpeg"}


def make_photo() -> bytes:
    """The cat at 640 px, as web photos are."""
    buffer = io.BytesIO()
    Image.fromarray(chelsea()).resize((640, 426)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class Client:
    """One client with a connection that stays: as light as Python has one, since it runs on the same processors."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)

    def classify(self, photo: bytes) -> tuple[int, dict[str, object], float]:
        """Status, answer, and how long to wait before sending again."""
        self._connection.request("POST", f"{API}/classify", photo, RAW)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read()), float(answer.headers.get("Retry-After", "0"))

    def live(self) -> None:
        """Ask whether it is up."""
        self._connection.request("GET", f"{API}/live")
        self._connection.getresponse().read()


def rest(model: Path) -> None:
    """Requests a second of 16 clients, beside the predictor's own rate in this process, turn about."""
    photo, predictor = make_photo(), Predictor.load(model)
    predictor.predict([photo] * 64)
    own, served, live = [], [], []
    with ours(model) as server:
        ask_many(server.url, photo, 160, [])
        spent, client_s = processor_s(server), 0.0
        for _ in range(ROUNDS):
            start = perf_counter()
            predictor.predict([photo] * PHOTOS)
            own.append(PHOTOS / (perf_counter() - start))
            began = process_time()
            served.append(ask_many(server.url, photo, PHOTOS, live))
            client_s += process_time() - began
        took = {name: value - spent[name] for name, value in processor_s(server).items()}
    share = median(a / b for a, b in zip(served, own, strict=True))
    print(
        f"  REST, {CLIENTS} clients, JPEGs of 640 px: {median(served):.0f} requests a second; the predictor itself "
        f"{median(own):.0f}: {share:.0%} (goal 85 %)"
    )
    ms = {name: 1000 * value / (ROUNDS * PHOTOS) for name, value in took.items() if value > 0.1}
    parts = ", ".join(f"{name} {value:.1f}" for name, value in ms.items())
    print(
        f"  processor time of a request, ms: {parts}, the clients {1000 * client_s / (ROUNDS * PHOTOS):.1f}"
    )
    print(
        f"  health meanwhile: p95 {quantiles(live, n=20)[-1] * 1000:.0f} ms, worst {max(live) * 1000:.0f} of {len(live)} "
        "(goal 200)"
    )


def ask_many(url: str, photo: bytes, photos: int, live: list[float]) -> float:
    """Answers a second; every one must be right."""
    over = threading.Event()

    def watch_health() -> None:
        client = Client(url)
        while not over.is_set():
            start = perf_counter()
            client.live()
            live.append(perf_counter() - start)
            time.sleep(0.05)

    def ask(n: int) -> int:
        client = Client(url)
        for _ in range(n):
            status, answer, _ = client.classify(photo)
            assert status == 200, answer
            assert answer["results"][0]["label"] == "cat", answer  # type: ignore[index]
        return n

    watcher = threading.Thread(target=watch_health)
    watcher.start()
    start = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        done = sum(threads.map(ask, [photos // CLIENTS] * CLIENTS))
    took = perf_counter() - start
    over.set()
    watcher.join()
    return done / took


def uploads(model: Path) -> None:
    """Large bodies, some at a time: none lost, and the server's own memory as before."""
    photo = make_photo()
    body = photo + bytes(UPLOAD_MIB * 2**20 - len(photo))  # what follows the end of a JPEG is not read
    again = [0]

    with ours(model) as server:

        def upload(_: int) -> bool:
            client = Client(server.url)
            while True:
                status, answer, wait_s = client.classify(body)
                if status != 503:
                    return status == 200 and "label" in answer["results"][0]  # type: ignore[index]
                again[0] += 1
                time.sleep(wait_s)

        with ThreadPoolExecutor(SENDERS) as threads:
            list(threads.map(upload, range(2 * SENDERS)))  # what is allocated once
            before = own_mb(server)
            start = perf_counter()
            right = sum(threads.map(upload, range(UPLOADS)))
            took = perf_counter() - start
        time.sleep(1)
        print(
            f"  {UPLOADS} uploads of {UPLOAD_MIB} MiB, {SENDERS} at a time: {right} answered ({again[0]} sent again), "
            f"{UPLOADS * UPLOAD_MIB / took:.0f} MiB a second; memory {before:.0f} MB before, {own_mb(server) - before:+.0f} after"
        )


def own_mb(server: RunningServer) -> float:
    """RSS of the server itself and of the process that holds its model."""
    process = psutil.Process(server.process.pid)
    kept = [each for each in process.children() if "ipykernel" not in " ".join(each.cmdline())]
    return sum(each.memory_info().rss for each in (process, *kept)) / 1e6
