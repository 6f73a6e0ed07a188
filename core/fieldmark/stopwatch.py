"""How long each step took, for whoever waited."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Writes the seconds that were spent inside it, used as a context, into a table."""

    def __init__(self, seconds: dict[str, float], step: str) -> None:
        """Write into `seconds`, under the name of the step."""
        self._seconds, self._step = seconds, step

    def __enter__(self) -> None:
        """Begin."""
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        """Note how long it was."""
        self._seconds[self._step] = round(perf_counter() - self._start, 3)
