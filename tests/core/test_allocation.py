"""Memory that training frees: kept while it lasts, given back after it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fieldmark.finetuning.allocation import freed_memory_kept

resource = pytest.importorskip("resource")


def pages_fetched() -> int:
    """By making and dropping 64 MiB four times."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.full(2**26, 1, np.uint8)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt) - before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are left alone")
def test_pages_are_fetched_once_while_a_network_trains_and_as_usual_afterwards() -> None:
    usual = pages_fetched()
    with freed_memory_kept():
        pages_fetched()
        assert 2 * pages_fetched() < usual
    assert pages_fetched() > usual / 2
