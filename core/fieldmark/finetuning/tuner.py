"""The training loop of fine-tuning: a network, its head, and what one batch does to them.

A batch is what one step of the optimiser sees. It is computed in chunks that fit into the caches of a CPU
(half the time of 64 photos at once) or the memory of a GPU, their gradients added up; when memory runs out
the chunks are halved and the step is the same.

It is the same because batch norms keep the mean and variance of ImageNet that the weights came with; their
scale and shift learn. Photos of one task look so much alike that statistics of their own wash out what they
have in common: features by the one and by the other correlate at .3 for bears and .05 for hands, and a head
fitted on the one is lost on the other. After the same five epochs on 640 photos of hands 5 of 160 came out
wrong (9 before); with statistics of chunks of 16, as a network in training mode has them, 47.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - imported lazily itself, only where a network is trained
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: N812, TID253 - as everybody calls it

from fieldmark.errors import FieldmarkError
from fieldmark.finetuning.finetuned import Weights
from fieldmark.finetuning.schedule import Hyper, Precision, cut
from fieldmark.finetuning.torchbackbone import Lite0
from fieldmark.finetuning.trunks import Trunk
from fieldmark.fitting.head import Head
from fieldmark.imaging.batchaugment import Draw, apply_draw
from fieldmark.models.engine import native_precision

CPU_CHUNK = 16
"""Photos computed at once on a CPU: on two cores 22 ms a photo in a step, and up to twice that with 64."""
GPU_CHUNK = 64
SMALLEST_CHUNK = 2
WEIGHT_DECAY, BETA2, EPSILON = 0.01, 0.99, 1e-5
PROBE_STEPS, PROBE_PHOTOS = 5, 4
WORTH_IT = 0.9
"""bfloat16 must take at most this share of the time: it is coarser, and a tie says nothing for it."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from."""

    photos: npt.NDArray[np.uint8]  # (N, side, side, 3)
    targets: npt.NDArray[np.intp]  # (N,)
    weights: npt.NDArray[np.float32]  # (N,), 1 on average
    draw: Draw


