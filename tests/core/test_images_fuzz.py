"""Damaged photos of every kind: whatever happens to the bytes, a photo or a reason comes out."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from badinputs.mutations import fuzz, mutated
from badinputs.seeds import seed, seed_names
from fieldmark.images import REASONS

EXECUTIONS = 102_000
BATCH = 3_000


@pytest.mark.timeout(600)
def test_of_100_000_damaged_photos_none_escapes() -> None:
    """In processes of their own, so that a crash of a decoder is a failure too and not the end."""
    batches = [range(start, start + BATCH) for start in range(0, EXECUTIONS, BATCH)]
    outcomes: Counter[str] = Counter()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        for counted in pool.map(fuzz, batches):
            outcomes += counted
    assert outcomes.total() == EXECUTIONS >= 100_000
    assert set(outcomes) <= {"accepted", *REASONS}
    assert outcomes["accepted"] > EXECUTIONS / 10, "most damage must get past the header to be worth it"


def test_the_damage_is_the_same_every_time() -> None:
    assert [mutated(number) for number in range(200)] == [mutated(number) for number in range(200)]


def test_every_kind_is_damaged() -> None:
    names = seed_names()
    assert {mutated(number)[0] for number in range(len(names))} == set(names)
    assert sum(mutated(number)[1] != seed(mutated(number)[0]) for number in range(500)) > 480
