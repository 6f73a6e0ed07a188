"""Many people at a time, each with a page and a photo every few seconds."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

from bench.servebench.api import make_photo
from bench.servebench.servers import count_kernels, memory_mb, ours, processor_s
from bench.visitor import LightVisitor

EVERY_S = 5.0
OPEN_AT_ONCE = 4


def crowd(model: Path, *, visitors: int, seconds: float) -> None:
    """Every answer right, how long it took, kernels lost, memory."""
    photo = make_photo()
    with ours(model) as server:
        start = perf_counter()
        with ThreadPoolExecutor(OPEN_AT_ONCE) as threads:
            opened = list(threads.map(lambda _: LightVisitor(server.url), range(visitors)))
        opened_s = perf_counter() - start
        for visitor in opened:
            visitor.classify(photo)  # what is allocated once
        before, kernels = memory_mb(server), count_kernels(server)
        spent, began, client_s = processor_s(server), perf_counter(), process_time()
        over = began + seconds

        def stay(place: int) -> list[float]:
            visitor, waits = opened[place], []
            time.sleep(place * EVERY_S / visitors)  # people do not all click in the same moment
            while perf_counter() < over:
                start = perf_counter()
                assert visitor.classify(photo) == "Cat"
                waits.append(perf_counter() - start)
                time.sleep(max(0.0, EVERY_S - waits[-1]))
            return waits

        with ThreadPoolExecutor(visitors) as threads:
            waits = [wait for stayed in threads.map(stay, range(visitors)) for wait in stayed]
        took = {name: value - spent[name] for name, value in processor_s(server).items()}
        took["the visitors' own programs"] = process_time() - client_s
        stayed_s = perf_counter() - began
        grown, lost = memory_mb(server) - before, kernels - count_kernels(server)
        leave_all(opened)
    print(
        f"  {visitors} visitors (all there after {opened_s:.0f} s), a photo every {EVERY_S:.0f} s for {seconds:.0f} s: "
        f"{len(waits)} answers, all right; median {median(waits):.2f} s, p95 {quantiles(waits, n=20)[-1]:.2f} s, worst "
        f"{max(waits):.2f} (goal 1.5); {lost} kernels lost; memory {before:.0f} MB, {grown:+.0f}"
    )
    parts = ", ".join(f"{name} {1000 * value / len(waits):.0f}" for name, value in took.items())
    print(
        f"  processor time of an answer, ms: {parts}; busy in all: {sum(took.values()) / stayed_s:.2f} processors"
    )


def leave_all(opened: list[LightVisitor]) -> None:
    """Close every page, all at once."""
    leaving = [threading.Thread(target=visitor.leave) for visitor in opened]
    for each in leaving:
        each.start()
    for each in leaving:
        each.join()
