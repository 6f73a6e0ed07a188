from __future__ import annotations

from fieldmark_widgets import PageBridge
from widgets.messages import receive


def test_the_browser_drives_the_clock() -> None:
    bridge, seen = PageBridge(), []
    bridge.observe(lambda change: seen.append(change["new"]), "tick")
    for _ in range(3):
        receive(bridge, {"kind": "tick"})
    assert seen == [1, 2, 3]


def test_what_no_page_of_ours_says_does_nothing() -> None:
    bridge = PageBridge()
    for message in ({}, {"kind": "tock"}, {"kind": None}):
        receive(bridge, message)
    assert (bridge.tick, bridge.problem) == (0, "")
