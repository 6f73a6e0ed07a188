"""Somebody without photos: collects three classes from an open source, stops, goes on, trains."""

from __future__ import annotations

import csv
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.visit import DESK, PHONE, Visit, visit
from core.photosource import PhotoSource, photo_source, sample_offers
from fieldmark.catalog import Catalog
from fieldmark.sources.sample import write_sample
from server.running import RunningServer, free_port, run


@pytest.fixture(scope="module")
def source() -> Iterator[PhotoSource]:
    with photo_source(sample_offers(), latency_s=0.03) as server:
        yield server


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def studio(chromium: Browser, home: Path, source: PhotoSource, cat_model: Path) -> Iterator[RunningServer]:
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
    with run(
        command, FIELDMARK_HOME=str(home), FIELDMARK_OPENVERSE_URL=f"{source.url}/openverse/v1"
    ) as server:
        yield server


def open_studio(guest: Visit) -> Page:
    guest.open("/studio")
    guest.page.locator(".fm-studio").wait_for(timeout=60_000)
    photos = guest.page.locator("[data-step=photos]")  # a reload goes on at the step where somebody stopped
    if photos.get_attribute("aria-current") is None:
        photos.click()
    guest.page.locator(".fm-collector").wait_for(timeout=60_000)
    return guest.page


def test_three_classes_are_collected_stopped_gone_on_with_and_learned(
    chromium: Browser, studio: RunningServer, home: Path, source: PhotoSource
) -> None:
    there = set((home / "datasets").iterdir()) if (home / "datasets").is_dir() else set()
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        if there:  # tried again
            page.get_by_role("button", name="New dataset").click()
        else:
            expect(page.get_by_label("What to look for, no. 1")).to_have_value("grizzly bear")
        guest.keep("collector-empty")
        for number, term in enumerate(("brick", "grass", "gravel"), 1):
            page.get_by_label(f"What to look for, no. {number}").fill(term)
        page.get_by_label("Photos of each").fill("40")
        source.gives = 60  # of 120: however slow this machine is, not all have come when it is stopped
        page.get_by_role("button", name="Collect", exact=True).click()
        expect(page.locator(".fm-collector-latest .fm-cell").first).to_be_visible(timeout=60_000)
        guest.keep("collector-busy")
        page.locator(".fm-collector").get_by_role("button", name="Cancel").click()
        expect(page.locator(".fm-collector-result")).to_contain_text("Stopped.", timeout=30_000)
        source.gives = math.inf
        (dataset,) = set((home / "datasets").iterdir()) - there
        stopped = {str(photo.source) for photo in Catalog.open(dataset, write=False).photos()}
        assert 0 < len(stopped) < 120
        before = source.asked.copy()

        page.get_by_role("button", name="Go on").click()
        result = page.locator(".fm-collector-result")
        expect(result).to_contain_text("photos collected", timeout=90_000)
        expect(result).to_contain_text("40 of 40")
        guest.keep("collector-done")
        catalog = Catalog.open(dataset, write=False)
        assert catalog.counts() == {"brick": 40, "grass": 40, "gravel": 40}
        assert [
            url for url in stopped if source.asked[path := url.removeprefix(source.url)] > before[path]
        ] == []
        with (dataset / "CREDITS.csv").open(encoding="utf-8-sig", newline="") as file:
            credited = {row["path"]: row for row in csv.DictReader(file)}
        assert credited.keys() == {photo.path for photo in catalog.photos()}
        assert all(row["author"] and row["licence_text"] and row["page"] for row in credited.values())

        page.locator("[data-step=train]").click()
        page.locator(".fm-trainer-go").click()  # not the step of that name, which is there before it
        expect(page.locator(".fm-trainer-headline")).to_have_text(
            re.compile(r"\d+ of \d+ photos wrong"), timeout=90_000
        )


