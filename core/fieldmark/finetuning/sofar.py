"""So far: where a fine-tuning stands that was stopped or killed, by the head of its checkpoint, without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fieldmark.finetuning.checkpoint import read_state

CHECKPOINT = "fine-tune.safetensors"


@dataclass(frozen=True)
class SoFar:
    """Epochs that are on the disk."""

    done: int
    """Whole epochs."""
    best: int
    """The one with the lowest loss on held-out photos, from 1; 0 says that none was better than the fit."""
    epochs: int
    """In all, when it is done."""


def read_so_far(workdir: Path) -> SoFar | None:
    """Give where the fine-tuning in a folder stands; None where there is none.

    Raises:
        StoreError: `bad_checkpoint`, as `load_checkpoint`.
    """
    state = read_state(workdir / CHECKPOINT)
    return SoFar(len(state["history"]), state["best"], state["epochs"]) if state is not None else None
