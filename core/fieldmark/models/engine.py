"""Runs an ONNX graph on this machine's CPU through OpenVINO: the one place that knows the engine.

Precision is always set by us. Left alone, OpenVINO takes bfloat16 wherever the CPU has it and logits
move by up to 0.44; so head, temperature and calibration are fitted at the precision that is served.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fieldmark.errors import ModelFileError
from fieldmark.models.compiled import compile_graph
from fieldmark.models.vino import ov

Precision = Literal["f32", "bf16"]
Batch = npt.NDArray[np.uint8]  # (N, H, W, 3)
Outputs = dict[str, npt.NDArray[np.float32]]

BATCH_SIZE = 8
"""Photos a request: the fastest of 1, 4, 8, 16, 32 on two cores, in either precision."""
IN_FLIGHT = 3
"""Requests under way in a stream: two being computed, one waiting, so that no core idles."""


@cache
def _core() -> ov.Core:
    return ov.Core()


@cache
def native_precision() -> Precision:
    """bfloat16 where this CPU computes it natively (it is then more than twice as fast), else float32."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def served_precision(graph: ov.Model) -> Precision:
    """The fastest one that this CPU has for a graph: around what is in 8 bits float32, which keeps it the same anywhere."""
    eight_bit = any(op.get_type_name() == "FakeQuantize" for op in graph.get_ops())
    return "f32" if eight_bit else native_precision()


def warm_up() -> None:
    """Load the engine for this CPU ahead of the first graph, for whoever has to wait anyway."""
    native_precision()


def read_graph(content: bytes) -> ov.Model:
    """Parse an ONNX graph from memory, so that nothing outside these bytes can be meant.

    Raises:
        ModelFileError: the engine cannot read it.
    """
    try:
        return _core().read_model(content)
    except RuntimeError as exc:
        raise ModelFileError("its graph cannot be read by the engine. Export the model again.") from exc


def _as_graph(model: bytes | ov.Model) -> ov.Model:
    return read_graph(model) if isinstance(model, bytes) else model


def _shaped(model: bytes | ov.Model, shape: list[int]) -> ov.Model:
    """A copy for photos of one shape: `reshape` without its search for shapes that are written into a graph, a seventh of compiling."""
    graph = read_graph(model) if isinstance(model, bytes) else model.clone()
    (images,) = graph.get_parameters()
    images.set_partial_shape(ov.PartialShape(shape))
    graph.validate_nodes_and_infer_types()
    return graph


class Engine:
    """A compiled graph with uint8 photos in and named float32 arrays out. Safe to call from threads."""

    def __init__(
        self,
        model: bytes | ov.Model,
        *,
        size_px: int,
        batch: int = BATCH_SIZE,
        precision: Precision | None = None,
        known_as: str = "",
    ) -> None:
        """Compile `model` for batches of exactly `batch` squares of `size_px`.

        Args:
            known_as: a hash of the graph's content: then what is compiled is kept for the next process.
        """
        if precision is None:
            model = _as_graph(model)
            precision = served_precision(model)
        self.batch, self.size_px, self.precision = batch, size_px, precision
        hint = "LATENCY" if batch == 1 else "THROUGHPUT"
        settings = {"INFERENCE_PRECISION_HINT": self.precision, "PERFORMANCE_HINT": hint}
        name, shape = known_as and f"{known_as} {batch} {size_px}", [batch, size_px, size_px, 3]
        self._compiled = compile_graph(_core(), lambda: _shaped(model, shape), settings, name=name)
        self._names = [output.get_any_name() for output in self._compiled.outputs]
        self._idle: deque[Any] = deque()

    def __call__(self, photos: Batch) -> Outputs:
        """Compute one batch of up to `batch` photos."""
        request = self._request()
        request.infer([self._full(photos)])
        return self._outputs(request, len(photos))

    def stream(self, batches: Iterable[Batch]) -> Iterator[Outputs]:
        """Compute many batches, in order, while the next ones are still being made."""
        running: deque[tuple[Any, int]] = deque()
        for photos in batches:
            if len(running) == IN_FLIGHT:
                yield self._finished(*running.popleft())
            request = self._request()
            request.start_async([self._full(photos)])
            running.append((request, len(photos)))
        while running:
            yield self._finished(*running.popleft())

    def _finished(self, request: Any, count: int) -> Outputs:
        request.wait()
        return self._outputs(request, count)

    def _request(self) -> Any:
        """One that is idle, or else a new one."""
        with suppress(IndexError):
            return self._idle.pop()
        return self._compiled.create_infer_request()

    def _full(self, photos: Batch) -> Batch:
        """Fill a short batch up: the shape is fixed, which is a fifth faster than a free one."""
        missing = self.batch - len(photos)
        return (
            photos if not missing else np.concatenate([photos, np.zeros_like(photos[:1]).repeat(missing, 0)])
        )

    def _outputs(self, request: Any, count: int) -> Outputs:
        results = [request.get_output_tensor(index).data[:count].copy() for index in range(len(self._names))]
        self._idle.append(request)
        return dict(zip(self._names, results, strict=True))


def stream_soon(engine: Future[Engine], batches: Iterator[Batch]) -> Iterator[Outputs]:
    """As `Engine.stream`, with one that may still be compiled: the first photos are decoded meanwhile."""
    first = next(batches, None)
    if first is not None:
        yield from engine.result().stream(chain([first], batches))
