"""The server beside plain Voilà with torch in every kernel: opening, memory, leaks, many visitors, the REST API.

    make bench-serve                            (some 15 minutes)
    make bench-serve PARTS="rest crowd"         (only these: load open studio memory reload rest upload crowd)
    python tests/bench/bench_serve.py crowd --visitors 10 --seconds 40

Plain Voilà serves the five cells of the fastai book's app, with a ResNet-18 of torchvision's. Both answer in the same
run, on this machine, over loopback; whoever asks runs on the same processors. Memory is PSS: what processes share is
counted once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.servebench import api, pages
from bench.servebench.crowd import crowd
from bench.servebench.servers import build_cats
from browser.visit import launch

IN_BROWSER: dict[str, Callable[[Path, Browser], None]] = {
    "load": pages.load,
    "open": partial(pages.on_both, measure=pages.opening),
    "studio": pages.studio,
    "memory": partial(pages.on_both, measure=pages.memory),
    "reload": partial(pages.on_both, measure=pages.reloads),
}


def main() -> None:
    """Measure and print."""
    wish = read_wish()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    without: dict[str, Callable[[Path], None]] = {
        "rest": api.rest,
        "upload": api.uploads,
        "crowd": partial(crowd, visitors=wish.visitors, seconds=wish.seconds),
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        model = build_cats(Path(folder, "cats.onnx"))
        for part in wish.parts or [*IN_BROWSER, *without]:
            print(part)
            if part in without:
                without[part](model)
            else:
                in_browser(IN_BROWSER[part], model)


def in_browser(measure: Callable[[Path, Browser], None], model: Path) -> None:
    """Measure with a Chromium."""
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        measure(model, browser)
        browser.close()


def read_wish() -> argparse.Namespace:
    """What is to be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = [*IN_BROWSER, "rest", "upload", "crowd"]
    asked = os.environ.get("PARTS", "").split()
    parser.add_argument("parts", nargs="*", default=asked, metavar="PART", help=" ".join(parts))
    parser.add_argument("--visitors", type=int, default=40, help="in the crowd")
    parser.add_argument("--seconds", type=float, default=180.0, help="for which the crowd stays")
    wish = parser.parse_args()
    if unknown := set(wish.parts) - set(parts):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; choose from {' '.join(parts)}")
    return wish


if __name__ == "__main__":
    main()
