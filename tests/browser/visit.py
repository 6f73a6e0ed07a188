"""A visitor with a real browser: what they do, and what they must never see."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, Request, ViewportSize

SCREENSHOTS = Path(__file__).parents[2] / "var" / "screenshots"

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}

OF_THE_NETWORK = ("Failed to load resource", "WebSocket connection to", "Failed to fetch")
"""What a browser writes on the console by itself when a server says no, or is gone: tests let that happen."""

# As a file manager does it: the page gets files, never their place.
DROP = """([files, event]) => {
  const carried = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    carried.items.add(new File([bytes], name));
  }
  const place = document.querySelector(".fm-uploader");
  const init = { bubbles: true, cancelable: true };
  if (event === "paste") place.dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: carried }));
  else place.dispatchEvent(new DragEvent("drop", { ...init, dataTransfer: carried }));
}"""


def find_chromium() -> str | None:
    """The system's Chromium or Chrome; None leaves it to the one that Playwright may have installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


def launch(chromium: BrowserType) -> Browser:
    """Start the browser, without its sandbox where that cannot work: for root, as in a container."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    # A drawn camera, where a page asks for one and is allowed it.
    arguments = [
        "--disable-gpu",
        "--use-fake-device-for-media-stream",
        *(["--no-sandbox"] if is_root else []),
    ]
    return chromium.launch(executable_path=find_chromium(), args=arguments)


class Visit:
    """One page of the app, and a watch over everything it does."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.requested: list[str] = []
        self.troubles: list[str] = []
        page.on("request", self._note_request)
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error} {error.stack}"))
        page.on("dialog", lambda dialog: self.troubles.append(f"a script ran: {dialog.message}"))
        page.on("console", self._note_console)
        page.on("filechooser", lambda _: None)  # from now on no window of the system's opens

    def open(self, path: str = "/classify") -> None:
        self.page.goto(self.url + path)
        if path == "/classify":
            self.page.locator(".fm-classifier .fm-uploader").wait_for()

    def drop(self, *files: tuple[str, bytes], event: str = "drop") -> None:
        self.page.evaluate(
            DROP, [[[name, base64.b64encode(content).decode()] for name, content in files], event]
        )

    def wait(self, state: str = "ready") -> None:
        """Until the classifier says that it is empty, ready or failed."""
        self.page.locator(f".fm-classifier.is-{state}").wait_for()

    def wait_for_map(self) -> None:
        self.page.locator(".fm-overlay.is-visible").wait_for()
        self.page.evaluate("Promise.all(document.getAnimations().map((animation) => animation.finished))")

    def ask(self, sentence: str) -> Sequence[str]:
        """The text of everything that matches a selector."""
        return self.page.locator(sentence).all_inner_texts()

    def is_too_wide(self) -> bool:
        """Whether the page scrolls sideways."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return width > 0

    def check_widths(self, name: str) -> None:
        """The page does not scroll sideways, light or dark; a picture of each is kept."""
        width = self.page.evaluate("window.innerWidth")
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            self.keep(f"{name}-{width}-{scheme}")
            assert not self.is_too_wide(), (name, width, scheme)

    def check_access(self, state: str, *, preload: bool = True) -> None:
        """Nothing that axe-core finds, by the rules of WCAG 2.2 A and AA and its own best practices.

        `preload` lets axe fetch style sheets anew, which a page may forbid.
        """
        options = {"preload": preload, "resultTypes": ["violations"]}  # and no list of all that is well
        found = Axe().run(self.page, options=options).response["violations"]
        assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == [], state

    def keep(self, name: str, *, full: bool = True) -> Path:
        """Save a screenshot."""
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=full)
        return path

    def _note_request(self, request: Request) -> None:
        self.requested.append(request.url)
        address = urlsplit(request.url)
        if address.scheme not in ("blob", "data") and address.netloc != urlsplit(self.url).netloc:
            self.troubles.append(f"asked elsewhere: {request.url}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(OF_THE_NETWORK):
            self.troubles.append(f"on the console: {message.text}")


@contextmanager
def visit(browser: Browser, url: str, size: ViewportSize = DESK, scheme: str = "light") -> Iterator[Visit]:
    """A visitor whom nothing is known of; what happened in the visit must have been harmless."""
    context = browser.new_context(
        viewport=size,
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=size is PHONE,
        reduced_motion="reduce",
    )
    try:
        visitor = Visit(context.new_page(), url)
        yield visitor
        assert visitor.troubles == [], visitor.troubles
    finally:
        context.close()
