"""The journey of somebody with a folder of photos: in the studio, from import to the classify app."""

from __future__ import annotations

import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from browser.visit import DESK, PHONE, Visit, visit
from fieldmark.catalog import Catalog
from fieldmark.sources.sample import write_sample
from server.running import RunningServer, free_port, run

STEPS = ("photos", "check", "train", "results", "clean", "export")

KILL = """async () => {
  const { kernelId, baseUrl } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
  const token = document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? "";
  const answer = await fetch(`${baseUrl}api/kernels/${kernelId}`, { method: "DELETE", headers: { "X-XSRFToken": token } });
  return answer.status;
}"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps its models and datasets."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def studio(chromium: Browser, home: Path, cat_model: Path) -> Iterator[RunningServer]:
    (home / "models").mkdir()
    shutil.copy(cat_model, home / "models" / "bears.onnx")  # what the classify app begins with
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
    with run(command, FIELDMARK_HOME=str(home)) as server:
        yield server


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches of ground with five wrong labels, one broken file and one copy."""
    folder = write_sample(tmp_path_factory.mktemp("photos") / "ground")
    patch = folder / "train" / "brick" / "brick-train-00.png"
    (folder / "train" / "brick" / "broken.png").write_bytes(patch.read_bytes()[:500])
    shutil.copy(patch, folder / "train" / "brick" / "copy of brick-train-00.png")
    return folder


def open_studio(guest: Visit) -> Page:
    guest.open("/studio")
    guest.page.locator(".fm-studio").wait_for(timeout=60_000)
    return guest.page


def go(page: Page, step: str) -> None:
    page.locator(f"[data-step={step}]").click()
    expect(page.locator(f"[data-step={step}]")).to_have_attribute("aria-current", "step")


def test_from_a_folder_to_the_classify_app(
    chromium: Browser, studio: RunningServer, home: Path, ground: Path
) -> None:
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        page.get_by_label("Folder, zip or CSV").fill(str(ground))
        page.get_by_role("button", name="Import", exact=True).click()
        result = page.locator(".fm-importer [role=status]:visible").filter(has_text="imported")
        expect(result).to_contain_text("168 photos imported", timeout=30_000)
        expect(result).to_contain_text("broken.png")
        guest.keep("studio-photos")

        go(page, "check")
        expect(page.locator(".fm-checker")).to_contain_text("All 168 photos are fine", timeout=30_000)
        guest.keep("studio-check")

        go(page, "train")
        page.locator(".fm-trainer-go").click()
        expect(page.locator(".fm-trainer-headline")).to_have_text("1 of 48 photos wrong", timeout=60_000)
        guest.keep("studio-train")

        go(page, "results")
        wrong = page.locator(".fm-cm-cell.is-wrong")
        expect(wrong).to_have_count(1, timeout=30_000)
        wrong.click()
        expect(page.locator(".fm-results .fm-cell")).to_have_count(1)
        guest.keep("studio-results")
        page.get_by_role("button", name="Clean these").click()

        expect(page.locator("[data-step=clean]")).to_have_attribute("aria-current", "step")
        cleaner = page.locator("section.fm-cleaner")
        expect(cleaner.locator(".fm-cleaner-photos .fm-cell")).to_have_count(1)
        expect(cleaner).to_contain_text("brick → grass", timeout=60_000)
        cleaner.get_by_role("button", name="Take suggestion").click()
        expect(cleaner).to_contain_text("Staged: 1 relabel")

        page.reload()  # in the middle
        cleaner = open_studio(guest).locator("section.fm-cleaner")
        expect(cleaner).to_contain_text("Staged: 1 relabel", timeout=30_000)
        guest.keep("studio-clean")

        cleaner.get_by_role("button", name="Apply").click()
        expect(cleaner).to_contain_text("Done: 1 relabelled")
        assert labels(home) == {"brick": 56, "grass": 57, "gravel": 55}
        cleaner.get_by_role("button", name="Undo the cleaning").click()
        expect(cleaner).to_contain_text("Undone")
        assert labels(home) == {"brick": 57, "grass": 56, "gravel": 55}
        cleaner.get_by_role("button", name="Apply").click()
        expect(cleaner).to_contain_text("Done: 1 relabelled")
        cleaner.get_by_role("button", name="Train again").click()
        expect(cleaner).to_contain_text(
            "now 0 of 48: on the same photos; too few to say better", timeout=60_000
        )

        go(page, "export")
        page.get_by_label("Name of the model").fill("Ground")
        page.get_by_role("button", name="Save the model").click()
        model = page.locator(".fm-exporter-model")
        expect(model).to_contain_text("0 of 48 photos wrong", timeout=60_000)
        with page.expect_download() as download:
            model.get_by_role("button", name="Download").click()
        saved = next((home / "datasets" / "ground" / ".fieldmark" / "models").glob("ground-*.onnx"))
        assert Path(download.value.path()).read_bytes() == saved.read_bytes()
        model.get_by_role("button", name="Use in the classify app").click()
        expect(page.locator(".fm-exporter")).to_contain_text("answers with this model")
        guest.keep("studio-export")

        grass = next((home / "datasets" / "ground" / "images" / "grass").iterdir())
        assert "Grass" in answers_until(guest, grass.read_bytes(), "Grass")


