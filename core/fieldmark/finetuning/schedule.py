"""The learning rates of fine-tuning, step by step: the fastai book's `fine_tune`, as plain numbers.

Two phases, each one cycle (Smith 2018, arXiv 1803.09820; cosine form as in fastai). First the trunk is
frozen and only the head learns; then everything does, at half the rate, early layers a hundredth of the
head's: what they know of edges and fur is right for any photo.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal

FINAL_DIV = 1e5
"""A cycle ends at its highest rate divided by this."""
BETA1 = (0.95, 0.85, 0.95)
"""Momentum at the start, at the highest rate and at the end: high where the rate is low."""
UNFROZEN_COST = 3
"""About how many times an epoch in which everything learns takes what a frozen one does."""
EARLY, LATE, HEAD = 1e-2, 1e-1, 1.0
"""Rates of early layers, late layers and head as shares of the highest one."""

Precision = Literal["f32", "bf16"]


@dataclass(frozen=True)
class Phase:
    """Some epochs that make one cycle."""

    epochs: int
    lr: float
    """The head's highest rate."""
    frozen: bool
    """Whether only the head learns."""
    pct_start: float
    """Share of the cycle in which the rate rises, in (0, 1)."""
    div: float
    """The cycle starts at the highest rate divided by this."""

    def hyper(self, pct: float) -> Hyper:
        """Give the numbers of the step at `pct` of the phase, 0 … 1."""
        lr = one_cycle(pct, self.pct_start, self.lr / self.div, self.lr, self.lr / FINAL_DIV)
        beta1 = one_cycle(pct, self.pct_start, *BETA1)
        return Hyper((0.0, 0.0, lr) if self.frozen else (EARLY * lr, LATE * lr, HEAD * lr), beta1)


@dataclass(frozen=True)
class Hyper:
    """What the optimiser is set to for one step."""

    lrs: tuple[float, float, float]
    """Early layers, late layers, head; 0 does not learn."""
    beta1: float


@dataclass(frozen=True)
class FineTuneConfig:
    """How to fine-tune."""

    epochs: int = 4
    """Passes over the training photos in which everything learns, after the frozen ones."""
    frozen_epochs: int = 1
    """Passes in which only the head does."""
    batch_size: int = 64
    """Photos a step; batches are equal parts of what there is, so none is left out and none is one photo."""
    lr: float = 2e-3
    """Highest learning rate of the head while the trunk is frozen; half of it afterwards."""
    patience: int | None = None
    """Stop after so many epochs without a lower loss on held-out photos; None goes through."""
    precision: Literal["auto", "f32", "bf16"] = "auto"
    """`auto` takes bfloat16 where ten steps say that it is faster here."""
    seed: int = 42
    """Orders the photos and draws their views."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if min(self.epochs, self.frozen_epochs) < 0 or self.all_epochs == 0:
            raise ValueError(f"{self.frozen_epochs} + {self.epochs} epochs; expected at least one in all")
        if self.batch_size < 2:
            raise ValueError(f"batch_size is {self.batch_size}; it must be at least 2")
        if not 0 < self.lr < 1:
            raise ValueError(f"lr is {self.lr}; it must lie between 0 and 1")
        if self.patience is not None and self.patience < 1:
            raise ValueError(f"patience is {self.patience}; expected at least one epoch, or None")

    @property
    def all_epochs(self) -> int:
        """Frozen and unfrozen."""
        return self.epochs + self.frozen_epochs

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The recipe as phases."""
        return fine_tune_phases(self.epochs, frozen_epochs=self.frozen_epochs, lr=self.lr)


def fine_tune_phases(epochs: int, *, frozen_epochs: int = 1, lr: float = 2e-3) -> tuple[Phase, ...]:
    """Lay out the recipe: `frozen_epochs` at `lr`, then `epochs` of everything at half of it."""
    phases = (
        Phase(frozen_epochs, lr, frozen=True, pct_start=0.99, div=25.0),
        Phase(epochs, lr / 2, frozen=False, pct_start=0.3, div=5.0),
    )
    return tuple(phase for phase in phases if phase.epochs)


def phase_at(phases: tuple[Phase, ...], epoch: int) -> tuple[Phase, float]:
    """Give the phase of an epoch (from 0), and how far through the phase that epoch begins, 0 … 1."""
    for phase in phases:
        if epoch < phase.epochs:
            return phase, epoch / phase.epochs
        epoch -= phase.epochs
    raise ValueError(f"epoch {epoch} lies {epoch} epochs behind the last one")


def one_cycle(pct: float, pct_start: float, start: float, top: float, end: float) -> float:
    """Go from `start` to `top` until `pct_start`, then to `end`, each along half a cosine."""
    if pct < pct_start:
        return _cosine(pct / pct_start, start, top)
    return _cosine((pct - pct_start) / (1 - pct_start), top, end)


def _cosine(pct: float, start: float, end: float) -> float:
    return start + (1 - cos(pi * pct)) * (end - start) / 2


def cut(n: int, size: int) -> list[slice]:
    """Cut `n` photos into equal batches of at most `size`: none is left out, and none is one photo alone."""
    parts = max(1, min(-(-n // size), n // 2))
    edges = [n * part // parts for part in range(parts + 1)]
    return list(map(slice, edges, edges[1:]))
