"""What a page must not do, whatever it is given."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from browser.conftest import Visitor, serve
from browser.visit import Visit, visit
from fieldmark.pretrained import build_pretrained
from fieldmark_widgets.transfer import clean_name
from server.running import RunningServer

NAUGHTY = Path(__file__).parents[1] / "data" / "blns.json"
BATCH = 57


def hostile_names() -> list[str]:
    """171 of the naughty strings: those that could be taken for HTML or code come first."""
    strings: list[str] = json.loads(NAUGHTY.read_text("utf-8"))
    return sorted(strings, key=lambda text: not any(sign in text for sign in "<>&\"'`"))[: 3 * BATCH]


def kernel_of(guest: Visit) -> str:
    config = json.loads(guest.page.locator("#jupyter-config-data").inner_text())
    return str(config["kernelId"])


def is_alive(site: RunningServer, kernel: str) -> bool:
    return httpx.get(f"{site.url}/api/kernels/{kernel}").status_code == 200


def test_171_hostile_names_run_no_script(visitor: Visitor) -> None:
    names = hostile_names()
    assert len(names) == 171
    assert sum("<script" in name.lower() for name in names) > 30
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(buffer, "PNG")
    with visitor() as guest:
        guest.open()
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            guest.drop(*((name, buffer.getvalue()) for name in batch))
            expect(guest.page.locator(".fm-thumb")).to_have_count(BATCH, timeout=20_000)
            guest.wait()
            assert attributes(guest, ".fm-thumb", "title") == [clean_name(name) for name in batch]
            guest.page.locator(".fm-thumb").nth(BATCH // 2).click()
            guest.keep("hostile-names")
            guest.page.get_by_role("button", name="Start again").click()
            guest.wait("empty")
        assert not guest.is_too_wide()


def attributes(guest: Visit, selector: str, name: str) -> list[str]:
    script = "(elements, name) => elements.map((element) => element.getAttribute(name))"
    values: list[str] = guest.page.locator(selector).evaluate_all(script, name)
    return values


def test_hostile_labels_run_no_script(chromium: Browser, cat: bytes, tmp_path: Path) -> None:
    label = '<img src=x onerror=alert(1)><script>alert(2)</script>"><svg onload=alert(3)>'
    cats = ("tabby", "tiger cat", "Persian cat", "Siamese cat", "Egyptian cat")
    build_pretrained({label: cats}, tmp_path / "model.onnx", rest="<b>nothing</b>", title=label)
    with serve(tmp_path / "model.onnx") as server, visit(chromium, server.url) as guest:
        guest.open()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        expect(guest.page.locator(".fm-answer .fm-title")).to_have_text(label)
        guest.keep("hostile-labels")


def test_a_visit_asks_nobody_but_this_server(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open("/")
        guest.page.get_by_role("link", name="Classify photos").click()
        guest.page.locator(".fm-classifier .fm-uploader").wait_for()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        assert len(guest.requested) > 5
        assert guest.troubles == []


def test_a_reload_leaves_no_second_kernel(visitor: Visitor, site: RunningServer) -> None:
    with visitor() as guest:
        guest.open()
        first = kernel_of(guest)
        assert is_alive(site, first)
        guest.page.reload()
        guest.page.locator(".fm-classifier .fm-uploader").wait_for()
        assert kernel_of(guest) != first
        for _ in range(50):
            if not is_alive(site, first):
                return
            guest.page.wait_for_timeout(100)
    pytest.fail("the first kernel lives on")


def test_a_kernel_that_ended_is_told_and_a_click_brings_the_page_back(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open()
        cookies = {cookie.get("name"): cookie.get("value", "") for cookie in guest.page.context.cookies()}
        address = f"{guest.url}/voila/api/shutdown/{kernel_of(guest)}"
        ended = guest.page.request.post(address, headers={"X-XSRFToken": str(cookies["_xsrf"])})
        assert ended.status == 204
        guest.page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(guest.page.get_by_role("alert").filter(has_text="gone to sleep")).to_be_visible()
        guest.keep("asleep")
        guest.page.get_by_role("button", name="Reconnect").click()
        guest.page.locator(".fm-classifier .fm-uploader").wait_for()
        guest.drop(("cat.jpg", cat))
        guest.wait()


def test_a_server_that_stopped_is_told(chromium: Browser, cat_model: Path) -> None:
    with serve(cat_model) as server, visit(chromium, server.url) as guest:
        guest.open()
        server.process.kill()
        server.process.wait()
        guest.page.evaluate("window.dispatchEvent(new Event('focus'))")
        expect(
            guest.page.get_by_role("alert").filter(has_text="connection to the server is lost")
        ).to_be_visible()