def test_a_visitors_collecting_reaches_nothing_private_on_a_server_for_others(
    chromium: Browser, source: PhotoSource, cat_model: Path, tmp_path: Path
) -> None:
    port = str(free_port())
    command = [
        sys.executable,
        "-m",
        "fieldmark",
        "serve",
        "--host",
        "0.0.0.0",
        "--port",
        port,
        "--studio",
        "--model",
        str(cat_model),
    ]
    allowed = {"FIELDMARK_COLLECT": "on", "FIELDMARK_OPENVERSE_URL": f"{source.url}/openverse/v1"}
    with run(command, FIELDMARK_HOME=str(tmp_path), **allowed) as server:
        asked = sum(source.asked.values())
        with visit(chromium, f"http://127.0.0.1:{port}", DESK) as guest:
            page = open_studio(guest)
            page.get_by_role("button", name="Collect", exact=True).click()
            expect(page.get_by_role("alert").filter(has_text="leads to")).to_contain_text(
                "leads to a private network", timeout=60_000
            )
            assert page.get_by_role("button", name="Try the sample instead").is_visible()
        assert sum(source.asked.values()) == asked
        assert server.process.poll() is None


def test_the_collector_fits_a_phone_in_the_dark(chromium: Browser, studio: RunningServer) -> None:
    with visit(chromium, studio.url, PHONE, "dark") as guest:
        page = open_studio(guest)
        expect(page.locator(".fm-collector .fm-importer-title")).to_be_visible()
        guest.keep("collector-phone")
        assert not guest.is_too_wide()


def test_photos_without_labels_are_labelled_by_keys_and_the_model_helps(
    chromium: Browser, studio: RunningServer, home: Path, tmp_path: Path
) -> None:
    sample = write_sample(tmp_path / "stones", mislabelled=False) / "train"
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        if page.get_by_role("button", name="New dataset").is_visible():
            page.get_by_role("button", name="New dataset").click()
        importer = page.locator(".fm-importer-source", has_text="Which photos do you want to tell apart?")
        importer.get_by_label("Folder, zip or CSV").fill(str(sample))
        importer.get_by_text("Labels, name, a sealed test").click()
        importer.get_by_label("nowhere: take all without a label").check()
        importer.get_by_role("button", name="Import", exact=True).click()
        page.get_by_role("button", name="Label them").click(timeout=60_000)
        labeller, target = page.locator(".fm-labeller"), page.locator(".fm-labeller .fm-cleaner-target")
        expect(labeller.locator(".fm-cleaner-headline")).to_have_text(
            "120 photos wait for a label", timeout=60_000
        )
        expect(labeller).to_have_class(re.compile("is-ready"), timeout=60_000)
        guest.keep("labeller-first")
        labeller.locator(".fm-cleaner-photos .fm-grid").focus()
        known: list[str] = []
        for left in range(119, 99, -1):
            (said,) = re.findall(r"(brick|grass|gravel)-", target.inner_text())
            if said in known:
                page.keyboard.press(str(known.index(said) + 1))
            else:
                page.keyboard.press("/")
                page.keyboard.type(said)
                page.keyboard.press("Enter")
                known.append(said)
            expect(labeller.locator(".fm-cleaner-headline")).to_have_text(f"{left} photos wait for a label")
        expect(target).to_contain_text("Probably", timeout=60_000)
        guest.keep("labeller-suggests")
        labeller.locator(".fm-cleaner-photos .fm-grid").focus()
        page.keyboard.press("Enter")
        expect(labeller.locator(".fm-cleaner-headline")).to_have_text("99 photos wait for a label")

        page.reload()
        expect(labeller.locator(".fm-cleaner-headline")).to_have_text(
            "99 photos wait for a label", timeout=60_000
        )
        labeller.get_by_role("button", name="Apply").click()
        expect(page.locator(".fm-picker")).to_contain_text("99 without a label", timeout=60_000)
        (dataset,) = [
            path for path in (home / "datasets").iterdir() if Catalog.open(path, write=False).n_unlabelled()
        ]
        photos = Catalog.open(dataset, write=False).photos()
        assert len(photos) == 21
        assert all(Path(photo.path).name.startswith(photo.label) for photo in photos[:5])
    with visit(chromium, studio.url, PHONE, "dark") as guest:
        guest.open("/studio")
        guest.page.locator(".fm-labeller.is-ready").wait_for(timeout=60_000)
        guest.keep("labeller-phone")
        assert not guest.is_too_wide()


