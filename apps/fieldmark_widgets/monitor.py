"""The dashboard of a station: what needs somebody first, then the camera wall and the week's figures.

In a notebook:

    monitor = Monitor("lake")
    display(monitor)

It only reads; what people decide goes to the worker, which is the store's one writer. The page asks for news itself,
every few seconds, so a page that nobody looks at costs nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import traitlets
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldmark.account import Account
from fieldmark.errors import StationError
from fieldmark.images import encode_display, open_photo
from fieldmark.station import simulate
from fieldmark.station.board import Board, Memory, look, may_show
from fieldmark.station.changes import drift, say_drift
from fieldmark.station.client import DeskClient
from fieldmark.station.media import Media
from fieldmark.station.outbox import recent_alerts
from fieldmark.station.report import write_report
from fieldmark.station.reviews import Said
from fieldmark.station.stations import the_station
from fieldmark.station.store import FILE_NAME, MEDIA, Store, open_store
from fieldmark.station.tables import Frame, Station
from fieldmark_widgets.assets import module, stylesheet
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import guard
from fieldmark_widgets.monitorboard import describe_alert, describe_card, describe_tile
from fieldmark_widgets.monitoroffice import ACTS, FACTS, describe_me, describe_office
from fieldmark_widgets.monitorweek import describe_sentence, describe_week
from fieldmark_widgets.strings.monitor import MONITOR
from fieldmark_widgets.uploader import Message

LARGE_PX, SMALL_PX = 1024, 320
"""Longer side of a frame that is reviewed, and of one on the wall."""
FIGURES_EVERY, FIGURES_SOON, CHANGES_EVERY = timedelta(minutes=1), timedelta(seconds=10), timedelta(hours=1)
"""How old the week's figures may be, how old after news or a decision, and how old the comparison of pictures may be."""
MAX_NAME, MOST_ALERTS = 80, 5

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Monitor(Component):
    """Shows the station in a folder, and takes reviews.

    Messages from the browser: `look`, every few seconds; `frame` (id, large), answered by `frame` with one buffer or
    by `withheld`; `have` (key); `log` (label, seen_at, camera, note); `hold` (event); `review` (event, verdict, label); `undo`; `report`, answered
    by `report` with its page; `sign_in` (name, pin), answered by `signed_in` with a
    token; `resume` (token); `sign_out`; `office` (act, said). `who`, set by the page, counts only where nobody
    is entered, on a server without accounts.
    """

    _esm = module("monitor")
    _css = stylesheet("monitor")
    set_by_page = frozenset({"who"})

    who = traitlets.Unicode("").tag(sync=True)
    """Whose reviews these are."""
    state = traitlets.Enum(("empty", "ready"), "empty").tag(sync=True)
    """empty: there is no station in the folder yet · ready."""

    _strings = traitlets.Dict(dict(MONITOR)).tag(sync=True)
    _folder = traitlets.Unicode("").tag(sync=True)
    _station = traitlets.Dict().tag(sync=True)
    _wall = traitlets.List(traitlets.Dict()).tag(sync=True)
    _queue = traitlets.List(traitlets.Dict()).tag(sync=True)
    _figures = traitlets.List(traitlets.Dict()).tag(sync=True)
    _did = traitlets.Unicode("").tag(sync=True)
    _me = traitlets.Dict().tag(sync=True)
    _office = traitlets.Dict().tag(sync=True)
    _alerts = traitlets.List(traitlets.Dict()).tag(sync=True)
    _logged = traitlets.Unicode("").tag(sync=True)
    _demo_url = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        folder: str | Path,
        *,
        demo_url: str = "",
        account: Account | None = None,
        clock: Clock = _now,
        **traits: Any,
    ) -> None:
        """Show the station in a folder; it may be made later.

        Args:
            demo_url: where the server plays a simulated station in this folder, when the page asks for it.
            account: who is logged in at a server with accounts: then that is who decides here, with its role.
        """
        self.folder, self.clock, self.account = Path(folder), clock, account
        self.desk = DeskClient(self.folder, account=account)
        self._store: Store | None = None
        self._measured_at: datetime | None = None
        self._compared: tuple[datetime, list[str]] | None = None
        self._has_decided = False
        self._measured_for: tuple[int, ...] = ()
        self._memory: Memory = {}
        self._reviewed: list[list[int]] = []
        own = self.folder.with_name("station") if demo_url else self.folder
        super().__init__(_folder=str(own), _demo_url=demo_url, **traits)
        self.on_msg(self._receive)
        self.look()

    def look(self) -> None:
        """Read the station as it is now.

        Raises:
            StoreError: the store is damaged, or of a newer version.
        """
        store = self._open()
        if store is None:
            self.state = "empty"
            return
        with store.reading() as session:
            station = session.scalars(select(Station).order_by(Station.id)).first()
            if station is None:  # it is being made
                self.state = "empty"
                return
            self._me = describe_me(
                session,
                station,
                typed=self.who[:MAX_NAME],
                token=self.desk.token,
                now=self.clock(),
                account=self.account,
            )
            self._alerts = [
                describe_alert(one, self.clock()) for one in recent_alerts(session, limit=MOST_ALERTS)
            ]
            board = look(session, station, who=self._me["name"], now=self.clock(), memory=self._memory)
            self._measure(session, station, waiting=tuple(card.event_id for card in board.queue))
        self._show(board)
        self.state = "ready"

    def _measure(self, session: Session, station: Station, *, waiting: tuple[int, ...]) -> None:
        """Take the week's figures anew: soon where something was decided or came, else now and then."""
        now, has_news = self.clock(), self._has_decided or waiting != self._measured_for
        oldest = FIGURES_SOON if has_news else FIGURES_EVERY
        if self._measured_at is None or now - self._measured_at >= oldest:
            self._has_decided, self._measured_for = False, waiting
            changes = map(describe_sentence, self._say_changes(session, station))
            self._figures = [*describe_week(session, station, now=now), *changes]
            self._measured_at = now

    def _say_changes(self, session: Session, station: Station) -> list[str]:
        """Say whether pictures changed; once an hour, because it looks at weeks of them."""
        now = self.clock()
        if self._compared is None or now - self._compared[0] >= CHANGES_EVERY:
            self._compared = (now, say_drift(drift(session, station, end=now)))
        return self._compared[1]

    def review(
        self, event_id: int, verdict: str, label: str | None = None, *, alike: Sequence[int] = ()
    ) -> None:
        """Decide about an event, and about those that look like it; raises StationError as `DeskClient.review`."""
        said = Said(event_id, self._me.get("name", ""), verdict, label)  # type: ignore[arg-type]
        outcome = self.desk.review(said)
        self._has_decided = True
        done = [event_id]
        self._reviewed.append(done)
        for other in alike:
            with contextlib.suppress(StationError):  # somebody else holds it, or was first: it is theirs
                self.desk.review(replace(said, event_id=other))
                done.append(other)
        words = [MONITOR[f"did_{outcome.state}"].format(id=event_id, label=label or "")]
        words += [MONITOR["did_alike"].format(n=len(done) - 1)] if len(done) > 1 else []
        words += [MONITOR["did_alert"]] if outcome.alert_key else []
        words += [MONITOR["fell_back"].format(why=" ".join(outcome.fell_back))] if outcome.fell_back else []
        self._did = " ".join(words)
        self.look()

    def undo(self) -> None:
        """Take back the last review of this page."""
        if not self._reviewed:
            return
        events = self._reviewed[-1]
        while events:
            self.desk.undo(events[-1], self._me.get("name", ""))
            event_id = events.pop()
        self._reviewed.pop()
        self._did = MONITOR["did_undone"].format(id=event_id)
        self.look()

    def log(self, label: str, seen_at: str, *, camera: str, note: str) -> None:
        """Write down what somebody saw; raises StationError as `Desk.log`."""
        said = {"label": label, "seen_at": seen_at, "camera": camera, "note": note}
        self.desk.ask("log", self._me.get("name", ""), **said)
        self._logged = MONITOR["log_done"].format(label=label)
        self._measured_at = None
        self.look()

    def ask(self, act: str, said: dict[str, Any]) -> None:
        """Ask the office for what chiefs decide; raises StationError as `Office`."""
        if act in ACTS:
            self.desk.ask(act, self._me.get("name", ""), **{k: v for k, v in said.items() if k in FACTS})
            self._did = MONITOR[f"did_{act}"]
            self._measured_at = None
            self.look()
        if (store := self._open()) is not None and self.state == "ready":
            with store.reading() as session:
                self._office = describe_office(session, the_station(session), now=self.clock())

    def close(self) -> None:
        """Take it off the page."""
        self.desk.close()
        if self._store is not None:
            self._store.close()
            self._store = None
        super().close()

    def _open(self) -> Store | None:
        if self._store is None and (self.folder / FILE_NAME).is_file():
            self._store = open_store(self.folder)
        return self._store

    def _show(self, board: Board) -> None:
        self._station = {
            "name": board.station,
            "zone": board.zone,
            "stage": MONITOR[f"stage_{board.stage}"],
            "simulated": board.station == simulate.NAME,
            "vocab": list(board.vocab),
            "worker": board.is_worker_alive,
            "note": board.worker_note,
            "troubles": [*filter(None, [self._broken_log(board)]), *board.troubles],
            "refused": list(board.refused),
        }
        self._wall = [describe_tile(tile, self.clock()) for tile in board.wall]
        self._queue = [describe_card(card, ZoneInfo(board.zone)) for card in board.queue]

    def _broken_log(self, board: Board) -> str:
        """What a chief is told of the audit log, who can do something about it."""
        return board.broken_log if self._me.get("role") == "chief" else ""

    # --- Messages from the browser ---

    @guard
    def _receive(self, _widget: object, message: Message, _buffers: list[memoryview]) -> None:
        kind = str(message.get("kind"))
        if kind == "look":
            self.look()
        elif kind == "frame":
            self._send_frame(_number(message.get("id")), large=message.get("large") is True)
        elif kind == "hold" and self._me.get("role") in ("ranger", "chief"):
            self.desk.hold(_number(message.get("event")), self._me["name"])
        elif kind in (acts := self._acts()):
            self.problem = ""
            acts[kind](message)

    def _acts(self) -> dict[str, Callable[[Message], None]]:
        """What a person does, each of which clears what went wrong before."""
        return {
            "review": self._review_as_told,
            "undo": lambda _: self.undo(),
            "report": lambda _: self._send_report(),
            "have": self._acknowledge,
            "log": self._log_as_told,
            "office": self._ask_as_told,
            "sign_in": self._sign_in,
            "resume": self._resume,
            "sign_out": self._sign_out,
        }

    def _review_as_told(self, message: Message) -> None:
        event_id, label = _number(message.get("event")), message.get("label")
        alike = self._alike_of(event_id) if message.get("alike") is True else ()
        self.review(event_id, str(message.get("verdict")), str(label) if label else None, alike=alike)

    def _acknowledge(self, message: Message) -> None:
        self.desk.ask("acknowledge", self._me.get("name", ""), key=str(message.get("key")))
        self.look()

    def _log_as_told(self, message: Message) -> None:
        label, seen_at, camera, note = (
            str(message.get(name, "")) for name in ("label", "seen_at", "camera", "note")
        )
        self.log(label, seen_at, camera=camera, note=note)

    def _ask_as_told(self, message: Message) -> None:
        said = message.get("said")
        self.ask(str(message.get("act")), said if isinstance(said, dict) else {})

    def _sign_in(self, message: Message) -> None:
        token = self.desk.sign_in(str(message.get("name", "")), str(message.get("pin", "")))
        self.send({"kind": "signed_in", "token": token})
        self.look()

    def _resume(self, message: Message) -> None:
        self.desk.token = str(message.get("token", ""))
        self.look()

    def _sign_out(self, _message: Message) -> None:
        self.desk.sign_out()
        self.look()

    def _send_report(self) -> None:
        """Send the week as a page to keep, or to print."""
        store = self._open()
        if store is not None and self.state == "ready":
            with store.reading() as session:
                page = write_report(session, end=self.clock())
            today = self.clock().astimezone(ZoneInfo(self._station["zone"]))
            name = MONITOR["report_file"].format(station=self._station["name"], at=today)
            self.send({"kind": "report", "name": name}, [page.encode()])

    def _alike_of(self, event_id: int) -> Sequence[int]:
        """As the page was told: what came since is not decided about unseen."""
        return next((card["alike"] for card in self._queue if card["event_id"] == event_id), ())

    def _send_frame(self, frame_id: int, *, large: bool) -> None:
        """Send a frame encoded anew, without place or camera; a person's is withheld."""
        store = self._open()
        if store is None:
            return
        with store.reading() as session:
            frame = session.get(Frame, frame_id)
            shown = frame is not None and may_show(
                session, frame_id, who=self._me.get("name", ""), now=self.clock()
            )
        if frame is None or not shown:
            self.send({"kind": "withheld", "id": frame_id})
            return
        px = LARGE_PX if large else SMALL_PX
        photo = open_photo(Media(self.folder / MEDIA).get(frame.sha256), need_px=px)
        self.send({"kind": "frame", "id": frame_id, "large": large}, [encode_display(photo.image, max_px=px)])


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