def answers_until(guest: Visit, photo: bytes, wanted: str) -> list[str]:
    """What the classify app says of a photo, asked again while the model of before may still answer."""
    said: list[str] = []
    deadline = time.monotonic() + 60
    while wanted not in said and time.monotonic() < deadline:
        guest.open()
        guest.drop(("a photo.png", photo))
        guest.wait()
        said.append(guest.page.locator(".fm-answer .fm-title").inner_text())
    return said


def labels(home: Path) -> dict[str, int]:
    return Catalog.open(home / "datasets" / "ground", write=False).counts()


def test_on_a_phone_by_keyboard_alone(chromium: Browser, studio: RunningServer, home: Path) -> None:
    with visit(chromium, studio.url, PHONE) as guest:
        page = open_studio(guest)
        new = page.get_by_role("button", name="New dataset")
        if new.is_visible():
            press_on(page, new)
        press_on(page, page.get_by_role("button", name="Try the sample"))
        expect(page.locator("[data-step=photos].is-done")).to_be_attached(timeout=60_000)
        assert not guest.is_too_wide()
        press_on(page, page.get_by_role("button", name="Next: Check"))
        expect(page.locator(".fm-checker")).to_contain_text("All 168 photos are fine", timeout=60_000)
        press_on(page, page.locator("[data-step=export]"))
        expect(page.locator(".fm-exporter")).to_contain_text("Nothing was trained yet")
        press_on(page, page.get_by_role("button", name="Go to Train"))
        press_on(page, page.locator(".fm-trainer-go"))
        expect(page.locator(".fm-trainer-headline")).to_have_text("1 of 48 photos wrong", timeout=60_000)
        assert not guest.is_too_wide()
        press_on(page, page.get_by_role("button", name="Next: Results"))
        cell = page.locator(".fm-cm-cell.is-wrong")
        expect(cell).to_have_count(1, timeout=30_000)
        press_on(page, cell)
        expect(page.locator(".fm-results .fm-cell")).to_have_count(1)
        press_on(page, page.get_by_role("button", name="Clean these"))
        cleaner = page.locator("section.fm-cleaner")
        expect(cleaner.locator(".fm-cell.is-current")).to_be_attached(timeout=60_000)
        expect(cleaner).to_contain_text("brick → grass", timeout=60_000)
        press_on(page, cleaner.locator(".fm-cleaner-photos .fm-grid"), key="a")  # take the suggestion
        expect(cleaner).to_contain_text("Staged: 1 relabel")
        page.keyboard.press("z")
        expect(cleaner).not_to_contain_text("Staged: 1 relabel")
        page.keyboard.press("a")
        expect(cleaner).to_contain_text("Staged: 1 relabel")
        guest.keep("studio-phone", full=False)
        press_on(page, cleaner.get_by_role("button", name="Apply"))
        expect(cleaner).to_contain_text("Done: 1 relabelled")
        press_on(page, cleaner.get_by_role("button", name="Train again"))
        expect(cleaner).to_contain_text("now 0 of 48", timeout=60_000)
        press_on(page, page.get_by_role("button", name="Next: Export"))
        press_on(page, page.get_by_role("button", name="Save the model"))
        press_on(page, page.get_by_role("button", name="Use in the classify app"), wait_ms=60_000)
        expect(page.locator(".fm-exporter")).to_contain_text("answers with this model")
        assert not guest.is_too_wide()


def press_on(page: Page, target: Locator, *, key: str = "Enter", wait_ms: int = 30_000) -> None:
    """Go there with Tab, as somebody without a pointer does, and press a key."""
    target.wait_for(timeout=wait_ms)
    tab_to(page, target)
    page.keyboard.press(key)


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(200):
        if has_focus(target):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never came to {target}")


def has_focus(target: Locator) -> bool:
    there: bool = target.evaluate("element => element === document.activeElement")
    return there


