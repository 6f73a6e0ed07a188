"""The classify app for anybody with a link: camera, examples, and a word against an answer; for everybody's hands."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from browser.conftest import Visitor
from browser.visit import DESK, PHONE, Visit, visit
from fieldmark.corrections import CorrectionStore
from server.running import RunningServer, free_port, run

NO_LIVE_CAMERA = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def public_site(cat_model: Path, home: Path) -> Iterator[RunningServer]:
    command = [
        sys.executable,
        "-m",
        "fieldmark",
        "serve",
        "--port",
        str(free_port()),
        "--model",
        str(cat_model),
    ]
    with run(command, FIELDMARK_HOME=str(home)) as server:
        yield server


@pytest.fixture
def visitor(chromium: Browser, public_site: RunningServer) -> Visitor:
    return partial(visit, chromium, public_site.url)


def open_correction(guest: Visit) -> None:
    guest.page.get_by_role("button", name="Is this wrong?").click()


# --- The camera ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_a_photo_from_the_camera_is_answered_and_the_camera_ends(
    size: ViewportSize, visitor: Visitor
) -> None:
    with visitor(size) as guest:
        guest.page.context.grant_permissions(["camera"])
        guest.open()
        guest.page.get_by_role("button", name="Use the camera").click()
        shoot = guest.page.get_by_role("button", name="Take the photo")
        expect(shoot).to_be_enabled()
        expect(shoot).to_be_focused()
        guest.keep(f"camera-{size['width']}")
        assert not guest.is_too_wide()
        guest.check_access("camera")
        guest.page.evaluate("window.track = document.querySelector('video').srcObject.getVideoTracks()[0]")
        shoot.click()
        guest.wait()
        expect(guest.page.locator(".fm-caption .fm-name")).to_contain_text("camera ")
        assert guest.page.evaluate("window.track.readyState") == "ended"
        expect(guest.page.locator("video")).to_be_hidden()


@pytest.mark.parametrize("end", ["button", "Escape"])
def test_the_camera_can_be_stopped_without_a_photo(end: str, visitor: Visitor) -> None:
    with visitor() as guest:
        guest.page.context.grant_permissions(["camera"])
        guest.open()
        guest.page.get_by_role("button", name="Use the camera").click()
        expect(guest.page.get_by_role("button", name="Take the photo")).to_be_enabled()
        guest.page.evaluate("window.track = document.querySelector('video').srcObject.getVideoTracks()[0]")
        if end == "button":
            guest.page.get_by_role("button", name="Stop the camera").click()
        else:
            guest.page.keyboard.press("Escape")
        assert guest.page.evaluate("window.track.readyState") == "ended"
        expect(guest.page.get_by_role("button", name="Use the camera")).to_be_focused()
        expect(guest.page.locator(".fm-classifier.is-empty")).to_be_visible()


def test_a_camera_that_is_not_allowed_gets_a_sentence(visitor: Visitor) -> None:
    with visitor() as guest:
        guest.open()
        guest.page.get_by_role("button", name="Use the camera").click()
        expect(guest.page.locator(".fm-failures")).to_contain_text(
            "The camera is blocked for this page. Allow it"
        )
        expect(guest.page.get_by_role("button", name="Choose photos")).to_be_visible()
        guest.keep("camera-denied")
        guest.check_access("camera denied")


def test_where_no_live_camera_is_given_a_phone_opens_its_own(
    visitor: Visitor, cat: bytes, tmp_path: Path
) -> None:
    (tmp_path / "cat.jpg").write_bytes(cat)
    with visitor(PHONE) as guest:
        guest.page.add_init_script(NO_LIVE_CAMERA)
        guest.open()
        with guest.page.expect_file_chooser() as dialog:
            guest.page.get_by_role("button", name="Use the camera").click()
        dialog.value.set_files(tmp_path / "cat.jpg")
        guest.wait()
    with visitor(DESK) as guest:
        guest.page.add_init_script(NO_LIVE_CAMERA)
        guest.open()
        expect(guest.page.get_by_role("button", name="Use the camera")).to_have_count(0)


# --- A word against an answer -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_a_wrong_answer_is_corrected_with_consent_and_taken_back(
    size: ViewportSize, visitor: Visitor, home: Path, cat: bytes
) -> None:
    store = CorrectionStore(home / "corrections")
    with visitor(size) as guest:
        guest.open()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        open_correction(guest)
        send = guest.page.get_by_role("button", name="Send")
        expect(send).to_be_disabled()
        guest.page.get_by_label("What is it?").select_option("Something else")
        guest.page.get_by_label("Its name").fill("<img src=x onerror=alert(1)> lynx")
        expect(send).to_be_disabled()
        guest.page.get_by_role("checkbox").check()
        guest.keep(f"correct-{size['width']}")
        assert not guest.is_too_wide()
        guest.check_access("correcting")
        send.click()
        expect(guest.page.locator(".fm-corrected-text")).to_contain_text("onerror=alert(1)> lynx”")
        (kept,) = store.list()
        assert (kept.answered, kept.said) == ("cat", "<img src=x onerror=alert(1)> lynx")
        guest.keep(f"corrected-{size['width']}")
        guest.check_access("corrected")
        guest.page.get_by_role("button", name="Take it back").click()
        expect(guest.page.locator(".fm-corrected-text")).to_contain_text("Taken back")
        assert store.list() == []


def test_what_is_being_typed_survives_an_answer_that_is_drawn_anew(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        open_correction(guest)
        guest.page.get_by_label("What is it?").select_option("Something else")
        guest.page.get_by_label("Its name").fill("lyn")
        guest.page.evaluate("document.querySelector('.fm-map-toggle').click()")
        guest.page.keyboard.type("x")
        expect(guest.page.get_by_label("Its name")).to_have_value("lynx")
        guest.page.keyboard.press("Escape")
        expect(guest.page.get_by_role("button", name="Is this wrong?")).to_be_focused()


# --- For everybody ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_start_page_and_in_each_state_of_the_classifier(
    scheme: str, visitor: Visitor, cat: bytes
) -> None:
    with visitor(DESK, scheme) as guest:
        guest.open("/")
        guest.check_access("start")
        guest.open()
        guest.check_access("empty")
        guest.drop(("cat.jpg", cat), ("notes.txt", b"no photo"))
        expect(guest.page.locator(".fm-thumb")).to_have_count(2)
        guest.wait()
        guest.wait_for_map()
        guest.check_access("answered")
        guest.page.locator(".fm-thumb").last.click()
        expect(guest.page.locator(".fm-answer .fm-chip")).to_have_text("Not read")
        guest.check_access("not read")


WIDTHS = (390, 768, 1024, 1920)


def test_no_width_of_a_screen_scrolls_sideways(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open("/")
        for width in WIDTHS:
            guest.page.set_viewport_size({"width": width, "height": 900})
            assert not guest.is_too_wide(), width
        guest.open()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        open_correction(guest)
        for width in WIDTHS:
            guest.page.set_viewport_size({"width": width, "height": 900})
            guest.keep(f"public-{width}")
            assert not guest.is_too_wide(), width


def test_who_wants_less_motion_gets_none(visitor: Visitor, cat: bytes) -> None:
    with visitor() as guest:
        guest.open()
        guest.drop(("cat.jpg", cat))
        guest.wait()
        guest.page.locator(".fm-overlay.is-visible").wait_for()
        assert guest.page.evaluate("document.getAnimations().length") == 0