class Tuner:
    """Trains a trunk and its head; everything that changes while it does is in here."""

    def __init__(self, weights: Weights, *, size_px: int, pulse: Callable[[], None] = lambda: None) -> None:
        """Begin with a trunk and a fitted head.

        Args:
            size_px: side of the square that the network sees.
            pulse: called many times a second; what it raises ends the work there and then.
        """
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.size_px, self.chunk = size_px, CPU_CHUNK if self.device.type == "cpu" else GPU_CHUNK
        self.precision: Precision = "f32"
        self.arch = weights.arch
        self.net: Lite0 | Trunk = _network(weights).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        classes, dim = weights.head.weight.shape
        self.head = nn.Linear(dim, classes).to(self.device)
        self.load(weights)
        self.net.eval()  # batch norms: see above
        self._named = dict(nn.ModuleDict({"net": self.net, "head": self.head}).named_parameters())
        self.optimiser = _optimiser([*self.net.groups(), list(self.head.parameters())])
        _look_up(self.net, pulse)

    def step(self, batch: Batch, hyper: Hyper) -> float:
        """Learn from one batch.

        Returns:
            The mean loss before the step. Where it is not finite nothing was learned.
        Raises:
            FieldmarkError: `out_of_memory`, even with the smallest chunks.
        """
        loss = with_less_memory(lambda: self._gradients(batch, frozen=hyper.lrs[0] == 0), self)
        if not np.isfinite(loss):
            return loss
        for index, group in enumerate(self.optimiser.param_groups):
            group["lr"], group["betas"] = hyper.lrs[index // 2], (hyper.beta1, BETA2)
        self.optimiser.step()
        return loss

    def load(self, weights: Weights) -> None:
        """Take other weights."""
        self.net.load(weights.trunk)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights.head.weight))
            self.head.bias.copy_(torch.from_numpy(weights.head.bias))

    def weights(self) -> Weights:
        """Give a copy of the weights as they are now."""
        weight, bias = (p.detach().cpu().numpy().copy() for p in (self.head.weight, self.head.bias))
        return Weights(dict(self.net.tensors()), Head(weight, bias), self.arch)

    def memory(self) -> dict[str, npt.NDArray[Any]]:
        """Give what the optimiser remembers, by parameter; empty before the first step."""
        state = self.optimiser.state
        return {
            f"{name}.{key}": value.detach().cpu().numpy().copy()
            for name, parameter in self._named.items()
            for key, value in state.get(parameter, {}).items()
        }

    def remember(self, memory: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take up what `memory` gave."""
        for name, parameter in self._named.items():
            own = {key: memory.get(f"{name}.{key}") for key in ("step", "exp_avg", "exp_avg_sq")}
            found = {key: torch.from_numpy(value.copy()) for key, value in own.items() if value is not None}
            if found:
                self.optimiser.state[parameter] = {
                    key: value if value.dim() == 0 else _laid_out(value.to(self.device))
                    for key, value in found.items()
                }

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Those that this machine may be faster with."""
        return ("f32", "bf16") if self.device.type == "cuda" or native_precision() == "bf16" else ("f32",)

    def probe(self, side: int) -> dict[Precision, float]:
        """Measure seconds a photo of a training step, in each precision there is; nothing is learned."""
        choices = self.precisions
        batch = _blank_batch(PROBE_PHOTOS, side, len(self.head.bias))
        kept = self.precision
        times: dict[Precision, list[float]] = {precision: [] for precision in choices}
        for _ in range(PROBE_STEPS):  # by turns, so that a busy moment meets both
            for precision in choices:
                self.precision = precision
                times[precision].append(self._seconds(batch))
        self.precision = kept
        return {precision: min(taken[1:]) / PROBE_PHOTOS for precision, taken in times.items()}

    def _seconds(self, batch: Batch) -> float:
        started = perf_counter()
        with_less_memory(lambda: self._gradients(batch, frozen=False), self)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return perf_counter() - started

    def _gradients(self, batch: Batch, *, frozen: bool) -> float:
        """Add up the gradients of a batch, chunk by chunk; gives its mean loss."""
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        for chunk in cut(len(batch.targets), self.chunk):
            loss = self._loss(batch, chunk, frozen=frozen)
            loss.backward()
            total += loss.item()
        return total

    def _loss(self, batch: Batch, chunk: slice, *, frozen: bool) -> Tensor:
        photos = torch.from_numpy(batch.photos[chunk]).to(self.device)
        views = _laid_out(self.net.normalise_(apply_draw(photos, batch.draw.rows(chunk), self.size_px)))
        coarse = torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")
        with coarse, torch.set_grad_enabled(not frozen):
            features = self.net(views)
        logits = self.head(features.float())
        losses = F.cross_entropy(
            logits, torch.from_numpy(batch.targets[chunk]).to(self.device), reduction="none"
        )
        weights = torch.from_numpy(batch.weights[chunk]).to(self.device)
        return (losses * weights).sum() / len(batch.targets)


def with_less_memory(work: Callable[[], float], tuner: Tuner) -> float:
    """Do the work, in chunks of half the size each time that memory runs out.

    Raises:
        FieldmarkError: `out_of_memory`, when chunks cannot be smaller.
    """
    while True:
        try:
            return work()
        except (RuntimeError, MemoryError) as exc:
            if not is_out_of_memory(exc):
                raise
            if tuner.chunk <= SMALLEST_CHUNK:
                raise FieldmarkError(
                    f"There is not enough memory to fine-tune, even {SMALLEST_CHUNK} photos at a time. "
                    "Close other programs, choose a smaller image size, or fit without fine-tuning.",
                    code="out_of_memory",
                ) from exc
        tuner.chunk //= 2  # outside of `except`: until then the error holds what it could not fit
        if tuner.device.type == "cuda":
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out: torch has no single class for it on a CPU."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "could not create a memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        w in str(error).lower() for w in words
    )


def faster_precision(seconds: dict[Precision, float]) -> Precision:
    """Choose by what `probe` measured: bfloat16 only where it is clearly faster."""
    return "bf16" if seconds.get("bf16", np.inf) <= WORTH_IT * seconds["f32"] else "f32"


def _optimiser(groups: Sequence[list[nn.Parameter]]) -> torch.optim.AdamW:
    """Two groups for each of ours: weights shrink towards zero, norms and biases do not."""
    settings = [
        {"params": [p for p in group if (p.dim() > 1) == shrinks], "weight_decay": WEIGHT_DECAY * shrinks}
        for group in groups
        for shrinks in (True, False)
    ]
    return torch.optim.AdamW(settings, lr=0.0, betas=(0.95, BETA2), eps=EPSILON, foreach=True)


def _network(weights: Weights) -> Lite0 | Trunk:
    return Trunk(weights.arch, weights.trunk) if weights.arch.library else Lite0(weights.trunk)


def _look_up(net: Lite0 | Trunk, pulse: Callable[[], None]) -> None:
    """Call `pulse` between the network's blocks, on the way there and on the way back."""

    def after(_module: nn.Module, _args: object, output: Tensor) -> None:
        pulse()
        if output.requires_grad:
            output.register_hook(lambda _gradient: pulse())

    for stage in net.stages():
        stage.register_forward_hook(after)


def _laid_out(values: Tensor) -> Tensor:
    """Put the numbers of a convolution in the order that is fastest."""
    return values.contiguous(memory_format=torch.channels_last) if values.dim() == 4 else values


def _blank_batch(n: int, side: int, classes: int) -> Batch:
    still = Draw(
        np.tile(np.eye(3, dtype=np.float32), (n, 1, 1)), np.zeros(n, np.float32), np.ones(n, np.float32)
    )
    photos = np.random.default_rng(0).integers(0, 256, (n, side, side, 3), np.uint8)
    return Batch(photos, np.arange(n, dtype=np.intp) % classes, np.ones(n, np.float32), still)
