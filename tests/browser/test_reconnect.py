"""A page whose kernel has gone says so, and one click brings back what was there; nobody else sees it."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from browser.conftest import Visitor
from browser.visit import Visit, visit
from server.running import RunningServer

KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
END_KERNEL = """async () => {
  const xsrf = document.cookie.match(/_xsrf=([^;]+)/)[1];
  await fetch(`/voila/api/shutdown/${%s}`, { method: "POST", headers: { "X-XSRFToken": xsrf } });
  window.dispatchEvent(new Event("focus"));
}"""


def names(guest: Visit) -> list[str]:
    shown: list[str] = guest.page.locator(".fm-classifier .fm-caption .fm-name").all_inner_texts()
    return shown


def test_one_click_brings_the_photos_back_and_another_browser_sees_nothing(
    chromium: Browser, site: RunningServer, visitor: Visitor, cat: bytes
) -> None:
    with visitor() as guest:
        guest.open()
        guest.drop(("first.jpg", cat), ("second.jpg", cat))
        guest.wait()
        address = guest.page.url
        assert re.search(r"[?&]session=[0-9a-f]{32}$", address)
        before = guest.page.evaluate(KERNEL)

        guest.page.evaluate(END_KERNEL % KERNEL)
        banner = guest.page.locator("#banner")
        expect(banner).to_contain_text("gone to sleep")
        guest.keep("reconnect")
        banner.get_by_role("button", name="Reconnect").click()
        guest.wait()
        assert guest.page.evaluate(KERNEL) != before
        assert guest.page.url == address
        expect(guest.page.locator(".fm-classifier .fm-strip button")).to_have_count(2)
        expect(guest.page.locator(".fm-answer .fm-title")).to_have_text("Cat")

        with visit(chromium, site.url) as other:  # who got hold of the address
            other.page.goto(address)
            other.page.locator(".fm-classifier.is-empty .fm-uploader").wait_for()
            other.page.wait_for_timeout(1000)
            assert names(other) == [""] or names(other) == []
            assert other.page.locator(".fm-classifier.is-empty").count() == 1

        guest.page.locator(".fm-clear").click()
        guest.wait("empty")
        guest.page.reload()
        guest.page.locator(".fm-classifier .fm-uploader").wait_for()
        guest.page.wait_for_timeout(1000)
        assert guest.page.locator(".fm-classifier.is-empty").count() == 1