def test_a_zip_is_dropped_on_the_page_and_a_killed_kernel_loses_nothing(
    chromium: Browser, studio: RunningServer, home: Path, ground: Path
) -> None:
    archive = shutil.make_archive(str(ground.parent / "patches"), "zip", ground)
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        new = page.get_by_role("button", name="New dataset")
        if new.is_visible():
            new.click()
        page.locator(".fm-importer .fm-uploader").wait_for()
        guest.drop(("patches.zip", Path(archive).read_bytes()))
        result = page.locator(".fm-importer [role=status]:visible").filter(has_text="imported")
        expect(result).to_contain_text("168 photos imported", timeout=30_000)
        expect(page.get_by_label("Dataset", exact=True)).to_have_value("patches")
        kill_kernel(page)
        banner = page.locator("#banner")
        expect(banner).to_contain_text("photos, decisions and trainings are kept", timeout=30_000)
        guest.keep("studio-disconnected")
        banner.get_by_role("button").click()
        page.locator(".fm-studio").wait_for(timeout=60_000)
        expect(page.get_by_label("Dataset", exact=True)).to_have_value("patches")
        expect(page.locator(".fm-importer")).to_contain_text("168 photos imported")
        page.get_by_label("Dataset", exact=True).select_option("ground")  # another one beside it
        expect(page.locator(".fm-picker")).to_contain_text("168 photos in 3 classes")


def kill_kernel(page: Page) -> None:
    """As the server does with one that was idle for long."""
    status: int = page.evaluate(KILL)
    assert status == 204


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_no_step_is_wider_than_the_screen(
    chromium: Browser, studio: RunningServer, size: ViewportSize
) -> None:
    with visit(chromium, studio.url, size) as guest:
        page = open_studio(guest)
        for step in STEPS:
            go(page, step)
            page.wait_for_timeout(700)
            guest.check_widths(f"studio-{step}")


def test_no_name_of_a_folder_or_photo_runs_a_script(
    chromium: Browser, studio: RunningServer, tmp_path: Path
) -> None:
    names = ["<img src=x onerror=alert(1)>", '"><svg onload=alert(2)>']
    folder = draw_few(tmp_path / "<img src=y onerror=alert(3)>", names, "<img src=z onerror=alert(4)>")
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        train_on_few(page, folder)
        for step, shown in (("results", ".fm-cm-cell"), ("clean", ".fm-cleaner .fm-cell")):
            go(page, step)
            page.locator(shown).first.wait_for(timeout=60_000)
            expect(page.locator("body")).to_contain_text(names[0])
            guest.keep(f"studio-hostile-{step}")


def test_fine_tuning_goes_on_when_the_page_is_closed_and_is_found_again(
    chromium: Browser, studio: RunningServer, tmp_path: Path
) -> None:
    """FAULTS T79: the kernel that trains has no page any more; where it was ended, another page says "was stopped"."""
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        train_on_few(page, draw_few(tmp_path / "dots", ["red", "green"], "dot"))
        page.get_by_role("button", name="Fine-tune", exact=True).click()
        expect(page.locator(".fm-trainer-step")).to_contain_text("Fine-tuning", timeout=60_000)
    with visit(chromium, studio.url, DESK) as guest:
        page = open_studio(guest)
        page.get_by_label("Dataset", exact=True).select_option("dots")
        go(page, "train")
        # That it goes on; or, should it be done by now, what only fine-tuning says of its result.
        found = re.compile("begun in another page|held-out photos")
        expect(page.locator(".fm-trainer")).to_contain_text(found, timeout=60_000, use_inner_text=True)


def draw_few(folder: Path, labels: list[str], name: str) -> Path:
    """A folder of two classes of six small photos each."""
    for label, colour in zip(labels, ("red", "green"), strict=True):
        (folder / label).mkdir(parents=True)
        for number in range(6):
            photo = Image.new("RGB", (64, 64), colour)
            photo.paste("white", (8 * number, 8, 8 * number + 6, 14))
            photo.save(folder / label / f"{name} {number}.png")
    return folder


def train_on_few(page: Page, folder: Path) -> None:
    """Import a folder that `draw_few` made as a dataset, and train on it."""
    new = page.get_by_role("button", name="New dataset")
    if new.is_visible():
        new.click()
    page.get_by_label("Folder, zip or CSV").fill(str(folder))
    page.get_by_role("button", name="Import", exact=True).click()
    result = page.locator(".fm-importer [role=status]:visible").filter(has_text="imported")
    expect(result).to_contain_text("12 photos imported")
    go(page, "train")
    page.locator(".fm-trainer-go").click()
    expect(page.locator(".fm-trainer-headline")).to_contain_text("photos wrong", timeout=60_000)
