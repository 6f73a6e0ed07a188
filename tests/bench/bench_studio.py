"""The studio as somebody with a folder of photos feels it, in a real Chromium.

    make bench-studio                           (or: python tests/bench/bench_studio.py PHOTOS)

PHOTOS is a folder with a folder per class; without it the bears of ../shared/data are taken, where they are, else
the sample that Fieldmark makes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from playwright.sync_api import Browser, Page, expect, sync_playwright
from prepared import set_up

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser.visit import launch, visit
from fieldmark.dataset import read_dataset
from fieldmark.sources.sample import write_sample
from server.running import free_port, run

BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"
MANY = Path(__file__).parents[3] / "shared" / "data" / "sign_digits"
RUNS = 5

# From the first empty cell of the grid to the frame in which every cell in sight has its picture.
WATCH = """
window.painted = new Promise((resolve) => {
  let start = 0;
  const look = () => {
    const cells = [...document.querySelectorAll(".fm-cell")].slice(0, 24);
    if (cells.length && !start) start = performance.now();
    if (!cells.length || !cells.every((cell) => cell.querySelector("img")?.complete)) requestAnimationFrame(look);
    else resolve(performance.now() - start);
  };
  look();
});
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        photos = Path(sys.argv[1]) if len(sys.argv) > 1 else BEARS
        if not photos.is_dir():
            photos = write_sample(Path(folder) / "sample")
        browser = launch(playwright.chromium)
        whole, again = [], []
        for number in range(RUNS):
            home = Path(folder) / str(number)
            settings = {"FIELDMARK_HOME": str(home), "FIELDMARK_CACHE": str(set_up(home / "cache"))}
            command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
            with run(command, **settings) as server, visit(browser, server.url) as guest:
                guest.open("/studio")
                whole.append(time_to_matrix(guest.page, photos))
                again.append(time_relabelling(guest.page, read_dataset(photos).vocab))
        print(
            f"{photos.name}: folder chosen → trained → matrix on screen: median {median(whole):.1f} s of {RUNS}"
        )
        print(
            f"relabelled, applied → new result on screen: median {median(again):.2f} s, worst {max(again):.2f} s"
        )
        if MANY.is_dir():
            measure_gallery(browser, Path(folder))
        browser.close()


def time_to_matrix(page: Page, photos: Path) -> float:
    """From pressing Import to the confusion matrix; a person's clicks in between take no time here."""
    page.get_by_label("Folder, zip or CSV").fill(str(photos))
    start = perf_counter()
    page.get_by_role("button", name="Import", exact=True).click()
    page.locator(".fm-importer h2:has-text('imported')").wait_for(timeout=120_000)
    page.locator("[data-step=train]").click()
    page.locator(".fm-trainer-go").click()
    page.locator(".fm-trainer-headline").wait_for(timeout=120_000)
    page.locator("[data-step=results]").click()
    page.locator(".fm-cm").wait_for(timeout=60_000)
    return perf_counter() - start


def time_relabelling(page: Page, labels: Sequence[str]) -> float:
    """From the decision about one photo, applied and trained again, to the sentence that says what it changed."""
    page.locator("[data-step=clean]").click()
    cleaner = page.locator(".fm-cleaner")
    page.locator(".fm-cleaner-photos .fm-cell.is-current").wait_for(timeout=60_000)
    expect(cleaner).to_contain_text("the most doubtful first", timeout=60_000)
    current = page.locator(".fm-cleaner-photos .fm-cell.is-current")
    expect(current).to_contain_text("%")  # judged, and in its place
    page.locator(".fm-cleaner-photos .fm-grid").focus()
    title = page.locator(".fm-cleaner-photos .fm-cell.is-current .fm-cell-title").inner_text()
    other = next(place for place, label in enumerate(labels, 1) if not title.startswith(label))
    start = perf_counter()
    page.keyboard.press(str(other))
    cleaner.get_by_role("button", name="Apply").click()
    cleaner.get_by_role("button", name="Train again").click()
    expect(cleaner).to_contain_text("on the same photos", timeout=60_000)
    return perf_counter() - start


def measure_gallery(browser: Browser, folder: Path) -> None:
    """A thousand thumbnails that nobody has made yet: until those in sight are painted, and how many there are."""
    home = folder / "gallery"
    settings = {"FIELDMARK_HOME": str(home), "FIELDMARK_CACHE": str(home / "cache")}
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
    import_photos_of(home)
    with run(command, **settings) as server, visit(browser, server.url) as guest:
        guest.page.add_init_script(WATCH)
        guest.open("/studio")
        seconds = guest.page.evaluate("window.painted") / 1000
        images = guest.page.locator("img").count()
        print(
            f"gallery of 1,000: first screen painted {seconds:.2f} s after its frame, {images} images in the page"
        )


def import_photos_of(home: Path) -> None:
    """A dataset of a thousand photos."""
    from fieldmark.importing import import_photos

    import_photos(MANY, home / "datasets" / "digits", who="bench")


if __name__ == "__main__":
    main()
