"""Results and cleaner in a real browser: planted wrong labels are found and mended, and nothing on the way loses one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser.visit import DESK, PHONE, Visit, visit
from fieldmark.catalog import Catalog
from fieldmark.catalog.schema import FILE_NAME, HIDDEN
from fieldmark.importing import import_photos
from fieldmark.project import Project
from fieldmark.sources.sample import CLASSES, MISLABELLED, write_sample
from server.running import RunningServer, children_of, free_port, run

DATASETS = ("keys", "tabs", "killed", "access")
GRID = ".fm-cleaner-photos .fm-grid"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample with its five wrong labels, trained, once for each test."""
    home = tmp_path_factory.mktemp("home")
    first = home / "datasets" / DATASETS[0]
    import_photos(write_sample(home / "photos"), first, who="teacher")
    Project.open(first).fit()
    for name in DATASETS[1:]:
        shutil.copytree(first, home / "datasets" / name)
    return home


@pytest.fixture(scope="module")
def studio(chromium: Browser, home: Path, cat_model: Path) -> Iterator[RunningServer]:
    (home / "models").mkdir()
    shutil.copy(cat_model, home / "models" / "bears.onnx")
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
    with run(command, FIELDMARK_HOME=str(home)) as server:
        yield server


def open_step(guest: Visit, home: Path, dataset: str, step: str) -> Page:
    """Open a dataset at a step, ready to be used; the studio opens the one that was changed last."""
    page = guest.page
    os.utime(home / "datasets" / dataset / HIDDEN / FILE_NAME)
    guest.open("/studio")
    expect(page.locator(".fm-picker select")).to_have_value(dataset, timeout=60_000)
    page.locator(f"[data-step={step}]").click()
    ready = ".fm-cleaner.is-ready" if step == "clean" else ".fm-results.is-ready"
    page.locator(ready).wait_for(timeout=60_000)
    return page


def open_cleaner(guest: Visit, home: Path, dataset: str) -> Locator:
    page = open_step(guest, home, dataset, "clean")
    page.locator(".fm-cleaner-photos .fm-cell img").first.wait_for()
    page.locator(GRID).focus()
    return page.locator(".fm-cleaner")


def decisions(home: Path, dataset: str) -> dict[str, str]:
    """What waits: the photo's name to the label, or to what is done with it."""
    catalog = Catalog.open(home / "datasets" / dataset, write=False)
    names = {photo.id: Path(photo.original_name).name for photo in catalog.photos()}
    return {names[s.photo_id]: s.decision.to or s.decision.kind for s in catalog.staged()}


def is_right(name: str, label: str) -> bool:
    """The sample's names tell what they show."""
    return name.startswith(f"{label}-")


def another_class(cleaner: Locator) -> str:
    """A class that the photo with the focus does not have."""
    given = cleaner.locator(".fm-cleaner-target b").inner_text()
    return next(label for label in CLASSES if not given.startswith(label))


def test_planted_wrong_labels_are_found_and_mended_with_keys_alone(
    chromium: Browser, studio: RunningServer, home: Path
) -> None:
    with visit(chromium, studio.url, DESK) as guest:
        cleaner, keys = open_cleaner(guest, home, "keys"), guest.page.keyboard
        expect(cleaner.locator(".fm-cleaner-headline")).to_contain_text("photos to look at")

        keys.press("Space")  # large, with what is known of it
        whole = guest.page.locator(".fm-cleaner-photos .fm-whole")
        expect(whole.locator(".fm-closeup-title")).to_contain_text("The model says")
        expect(whole.locator(".fm-closeup-bars li")).to_have_count(3)
        expect(whole.locator(".fm-closeup-near img")).to_have_count(6)
        keys.press("m")
        expect(whole.locator(".fm-whole-map")).to_be_visible()
        keys.press("a")  # and decided about there
        expect(whole.locator(".fm-whole-position")).to_have_text("2 of 168")
        keys.press("Space")

        for _ in range(len(MISLABELLED) - 1):
            keys.press("a")
        expect(cleaner).to_contain_text(f"Staged: {len(MISLABELLED)} relabel")
        staged = decisions(home, "keys")
        assert sum(is_right(name, label) for name, label in staged.items()) >= len(MISLABELLED) - 1

        other = another_class(cleaner)
        keys.press("/")
        keys.type(other[:3])
        expect(guest.page.locator(".fm-cleaner-names [aria-selected=true]")).to_have_text(other)
        keys.press("Enter")
        expect(cleaner).to_contain_text(f"Staged: {len(MISLABELLED) + 1} relabel")
        keys.press("d")
        expect(cleaner).to_contain_text("1 delete")
        keys.press(str(1 + CLASSES.index(another_class(cleaner))))
        expect(cleaner).to_contain_text(f"Staged: {len(MISLABELLED) + 2} relabel, 1 delete")
        keys.press("u")
        expect(cleaner).to_contain_text("1 unsure")
        for _ in range(4):
            keys.press("z")
        expect(cleaner).to_contain_text(f"Staged: {len(MISLABELLED)} relabel")
        assert decisions(home, "keys") == staged

        keys.press("End")
        keys.press("Shift+ArrowLeft")
        keys.press("Shift+ArrowLeft")
        expect(cleaner.locator(".fm-grid-chosen:visible").first).to_contain_text("3 photos chosen")
        keys.press("Enter")
        expect(cleaner).to_contain_text("3 keep")
        keys.press("Control+a")
        expect(cleaner.locator(".fm-grid-chosen:visible").first).to_contain_text("168 photos chosen")
        keys.press("Escape")

        keys.press("?")
        expect(guest.page.get_by_role("dialog", name="Keys")).to_be_visible()
        keys.press("?")
        expect(guest.page.get_by_role("dialog", name="Keys")).to_be_hidden()

        cleaner.get_by_role("button", name="Apply").focus()
        keys.press("Enter")
        expect(cleaner).to_contain_text(f"Done: {len(MISLABELLED)} relabelled, 3 kept")
        photos = Catalog.open(home / "datasets" / "keys", write=False).photos()
        wrong = [p for p in photos if not is_right(Path(p.original_name).name, p.label)]
        assert len(wrong) <= 1
        guest.keep("cleaner-applied")


