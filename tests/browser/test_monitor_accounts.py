"""The dashboard on a server with accounts: whoever logs in there is who decides here, and nobody more than their role."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import select

from browser.test_monitor import folder, receiver, until, working  # noqa: F401 - two of them are fixtures
from browser.visit import Visit, visit
from core.station.conftest import events
from core.station.test_stages import PLAN
from fieldmark.station.store import open_store
from fieldmark.station.tables import Plan, Review
from fieldmark_server.accounts import Accounts
from server.running import RunningServer, free_port, run

SECRET = "a password of theirs"
LONG_MS = 120_000
"""For what takes a moment here, and much longer where everything is slow."""


def see(locator: Locator, text: str) -> None:
    expect(locator).to_contain_text(text, timeout=LONG_MS)


@contextmanager
def serving(folder: Path, model: Path, home: Path) -> Iterator[RunningServer]:  # noqa: F811 - no fixture here
    """A server with a viewer, a ranger and a chief."""
    accounts = Accounts(home / "users.json")
    for name, role in (("Vera", "viewer"), ("Rune", "ranger"), ("Cleo", "chief")):
        accounts.put(name, role, SECRET)  # type: ignore[arg-type]
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--model", str(model)]
    options = ["--station", str(folder), "--users", str(accounts.path)]
    with run([*command, *options], FIELDMARK_HOME=str(home)) as server:
        yield server


@contextmanager
def logged_in(chromium: Browser, url: str, name: str, role: str) -> Iterator[Visit]:
    """Somebody who logs in, and is shown the dashboard under that name."""
    with visit(chromium, url) as guest:
        page = guest.page
        guest.open("/monitor")
        page.locator("#name").fill(name)
        page.locator("#password").fill(SECRET)
        page.get_by_role("button", name="Log in").click()
        see(page.locator(".fm-monitor-me"), f"{name} · {role}")
        expect(page.locator(".fm-monitor-name")).to_be_hidden()
        page.locator(".fm-monitor-stage img[src]").wait_for(timeout=LONG_MS)
        yield guest


def test_a_viewer_looks_a_ranger_decides_and_a_chief_moves_the_station_each_under_their_accounts_name(
    chromium: Browser,
    folder: Path,  # noqa: F811 - it is that fixture
    cat_model: Path,
    tmp_path: Path,
) -> None:
    store = open_store(folder)
    with serving(folder, cat_model, tmp_path) as server, working(folder, cat_model):
        until(lambda: sum(event.reason == "alarm" for event in events(store)) == 3, 120)
        enter = partial(logged_in, chromium, server.url)

        with enter("Vera", "viewer") as guest:
            desk, office = guest.page.locator(".fm-monitor-desk"), guest.page.locator(".fm-monitor-office")
            desk.press("Enter")
            see(guest.page.locator(".fm-monitor-did"), "A viewer looks. Rangers and chiefs decide.")
            office.locator(".fm-monitor-office-title").click()
            see(office, "Stage 1, beside the rangers")
            expect(office.get_by_role("button", name="Move to stage 2")).to_be_hidden()
            guest.keep("monitor-viewer")

        with enter("Rune", "ranger") as guest:
            desk, office = guest.page.locator(".fm-monitor-desk"), guest.page.locator(".fm-monitor-office")
            desk.press("Enter")
            see(guest.page.locator(".fm-monitor-did"), "confirmed")
            office.locator(".fm-monitor-office-title").click()
            see(office, "your account is who you are here")
            expect(office.get_by_role("button", name="Move to stage 2")).to_be_hidden()

        with enter("Cleo", "chief") as guest:
            office = guest.page.locator(".fm-monitor-office")
            office.locator(".fm-monitor-office-title").click()
            for part in ("goal", "action", "responsible"):
                office.locator(f"[name={part}]").fill(str(PLAN[part]))
            office.locator("[name=fear]").first.fill("cats are missed")
            office.locator("[name=figure]").first.fill("misses in the blind audit")
            office.get_by_role("button", name="Sign the plan").click()
            see(office, "Signed by Cleo")
            office.get_by_role("button", name="Move to stage 2").click()
            see(guest.page.locator(".fm-monitor-head"), "Stage 2")
            guest.keep("monitor-chief")
            with guest.page.expect_download(timeout=LONG_MS) as saved:
                guest.page.get_by_role("button", name="Save the week as a page").click()
            assert "1 of 1 reviewed alarms were right" in saved.value.path().read_text("utf-8")

        with store.reading() as session:
            assert session.scalars(select(Review.who)).all() == ["Rune"]
            assert session.scalars(select(Plan.signed_by)).all() == ["Cleo"]
    store.close()
