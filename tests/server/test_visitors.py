from __future__ import annotations

from fieldmark_server.visitors import Visitors


def test_a_page_that_is_being_opened_takes_a_place() -> None:
    visitors = Visitors(limit=2)
    assert [visitors.enter([]) for _ in range(3)] == [True, True, False]


def test_a_visitor_stays_as_long_as_the_kernel() -> None:
    visitors = Visitors(limit=1)
    assert visitors.enter([])
    visitors.opened("kernel-of-the-first")
    assert not visitors.enter(["kernel-of-the-first"])
    assert visitors.enter([])


def test_kernels_that_are_kept_ready_are_nobodys() -> None:
    assert Visitors(limit=1).enter(["ready-1", "ready-2"])


def test_a_page_that_failed_gives_its_place_back() -> None:
    visitors = Visitors(limit=1)
    assert visitors.enter([])
    visitors.opened(None)
    assert visitors.enter([])
