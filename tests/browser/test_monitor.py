"""The dashboard in a real browser, beside a real worker: what is seen, confirmed and sent."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from browser.visit import DESK, PHONE, visit
from core.station.conftest import RULES, picture
from core.station.test_alerts import SECRET, Receiver
from core.station.test_stages import PLAN
from core.station.visits import add_event
from fieldmark.station.door import ENDPOINT
from fieldmark.station.reviews import Said, review
from fieldmark.station.stages import set_stage, sign_plan
from fieldmark.station.stations import add_station, camera_named, the_station
from fieldmark.station.store import open_store
from fieldmark.station.tables import Event
from server.running import RunningServer, free_port, run, stop

TABLET: ViewportSize = {"width": 820, "height": 1180}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture
def folder(tmp_path: Path, receiver: Receiver) -> Path:
    """A station whose alerts go to the receiver, with three visits of a cat in its spool."""
    channel = {"kind": "webhook", "name": "rangers", "url": receiver.url, "secret": SECRET}
    store, now = open_store(tmp_path / "station", create=True), datetime.now(UTC)
    with store.writing() as session:
        add_station(session, "Lake Camp", zone="UTC", rules=replace(RULES, channels=(channel,)), now=now)
    store.close()
    for camera in ("north", "south", "west"):
        spool = store.folder / "spool" / camera
        spool.mkdir(parents=True)
        for number in range(2):
            (spool / f"{number}.jpg").write_bytes(picture("cat", number=10 * len(camera) + number))
    return store.folder


def raise_to_2(folder: Path) -> None:
    store, now = open_store(folder), datetime.now(UTC)
    with store.writing() as session:
        sign_plan(session, the_station(session), who="chief", now=now, **PLAN)  # type: ignore[arg-type]
        set_stage(session, the_station(session), 2, who="chief", why="", now=now)
    store.close()


@contextmanager
def working(folder: Path, model: Path) -> Iterator[None]:
    """A real worker beside the page."""
    command = [sys.executable, "-m", "fieldmark", "station", "run", str(folder), "--model", str(model)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: (folder / ENDPOINT).exists())
        yield
    finally:
        stop(process)


@contextmanager
def serving(folder: Path, model: Path, home: Path) -> Iterator[RunningServer]:
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port())]
    with run([*command, "--station", str(folder), "--model", str(model)], FIELDMARK_HOME=str(home)) as server:
        yield server


def until(true: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.1)


def test_stage_1_sends_nothing_and_in_stage_2_a_confirmed_sighting_is_sent_once(
    chromium: Browser, folder: Path, receiver: Receiver, cat_model: Path, tmp_path: Path
) -> None:
    with serving(folder, cat_model, tmp_path) as server, visit(chromium, server.url) as guest:
        with working(folder, cat_model):
            page = guest.page
            guest.open("/monitor")
            expect(page.locator(".fm-monitor-tile.is-red")).to_have_count(3, timeout=60_000)
            page.locator(".fm-monitor-stage img[src]").wait_for()
            page.locator(".fm-monitor-desk").press("Enter")
            expect(page.locator(".fm-monitor-did")).to_contain_text("Say who you are")
            page.locator(".fm-monitor-name").fill("Kari")
            page.locator(".fm-monitor-name").press("Tab")
            page.locator(".fm-monitor-desk").press("Enter")
            expect(page.locator(".fm-monitor-did")).to_contain_text("confirmed")
            expect(page.locator(".fm-monitor-tile.is-red")).to_have_count(2)
            guest.keep("monitor-stage-1")
        assert receiver.came == []

        raise_to_2(folder)
        with working(folder, cat_model):
            expect(page.locator(".fm-monitor-head")).to_contain_text("Stage 2", timeout=30_000)
            page.locator(".fm-monitor-desk").press("Enter")
            expect(page.locator(".fm-monitor-did")).to_contain_text("An alert is on its way")
            page.locator(".fm-monitor-desk").press("r")
            expect(page.locator(".fm-monitor-none")).to_be_visible()
            until(lambda: receiver.came)
            time.sleep(2)  # another would come now
            page.get_by_role("button", name="I have it").click()
            expect(page.locator(".fm-monitor-alerts")).to_contain_text("Kari has it")
            log = page.locator(".fm-monitor-log")
            log.locator("summary").click()
            log.get_by_label("What it was").fill("<b>bear</b>")
            log.get_by_label("Near which camera").select_option("south")
            log.get_by_role("button", name="Write it down").click()
            expect(log).to_contain_text("Written down: <b>bear</b>.")
            guest.keep("monitor-stage-2")
        ((headers, body),) = receiver.came
        assert headers["Fieldmark-Signature"].startswith("t=")
        assert json.loads(body)["confirmed_by"] == "Kari"


def change(folder: Path, act: Callable[[Session, datetime], None]) -> None:
    store = open_store(folder)
    with store.writing() as session:
        act(session, datetime.now(UTC))
    store.close()


def earn_stage_3(session: Session, now: datetime) -> None:
    """Twenty alarms that were right, and three hundred audited events without any."""
    for alarm, verdict, n in ((0.9, "confirmed", 20), (0.01, "rejected", 300)):
        for _ in range(n):
            event = add_event(session, now, alarm=alarm)
            event.is_audit = alarm < 0.5
            review(session, Said(event.id, "Ola", verdict), RULES, now=now)  # type: ignore[arg-type]


def silence(hours: float) -> Callable[[Session, datetime], None]:
    def act(session: Session, now: datetime) -> None:
        camera = camera_named(session, the_station(session), "creek", now=now)
        camera.heard_at = now - timedelta(hours=hours)

    return act


def test_the_chief_raises_to_stage_3_only_when_the_gate_holds_and_a_dead_camera_goes_amber_then_grey(
    chromium: Browser, folder: Path, cat_model: Path, tmp_path: Path
) -> None:
    with (
        serving(folder, cat_model, tmp_path) as server,
        working(folder, cat_model),
        visit(chromium, server.url) as guest,
    ):
        page = guest.page
        guest.open("/monitor")
        page.locator(".fm-monitor-stage img[src]").wait_for(timeout=60_000)
        page.locator(".fm-monitor-name").fill("Cleo")
        page.locator(".fm-monitor-name").press("Tab")
        office, problem = page.locator(".fm-monitor-office"), page.locator(".fm-monitor > .fm-failure")
        office.locator(".fm-monitor-office-title").click()
        office.get_by_role("button", name="Move to stage 2").click()
        expect(problem).to_contain_text("somebody signs a plan")
        for name, text in (
            ("goal", "know of cats"),
            ("action", "Ola goes and looks"),
            ("responsible", "Ola"),
        ):
            office.locator(f"[name={name}]").fill(text)
        office.locator("[name=fear]").first.fill("cats are missed")
        office.locator("[name=figure]").first.fill("misses in the blind audit")
        office.get_by_role("button", name="Sign the plan").click()
        expect(office).to_contain_text("Signed by Cleo")
        office.get_by_role("button", name="Move to stage 2").click()
        expect(page.locator(".fm-monitor-head")).to_contain_text("Stage 2")
        office.get_by_role("button", name="Move to stage 3").click()
        expect(problem).to_contain_text("No alarm of this model was reviewed yet")
        expect(page.locator(".fm-monitor-head")).to_contain_text("Stage 2")
        guest.keep("monitor-office")
        change(folder, earn_stage_3)
        office.get_by_role("button", name="Move to stage 3").click()
        expect(page.locator(".fm-monitor-head")).to_contain_text("Stage 3")

        creek = page.locator(".fm-monitor-tile", has_text="creek")
        for hours, urgency in ((1, "ok"), (30, "amber"), (100, "grey")):
            change(folder, silence(hours))
            expect(creek).to_have_class(re.compile(f"is-{urgency}"))
        expect(creek).to_contain_text("dead")

        office.get_by_text("Enter somebody").click()
        office.locator("[name=name]").fill("Cleo")
        office.get_by_label("Role").select_option("chief")
        office.locator("[name=pin]").fill("123 456")
        office.get_by_role("button", name="Enter, or change").click()
        expect(page.locator(".fm-monitor-did")).to_contain_text("Entered")
        see_a_person_with_a_pin(page, folder)
        guest.keep("monitor-signed-in")


def see_a_person_with_a_pin(page: Page, folder: Path) -> None:
    """Sign in as the chief, and ask for the frames of a person, which nobody else is shown."""
    change(folder, withhold)
    desk, who = page.locator(".fm-monitor-desk"), page.locator(".fm-monitor-who")
    expect(desk).to_contain_text("A chief who has a reason may see them")
    desk.press("Enter")
    expect(page.locator(".fm-monitor-did")).to_contain_text("Sign in first")
    who.locator("select").select_option("Cleo")
    who.get_by_label("PIN").fill("123 456")
    who.get_by_role("button", name="Sign in").click()
    expect(page.locator(".fm-monitor-me")).to_contain_text("Cleo · chief")
    expect(desk.locator(".fm-monitor-did")).not_to_contain_text("Sign in first")
    desk.get_by_label("Why they have to be seen").fill("somebody is lost")
    desk.get_by_role("button", name="Show them").click()
    expect(desk.locator(".fm-monitor-stage img")).to_be_visible()


def withhold(session: Session, _now: datetime) -> None:
    for event in session.scalars(select(Event)):
        event.label = "person"


def test_the_dashboard_fits_every_screen(
    chromium: Browser, folder: Path, cat_model: Path, tmp_path: Path
) -> None:
    with serving(folder, cat_model, tmp_path) as server, working(folder, cat_model):
        for sizes in ((DESK, TABLET), (PHONE,)):
            with visit(chromium, server.url, sizes[0]) as guest:
                guest.open("/monitor")
                guest.page.locator(".fm-monitor-stage img[src]").wait_for(timeout=60_000)
                for size in sizes:
                    guest.page.set_viewport_size(size)
                    guest.check_widths("monitor-closed")
                guest.page.locator(".fm-monitor-office > summary").click()
                guest.page.locator(".fm-monitor-office-parts section").last.wait_for()
                for size in sizes:
                    guest.page.set_viewport_size(size)
                    guest.check_widths("monitor")


def home_serving(home: Path, model: Path) -> AbstractContextManager[RunningServer]:
    """A server where no station is watched yet."""
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--model", str(model)]
    return run(command, FIELDMARK_HOME=str(home))


def test_a_newcomer_sees_the_simulated_station_live_in_one_click_and_it_stops_with_the_server(
    chromium: Browser, cat_model: Path, tmp_path: Path
) -> None:
    with home_serving(tmp_path, cat_model) as server, visit(chromium, server.url) as guest:
        page = guest.page
        guest.open("/")
        guest.keep("start-demo")
        page.get_by_role("button", name="Watch the simulated station").click()
        page.wait_for_url("**/monitor")
        page.locator(".fm-monitor-stage img[src]").wait_for(timeout=60_000)
        expect(page.locator(".fm-monitor")).to_contain_text("Simulated: no real camera")
        expect(page.locator(".fm-monitor-tile.is-amber")).to_have_count(1, timeout=30_000)
        expect(page.locator(".fm-monitor-tile.is-grey")).to_have_count(1)
        page.locator(".fm-monitor-name").fill("Kari")
        page.locator(".fm-monitor-name").press("Tab")
        page.locator(".fm-monitor-desk").press("r")
        expect(page.locator(".fm-monitor-did")).to_contain_text("nothing there")
        guest.keep("monitor-demo")
        endpoint = tmp_path / "demo-station" / ENDPOINT
        assert endpoint.exists()
    until(lambda: not endpoint.exists(), 15)


def test_where_there_is_no_station_the_page_offers_the_simulated_one_and_says_how_to_make_ones_own(
    chromium: Browser, cat_model: Path, tmp_path: Path
) -> None:
    with home_serving(tmp_path, cat_model) as server, visit(chromium, server.url) as guest:
        guest.open("/monitor")
        expect(guest.page.locator(".fm-monitor")).to_contain_text("station init", timeout=60_000)
        guest.keep("monitor-empty")
        guest.page.get_by_role("button", name="Watch a simulated station").click()
        guest.page.locator(".fm-monitor-wall li").first.wait_for(timeout=60_000)