def test_a_button_held_before_a_camera_fills_a_class(
    chromium: Browser, studio: RunningServer, home: Path
) -> None:
    there = set((home / "datasets").iterdir()) if (home / "datasets").is_dir() else set()
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        if page.get_by_role("button", name="New dataset").is_visible():
            page.get_by_role("button", name="New dataset").click()
        recorder = page.locator(".fm-recorder")
        recorder.locator("summary").click()
        recorder.get_by_role("button", name="Use the camera").click()
        expect(recorder.locator(".fm-failure")).to_contain_text(["The camera is blocked for this page"])
        page.context.grant_permissions(["camera"])
        recorder.get_by_role("button", name="Use the camera").click()
        expect(recorder.get_by_role("button", name="Stop the camera")).to_be_visible()
        recorder.get_by_label("Class no. 1").fill("mug")
        recorder.get_by_label("Class no. 2").fill("cup")
        cards = recorder.locator(".fm-recorder-class")
        hold = cards.nth(0).locator(".fm-recorder-hold")
        hold.hover()
        page.mouse.down()
        expect(cards.nth(0)).to_contain_text(re.compile(r"Recording: ([4-9]|\d\d)"), timeout=30_000)
        guest.keep("recorder")
        page.mouse.up()
        expect(cards.nth(0)).to_contain_text("1 recording", timeout=30_000)
        cards.nth(1).locator(".fm-recorder-hold").focus()
        page.keyboard.down("Space")
        expect(cards.nth(1)).to_contain_text(re.compile(r"Recording: ([3-9]|\d\d)"), timeout=30_000)
        page.keyboard.up("Space")
        expect(recorder.locator(".fm-recorder-advice")).to_contain_text(
            "“cup”, “mug” once more", timeout=30_000
        )
        (dataset,) = set((home / "datasets").iterdir()) - there
        counts = Catalog.open(dataset, write=False).counts()
        assert counts.keys() == {"cup", "mug"}
        assert min(counts.values()) >= 2
        page.evaluate(KEEP_TRACK)
        recorder.locator("summary").click()  # closed: no light stays on
        page.wait_for_function(IS_OVER)
        guest.page.set_viewport_size(PHONE)
        recorder.locator("summary").click()
        guest.keep("recorder-phone")
        assert not guest.is_too_wide()


def test_taps_right_behind_each_other_take_a_photo_each_and_start_the_camera_where_it_went_off(
    chromium: Browser, studio: RunningServer, home: Path
) -> None:
    there = set((home / "datasets").iterdir()) if (home / "datasets").is_dir() else set()
    with visit(chromium, studio.url, DESK) as guest:
        guest.page.context.grant_permissions(["camera"])
        page = open_studio(guest)
        if page.get_by_role("button", name="New dataset").is_visible():
            page.get_by_role("button", name="New dataset").click()
        recorder = page.locator(".fm-recorder")
        recorder.locator("summary").click()
        holds = recorder.locator(".fm-recorder-hold")
        for number, label in enumerate(("mug", "cup")):
            recorder.get_by_label(f"Class no. {number + 1}").fill(label)
        cards = recorder.locator(".fm-recorder-class")
        holds.nth(0).focus()
        page.keyboard.down("Space")  # the camera is off: it starts, and what is held is recorded as it gives
        expect(cards.nth(0)).to_contain_text(re.compile(r"Recording: \d"), timeout=30_000)
        page.keyboard.up("Space")
        for number in (1, 0, 1):
            holds.nth(number).press("Space")
        expect(cards.nth(1)).to_contain_text("2 recordings", timeout=60_000)  # a slow tap takes some photos
        expect(cards.nth(0)).to_contain_text("2 recordings", timeout=60_000)
        (dataset,) = set((home / "datasets").iterdir()) - there  # not one of each
        assert Catalog.open(dataset, write=False).counts().keys() == {"cup", "mug"}

        recorder.locator("summary").click()
        recorder.locator("summary").click()
        recorder.get_by_role("button", name="Use the camera").click()
        page.wait_for_function("document.querySelector('.fm-recorder video').srcObject")
        page.evaluate(KEEP_TRACK)
        page.evaluate(LEAVE_TAB)
        assert page.evaluate(IS_OVER)  # opened again, it still ends in a tab that nobody looks at
        expect(recorder.get_by_role("button", name="Use the camera")).to_be_visible()


KEEP_TRACK = "window.track = document.querySelector('.fm-recorder video').srcObject.getVideoTracks()[0]"
IS_OVER = "window.track.readyState === 'ended'"
LEAVE_TAB = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
