"""The journey of somebody with a photo."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from browser.conftest import Visitor, serve
from browser.visit import PHONE, Visit, visit
from fieldmark.pretrained import build_demo


def read_answer(visitor: Visit) -> tuple[str, str, str]:
    """What stands large, the percent of the first bar, the verdict."""
    card = visitor.page.locator(".fm-answer")
    title, percent = card.locator(".fm-title").inner_text(), card.locator(".fm-bars em").first.inner_text()
    return title, percent, card.locator(".fm-chip").inner_text()


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_photo_that_is_added_gets_a_label_a_probability_and_a_verdict(
    event: str, visitor: Visitor, cat: bytes
) -> None:
    with visitor() as guest:
        guest.open()
        guest.drop(("my cat.jpg", cat), event=event)
        guest.wait()
        title, percent, verdict = read_answer(guest)
        assert title == "Cat"
        assert int(re.findall(r"\d+", percent)[0]) >= 60
        assert verdict == "Clear"
        guest.wait_for_map()


def make_png_of_60_megapixels() -> bytes:
    buffer = io.BytesIO()
    Image.new("1", (10_000, 6_000)).save(buffer, "PNG")
    assert len(buffer.getvalue()) < 100_000
    return buffer.getvalue()


def test_what_cannot_be_read_gets_a_sentence_and_the_rest_is_answered(visitor: Visitor, cat: bytes) -> None:
    bad = {
        "notes.txt": (b"Dear diary, today I saw a bear.", "Not an image"),
        "huge.png": (make_png_of_60_megapixels(), "make 60.0 megapixels; a photo may have 50.0"),
        "half.jpg": (cat[: len(cat) // 2], "Cut off"),
    }
    with visitor() as guest:
        guest.open()
        guest.drop(*((name, content) for name, (content, _) in bad.items()))
        guest.wait("failed")
        expect(guest.page.locator(".fm-thumb")).to_have_count(3)
        for place, (_, sentence) in enumerate(bad.values()):
            guest.page.locator(".fm-thumb").nth(place).click()
            expect(guest.page.locator(".fm-answer")).to_contain_text(sentence)
            expect(guest.page.locator(".fm-answer .fm-chip")).to_have_text("Not read")
        guest.keep("failed")
        guest.drop(("cat.jpg", cat))
        guest.wait()
        assert read_answer(guest)[0] == "Cat"


def test_a_photo_that_is_too_large_is_refused_before_it_is_sent(visitor: Visitor) -> None:
    with visitor() as guest:
        guest.open()
        guest.page.evaluate(
            """() => {
              const carried = new DataTransfer();
              carried.items.add(new File([new Uint8Array(31 * 1024 * 1024)], "big.jpg"));
              document.querySelector(".fm-uploader").dispatchEvent(
                new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: carried }));
            }"""
        )
        expect(guest.page.locator(".fm-failures")).to_contain_text(
            "big.jpg: too large, 31 MiB. At most 30 MiB a photo"
        )
        guest.keep("too-large")


def test_the_app_works_at_390_px_by_keyboard_alone(visitor: Visitor, cat: bytes, tmp_path: Path) -> None:
    (tmp_path / "cat.jpg").write_bytes(cat)
    Image.new("RGB", (90, 60), "green").save(tmp_path / "green.png")
    with visitor(PHONE) as guest:
        guest.open()
        press = guest.page.keyboard.press
        focused = guest.page.locator(":focus")

        def tab_to(name: str) -> None:
            for _ in range(20):
                press("Tab")
                if focused.count() and name in (focused.get_attribute("aria-label") or focused.inner_text()):
                    return
            raise AssertionError(f"no way to {name!r} by the tab key")

        tab_to("Choose photos")
        assert focused.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
        with guest.page.expect_file_chooser() as dialog:
            press("Enter")
        dialog.value.set_files([tmp_path / "cat.jpg", tmp_path / "green.png"])
        guest.wait()
        guest.wait_for_map()
        expect(guest.page.locator(".fm-answer .fm-title")).to_be_in_viewport()
        tab_to("Hide where it looked")
        press("Enter")
        expect(guest.page.locator(".fm-overlay.is-visible")).to_have_count(0)
        expect(focused).to_have_text("Show where it looked")
        tab_to("cat.jpg: Cat")
        press("ArrowRight")
        expect(guest.page.locator(".fm-name").first).to_have_text("green.png")
        tab_to("Start again")
        press("Space")
        guest.wait("empty")
        assert not guest.is_too_wide()


def test_on_a_phone_the_answer_to_what_was_added_comes_into_view(visitor: Visitor, cat: bytes) -> None:
    with visitor(PHONE) as guest:
        guest.open()
        guest.drop(("1.jpg", cat), ("2.jpg", cat), ("3.jpg", cat))
        expect(guest.page.locator(".fm-thumb")).to_have_count(3)
        guest.wait()
        assert guest.page.evaluate("window.scrollY") == 0
        guest.page.get_by_role(
            "button", name="Choose photos"
        ).focus()  # further down, so the page scrolls there
        guest.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        guest.drop(("4.jpg", cat))
        expect(guest.page.locator(".fm-name").first).to_have_text("4.jpg")
        expect(guest.page.locator(".fm-answer .fm-title")).to_be_in_viewport()


def test_a_sample_photo_is_one_click_away(visitor: Visitor) -> None:
    with visitor() as guest:
        guest.open()
        guest.page.get_by_role("button", name="Try the sample photo: Cat").click()
        guest.wait()
        assert read_answer(guest)[0] == "Cat"


def test_stop_ends_a_long_batch(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open()
        guest.drop(*((f"{i}.jpg", cat + bytes(200_000)) for i in range(30)))
        guest.page.locator(".fm-stop").click()
        guest.wait()
        expect(guest.page.locator(".fm-sending li")).to_have_count(0)
        assert (
            1 <= guest.page.locator(".fm-thumb").count() < 60 or guest.page.locator(".fm-photo").is_visible()
        )


def test_a_bear_is_named_by_the_demo_model(chromium: Browser, shared_photos: Path, tmp_path: Path) -> None:
    photos = sorted((shared_photos / "bears" / "grizzly").iterdir())[:5]
    build_demo(tmp_path / "bears.onnx")
    with serve(tmp_path / "bears.onnx") as server, visit(chromium, server.url) as guest:
        guest.open()
        guest.drop(*((photo.name, photo.read_bytes()) for photo in photos))
        expect(guest.page.locator(".fm-thumb")).to_have_count(len(photos))
        guest.wait()
        titles = guest.ask(".fm-thumb-title")
        assert titles.count("Grizzly bear") >= 3, titles
        guest.keep("bears")
