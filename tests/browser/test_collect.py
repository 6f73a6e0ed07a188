"""Somebody without photos: collects three classes from an open source, stops, goes on, trains."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.visit import DESK, PHONE, Visit, visit
from core.photosource import PhotoSource, photo_source, sample_offers
from fieldmark.catalog import Catalog
from server.running import RunningServer, free_port, run


@pytest.fixture(scope="module")
def source() -> Iterator[PhotoSource]:
    with photo_source(sample_offers(), latency_s=0.15) as server:
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
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        first = page.get_by_label("What to look for, no. 1")
        expect(first).to_have_value("grizzly bear")
        guest.keep("collector-empty")
        for number, term in enumerate(("brick", "grass", "gravel"), 1):
            page.get_by_label(f"What to look for, no. {number}").fill(term)
        page.get_by_label("Photos of each").fill("40")
        page.get_by_role("button", name="Collect", exact=True).click()
        expect(page.locator(".fm-collector-latest .fm-cell").first).to_be_visible(timeout=60_000)
        guest.keep("collector-busy")
        page.locator(".fm-collector").get_by_role("button", name="Cancel").click()
        expect(page.locator(".fm-collector-result")).to_contain_text("Stopped.", timeout=30_000)
        (dataset,) = (home / "datasets").iterdir()
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
        page.get_by_role("button", name="Train", exact=True).last.click()
        expect(page.locator(".fm-trainer-headline")).to_have_text(
            re.compile(r"\d+ of \d+ photos wrong"), timeout=90_000
        )


def test_the_collector_fits_a_phone_in_the_dark(chromium: Browser, studio: RunningServer) -> None:
    with visit(chromium, studio.url, PHONE, "dark") as guest:
        page = open_studio(guest)
        expect(page.locator(".fm-collector .fm-importer-title")).to_be_visible()
        guest.keep("collector-phone")
        assert not guest.is_too_wide()