def test_two_tabs_see_each_others_decisions(chromium: Browser, studio: RunningServer, home: Path) -> None:
    with visit(chromium, studio.url, DESK) as first, visit(chromium, studio.url, DESK) as second:
        one, other = open_cleaner(first, home, "tabs"), open_cleaner(second, home, "tabs")
        first.page.keyboard.press("d")
        tag = ".fm-cleaner-photos .fm-cell .fm-tag-delete:visible"
        expect(one.locator(tag)).to_have_count(1)
        expect(other.locator(tag)).to_have_count(1, timeout=15_000)  # without doing anything
        expect(other.locator(".fm-cleaner-target")).to_contain_text("decided by")
        second.page.keyboard.press("Enter")  # otherwise, and it knows
        expect(one.locator(".fm-cleaner-photos .fm-cell .fm-tag-keep:visible")).to_have_count(
            1, timeout=15_000
        )
        assert list(decisions(home, "tabs").values()) == ["keep"]


def test_a_reload_and_a_killed_kernel_in_the_middle_lose_no_decision(
    chromium: Browser, studio: RunningServer, home: Path
) -> None:
    with visit(chromium, studio.url, DESK) as guest:
        cleaner = open_cleaner(guest, home, "killed")
        for key in ("a", "a", "d"):
            guest.page.keyboard.press(key)
        expect(cleaner).to_contain_text("Staged: 2 relabel, 1 delete")
        before = decisions(home, "killed")
        guest.page.reload()
        expect(open_cleaner(guest, home, "killed")).to_contain_text("Staged: 2 relabel, 1 delete")
        guest.page.keyboard.press("a")
        expect(guest.page.locator(".fm-cleaner")).to_contain_text("Staged: 3 relabel, 1 delete")
        kill_kernels(studio)
        guest.page.keyboard.press("d")  # nobody hears it
        cleaner = open_cleaner(guest, home, "killed")
        expect(cleaner).to_contain_text("Staged: 3 relabel, 1 delete")
        assert before.items() <= decisions(home, "killed").items()
        guest.page.keyboard.press("z")  # a new kernel still takes one's own latest back
        expect(cleaner).to_contain_text("Staged: 2 relabel, 1 delete")


def kill_kernels(server: RunningServer) -> None:
    """Kill -9 every kernel of the server, and nothing else."""
    for kernel in children_of(server.process.pid, "ipykernel"):
        kernel.kill()


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["1280", "390-dark"])
def test_axe_finds_nothing_in_any_state_of_results_and_cleaner(
    chromium: Browser, studio: RunningServer, home: Path, size: dict[str, int], scheme: str
) -> None:
    with visit(chromium, studio.url, size, scheme) as guest:  # type: ignore[arg-type]
        page = open_step(guest, home, "access", "results")
        page.locator(".fm-results .fm-cell img").first.wait_for()
        for tab in page.locator(".fm-results-tab").all():
            tab.click()
            check_access(guest, f"results-{tab.get_attribute('data-tab')}-{size['width']}")
        page.locator("[data-tab=classes]").click()
        page.locator(".fm-mark-of").first.click()
        expect(page.locator(".fm-results-photos > div > h3")).to_have_text("Photos of brick")
        check_access(guest, f"results-chosen-{size['width']}")

        open_cleaner(guest, home, "access")
        check_access(guest, f"cleaner-{size['width']}")
        for name, key, closing in (
            ("whole", "Space", "Space"),
            ("help", "?", "?"),
            ("typing", "/", "Escape"),
        ):
            page.keyboard.press(key)
            if name == "whole":
                page.locator(".fm-cleaner .fm-closeup-near img").first.wait_for(timeout=30_000)
            check_access(guest, f"cleaner-{name}-{size['width']}")
            page.keyboard.press(closing)
        page.keyboard.press("d")
        expect(page.locator(".fm-cleaner")).to_contain_text("Staged: 1 delete")
        page.locator(".fm-cleaner-review summary").click()
        page.locator(".fm-cleaner-diff .fm-cell img").first.wait_for()
        check_access(guest, f"cleaner-staged-{size['width']}")
        page.locator(".fm-cleaner-more").evaluate("details => { details.open = true; }")
        page.get_by_label("Name contains").fill("no such name")
        expect(page.locator(".fm-cleaner-none")).to_be_visible()
        check_access(guest, f"cleaner-none-{size['width']}")
        page.get_by_role("button", name="Show all photos").click()
        expect(page.locator(".fm-cleaner-none")).to_be_hidden()
        page.locator(".fm-cleaner-photos .fm-cell img").first.wait_for()
        page.locator(GRID).focus()
        page.keyboard.press("z")
        expect(page.locator(".fm-cleaner")).to_contain_text("Nothing is staged")


def check_access(guest: Visit, state: str) -> None:
    """Nothing that axe-core finds, no screen wider than the window, and a picture of the state."""
    guest.keep(state, full=False)
    guest.check_access(state)
    assert not guest.is_too_wide(), state
