"""Every state at both ends of the screens there are, light and dark: kept as pictures in var/screenshots."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize, expect

from browser.conftest import Visitor
from browser.visit import DESK, PHONE, Visit

# Shifts that follow what a visitor did are not the page's own.
SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  const add = (list) => list.getEntries().forEach((entry) => { if (!entry.hadRecentInput) sum += entry.value; });
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 300);
})"""


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_no_state_is_wider_than_the_screen(size: ViewportSize, visitor: Visitor, cat: bytes) -> None:
    with visitor(size) as guest:
        for name, bring_about in STATES.items():
            bring_about(guest, cat)
            guest.check_widths(name)


def start(guest: Visit, _cat: bytes) -> None:
    guest.open("/")


def empty(guest: Visit, _cat: bytes) -> None:
    guest.open()


def answered(guest: Visit, cat: bytes) -> None:
    guest.drop(("a cat with a name that is far longer than any screen is wide, and then some.jpg", cat))
    guest.wait()
    guest.wait_for_map()


def several(guest: Visit, cat: bytes) -> None:
    guest.drop(("another cat.jpg", cat), ("notes.txt", b"no photo"), ("half.jpg", cat[:9000]))
    expect(guest.page.locator(".fm-thumb")).to_have_count(4)
    guest.wait()
    expect(guest.page.locator(".fm-thumb img")).to_have_count(2)
    guest.wait_for_map()


def partly_failed(guest: Visit, _cat: bytes) -> None:
    guest.page.locator(".fm-thumb").last.click()
    expect(guest.page.locator(".fm-answer .fm-chip")).to_have_text("Not read")


STATES = {
    "start": start,
    "empty": empty,
    "answered": answered,
    "several": several,
    "partly-failed": partly_failed,
}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_the_page_does_not_jump_while_it_opens(size: ViewportSize, visitor: Visitor) -> None:
    with visitor(size) as guest:
        guest.open()
        assert guest.page.evaluate(SHIFTS) < 0.1


def test_the_switch_between_light_and_dark_is_remembered(visitor: Visitor) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with visitor() as guest:
        guest.open("/")
        light = guest.page.evaluate(ground)
        guest.page.get_by_role("button", name="Switch between light and dark").click()
        dark = guest.page.evaluate(ground)
        assert dark != light
        guest.open()
        assert guest.page.evaluate(ground) == dark
