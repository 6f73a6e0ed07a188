"""One step of training: with as much memory as there is, and how long it takes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fieldmark.backbones import EFFICIENTNET_LITE0, _read_checkpoint
from fieldmark.errors import FieldmarkError
from fieldmark.finetuning.finetuned import Weights
from fieldmark.finetuning.schedule import Hyper
from fieldmark.finetuning.tuner import Tuner, _blank_batch, faster_precision, is_out_of_memory
from fieldmark.fitting.head import Head

CLASSES = 3


def test_torchs_own_error_is_known_as_no_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**52)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_where_memory_runs_out_chunks_are_halved_and_the_step_is_the_same() -> None:
    """Whatever processor rounds: a first step goes by the signs of gradients, of which some are next to nothing."""
    whole, halved = step_with(fits=64), step_with(fits=5)
    assert (whole.chunk, halved.chunk) == (16, 4)
    before, found, expected = (tuner.weights().tensors("") for tuner in (new_tuner(), halved, whole))
    steps = {name: np.linalg.norm(expected[name] - before[name]) for name in before}
    off = {name: np.linalg.norm(found[name] - expected[name]) for name in before}
    assert [name for name in before if off[name] > steps[name] / 2] == []
    assert np.linalg.norm([*off.values()]) < np.linalg.norm([*steps.values()]) / 20


def test_where_not_even_two_photos_fit_it_says_what_to_do() -> None:
    with pytest.raises(FieldmarkError, match="Close other programs") as caught:
        step_with(fits=1)
    assert caught.value.code == "out_of_memory"


def new_tuner() -> Tuner:
    arch = EFFICIENTNET_LITE0
    weight = np.random.default_rng(0).normal(0, 0.1, (CLASSES, arch.dim)).astype(np.float32)
    head = Head(weight, np.zeros(CLASSES, np.float32))
    return Tuner(Weights(dict(_read_checkpoint(arch)), head), size_px=64)


def step_with(*, fits: int) -> Tuner:
    """One step in a network that asks for more memory than there is when more than `fits` photos come."""
    tuner = new_tuner()

    def demand(_module: object, args: tuple[torch.Tensor]) -> None:
        if len(args[0]) > fits:
            torch.empty(2**52)

    tuner.net.register_forward_pre_hook(demand)
    tuner.step(_blank_batch(16, 82, CLASSES), Hyper((1e-5, 1e-4, 1e-3), 0.9))
    return tuner


def test_the_probe_measures_without_learning() -> None:
    tuner = step_with(fits=64)
    before = tuner.weights().tensors("")
    seconds = tuner.probe(82)
    assert tuple(seconds) == tuner.precisions
    assert min(seconds.values()) > 0
    after = tuner.weights().tensors("")
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert faster_precision({"f32": 1.0, "bf16": 0.8}) == "bf16"
    assert faster_precision({"f32": 1.0, "bf16": 0.95}) == "f32"
    assert faster_precision({"f32": 1.0}) == "f32"
