"""What the service counts, as the text that Prometheus reads (exposition format 0.0.4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Counter:
    """Counts upwards."""

    def __init__(self, name: str, meaning: str) -> None:
        self.name, self.meaning = name, meaning
        self.value = 0
        self._lock = threading.Lock()

    def add(self, n: int = 1) -> None:
        """Count `n` more."""
        with self._lock:
            self.value += n

    def lines(self) -> Iterator[str]:
        """The text."""
        yield from _header(self.name, self.meaning, "counter")
        yield f"{self.name} {self.value}"


class Histogram:
    """Counts times by how long they were, in seconds."""

    def __init__(self, name: str, meaning: str) -> None:
        self.name, self.meaning = name, meaning
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()

    def observe(self, seconds: float) -> None:
        """Count one."""
        with self._lock:
            self._counts[sum(seconds > bound for bound in BOUNDS_S)] += 1
            self._sum += seconds

    def lines(self) -> Iterator[str]:
        """The text."""
        yield from _header(self.name, self.meaning, "histogram")
        with self._lock:
            counts, total = list(self._counts), self._sum
        running = 0
        for bound, n in zip((*BOUNDS_S, "+Inf"), counts, strict=True):
            running += n
            yield f'{self.name}_bucket{{le="{bound}"}} {running}'
        yield f"{self.name}_sum {total:.6f}"
        yield f"{self.name}_count {running}"


class Metrics:
    """All that the service counts."""

    def __init__(self) -> None:
        self.answered = Counter("fieldmark_photos_answered_total", "Photos that were answered.")
        self.refused = Counter("fieldmark_photos_refused_total", "Photos that the queue had no room for.")
        self.restarts = Counter("fieldmark_worker_restarts_total", "Times that the model's process ended.")
        self.seconds = Histogram("fieldmark_photo_seconds", "From a photo's arrival to its answer.")

    def text(self, **gauges: float) -> str:
        """Everything, and what holds just now, by its name."""
        lines = [
            line
            for each in (self.answered, self.refused, self.restarts, self.seconds)
            for line in each.lines()
        ]
        for name, value in gauges.items():
            lines += [f"# TYPE fieldmark_{name} gauge", f"fieldmark_{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _header(name: str, meaning: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
