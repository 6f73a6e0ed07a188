"""From the spool to the screen of somebody who watches."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright
from stationbench.stations import cat_model, new_station, working

from browser.visit import launch, visit
from core.station.conftest import picture
from server.running import free_port, run

CAMERAS, PHOTOS = 12, 90

# Notes when the wall says that so many sightings wait, and when the event shown is another one.
WATCH = """() => {
  window.seen = [];
  let last = -1;
  setInterval(() => {
    const numbers = [...document.querySelectorAll(".fm-monitor-tile")].map((tile) => Number(tile.textContent.match(/(\\d+) to review/)?.[1] ?? 0));
    const total = numbers.reduce((sum, n) => sum + n, 0);
    if (total !== last) { last = total; window.seen.push([Date.now() / 1000, total]); }
  }, 20);
}"""

PRESS = """() => new Promise((done) => {
  const desk = document.querySelector(".fm-monitor-desk"), title = document.querySelector(".fm-monitor-title");
  const image = document.querySelector(".fm-monitor-stage img");
  const before = [title.textContent, image.src], begin = performance.now();
  const look = () => {
    const isNext = title.textContent !== before[0];
    if (isNext && !image.hidden && image.src !== before[1]) done([performance.now() - begin, performance.now() - begin]);
    else requestAnimationFrame(look);
  };
  desk.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  requestAnimationFrame(look);
})"""


def latency(work: Path) -> None:
    """Drop a photo a second, at one camera after the other, and note when each is a sighting on the open page."""
    model, folder = cat_model(work), new_station(work / "station", gap_s=2)
    command = [
        sys.executable,
        "-m",
        "fieldmark",
        "serve",
        "--port",
        str(free_port()),
        "--station",
        str(folder),
    ]
    with (
        run([*command, "--model", str(model)], FIELDMARK_HOME=str(work)) as server,
        working(folder, model),
        sync_playwright() as playwright,
    ):
        browser = launch(playwright.chromium)
        with visit(browser, server.url) as guest:
            page = guest.page
            guest.open("/monitor")
            page.locator(".fm-monitor-desk").wait_for(timeout=60_000)
            page.locator(".fm-monitor-name").first.fill("Kari")
            page.locator(".fm-monitor-name").first.press("Tab")
            page.evaluate(WATCH)
            dropped = _drop_all(folder)
            page.wait_for_timeout(6000)
            _tell(dropped, page.evaluate("window.seen"))
            _tell_paint(page, guest.url)
            _tell_keys(page)
        browser.close()


def _drop_all(folder: Path) -> list[float]:
    times = []
    for number in range(PHOTOS):
        spool = folder / "spool" / f"camera {number % CAMERAS + 1}"
        spool.mkdir(parents=True, exist_ok=True)
        data, begin = picture("cat", number=number % 60), time.time()
        unfinished = spool / f"{number:04}.part"
        # Other bytes each time: the comment of a JPEG is as good as another frame.
        unfinished.write_bytes(data[:2] + b"\xff\xfe\x00\x06" + f"{number:04}".encode() + data[2:])
        unfinished.rename(unfinished.with_suffix(".jpg"))
        times.append(time.time())
        time.sleep(max(0.0, 1 - (time.time() - begin)))
    return times


def _tell(dropped: list[float], seen: list[list[float]]) -> None:
    """The k-th photo is there when the wall counts k sightings."""
    waits = []
    for k, at in enumerate(dropped, 1):
        shown = next((when for when, total in seen if total >= k), None)
        if shown is not None:
            waits.append(shown - at)
    print(
        f"  {len(dropped)} photos, one a second at {CAMERAS} cameras; {len(waits)} sightings on the page: median "
        f"{statistics.median(waits):.2f} s, p95 {np.quantile(waits, 0.95):.2f} s, longest {max(waits):.2f} s"
    )


def _tell_paint(page: Page, url: str) -> None:
    begin = time.monotonic()
    page.goto(url + "/monitor")
    page.locator(".fm-monitor-tile").first.wait_for(timeout=60_000)
    wall = time.monotonic() - begin
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"  a new page: first paint {paint:.0f} ms, the camera wall {wall:.1f} s")


def _tell_keys(page: Page) -> None:
    page.locator(".fm-monitor-stage img[src]").wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    times = [page.evaluate(PRESS)[0] for _ in range(20)]
    print(
        f"  from the key to the next event with its picture: median {statistics.median(times):.0f} ms, p95 {np.quantile(times, 0.95):.0f} ms"
    )
