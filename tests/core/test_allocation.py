"""Memory that training frees: kept while it lasts, given back after it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems are left alone")

# In a process of its own: in this one, earlier tests may have left the main thread with memory of another kind.
IN_TURNS = """
import resource, threading
import numpy as np
from fieldmark.finetuning.allocation import freed_memory_kept

def fetched():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.full(2**26, 1, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def in_turns():
    usual = fetched()
    with freed_memory_kept():
        fetched()
        kept = fetched()
    print(usual, kept, fetched())
"""
IN_A_THREAD = "t = threading.Thread(target=in_turns); t.start(); t.join()"


def pages_fetched(where: str, **environment: str) -> tuple[int, int, int]:
    """By making and dropping 64 MiB four times: before, while what is freed is kept, and afterwards."""
    said = subprocess.run(
        [sys.executable, "-c", IN_TURNS + where],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    usual, kept, afterwards = map(int, said.stdout.split())
    return usual, kept, afterwards


def test_pages_are_fetched_once_while_a_network_trains_and_as_usual_afterwards() -> None:
    usual, kept, afterwards = pages_fetched("in_turns()")
    assert 2 * kept < usual
    assert afterwards > usual / 2


def test_in_a_thread_that_is_so_where_all_share_one_heap_as_in_the_kernels_of_the_apps() -> None:
    usual, kept, afterwards = pages_fetched(IN_A_THREAD, MALLOC_ARENA_MAX="1")
    assert 2 * kept < usual
    assert afterwards > usual / 2
