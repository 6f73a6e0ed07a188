"""Pages as Chromium sees them: first load, opening, memory, reloads; ours beside plain Voilà."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from bench.servebench.servers import count_kernels, memory_by_kind, memory_mb, ours, plain
from browser.test_nginx import NGINX, nginx
from server.running import RunningServer

OPENINGS = 5
FURTHER = 4
RELOADS = 20
SETTLE_S = 5.0
"""After a page is there: its kernel goes on loading, and ours makes the next one ready."""
PATIENCE_MS = 180_000


@dataclass(frozen=True)
class Served:
    """A server and how one sees that its page can be used."""

    name: str
    server: RunningServer
    path: str
    usable: str

    def open(self, page: Page) -> float:
        """Seconds from the request until the first widget can be used."""
        start = perf_counter()
        page.goto(self.server.url + self.path, wait_until="commit", timeout=PATIENCE_MS)
        page.locator(self.usable).first.wait_for(timeout=PATIENCE_MS)
        return perf_counter() - start

    def new_page(self, browser: Browser) -> Page:
        """A page. Plain Voilà asks a CDN: that is refused at once, so that no slow name server is measured."""
        page = browser.new_page()
        mine = (self.server.url, "blob:", "data:")
        page.route(lambda url: not url.startswith(mine), lambda route: route.abort())
        return page

    def say(self, text: str) -> None:
        print(f"  {self.name}: {text}")


def on_both(model: Path, browser: Browser, measure: Callable[[Served, Browser], None]) -> None:
    """Measure plain Voilà, then ours."""
    with plain(model.parent) as server:
        measure(Served("plain Voilà, torch in the kernel", server, "/", ".jupyter-widgets"), browser)
    with ours(model) as server:
        time.sleep(SETTLE_S)
        measure(Served("Fieldmark", server, "/classify", ".fm-uploader button"), browser)


def load(model: Path, browser: Browser) -> None:
    """What a first visit takes over the wire, and whom it asks."""
    if NGINX is None:
        print("  first load: no nginx here (Debian: apt install nginx-light)")
        return
    with ours(model) as server, nginx(urlsplit(server.url).netloc, "/") as url:
        page = browser.new_page()
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        sizes: list[float] = []
        asked: list[str] = []
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/classify", wait_until="commit")
        page.locator(".fm-uploader button").first.wait_for(timeout=PATIENCE_MS)
        page.wait_for_load_state("networkidle")
        outside = [each for each in asked if not each.startswith((url, "blob:", "data:"))]
        print(
            f"  first load behind nginx: {sum(sizes) / 1e6:.2f} MB packed, {len(asked)} requests, "
            f"{len(outside)} of them to elsewhere (goals 2 MB, 0)"
        )
        page.close()


def opening(served: Served, browser: Browser) -> None:
    """Time until the first widget, with a kernel ready (where the server keeps one) and right behind another visitor."""
    calm, behind = [], []
    for _ in range(OPENINGS):
        for waits in (calm, behind):
            page = served.new_page(browser)
            waits.append(served.open(page))
            page.close(run_before_unload=True)
        time.sleep(SETTLE_S)
    served.say(
        f"GET to first widget: median {median(calm):.2f} s (worst {max(calm):.2f}); right behind another visitor "
        f"{median(behind):.2f} s (worst {max(behind):.2f}); {OPENINGS} each (goals 1.0 and 2.0)"
    )


def studio(model: Path, browser: Browser) -> None:
    """Time until the studio can be used; no kernel waits for it, since it shows what there is when it runs."""
    with ours(model, "--studio") as server:
        time.sleep(SETTLE_S)
        served, waits = Served("the studio", server, "/studio", ".fm-studio button:visible"), []
        for _ in range(OPENINGS):
            page = served.new_page(browser)
            waits.append(served.open(page))
            page.close(run_before_unload=True)
            time.sleep(SETTLE_S)
        served.say(f"GET to first widget: median {median(waits):.2f} s (worst {max(waits):.2f})")


def memory(served: Served, browser: Browser) -> None:
    """What the server, the first visitor and each further one take."""
    pages = [served.new_page(browser)]
    served.open(pages[0])
    time.sleep(SETTLE_S)
    first, parts = memory_mb(served.server), memory_by_kind(served.server)
    for _ in range(FURTHER):
        pages.append(served.new_page(browser))
        served.open(pages[-1])
        time.sleep(SETTLE_S)
    further = (memory_mb(served.server) - first) / FURTHER
    of = ", ".join(f"{name} {value:.0f}" for name, value in parts.items() if value)
    served.say(
        f"server and first visitor {first:.0f} MB ({of}); each further visitor {further:.0f} MB "
        f"(PSS, of {FURTHER}; goals 400 and 65)"
    )
    for page in pages:
        page.close()


def reloads(served: Served, browser: Browser) -> None:
    """Kernels that stay behind."""
    page = served.new_page(browser)
    served.open(page)
    time.sleep(SETTLE_S)
    before = count_kernels(served.server)
    for _ in range(RELOADS):
        served.open(page)
    time.sleep(SETTLE_S)
    served.say(f"{RELOADS} reloads: {count_kernels(served.server) - before:+d} kernels")
    page.close()
