"""A day on which everything goes wrong: is each fault on the wall, and does all of it pass without a restart?"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from stationbench.stations import cat_model, new_station

from core.station.conftest import SetClock, picture
from core.station.test_stages import PLAN
from fieldmark.predictor import Predictor
from fieldmark.station.board import Board, look
from fieldmark.station.desk import Desk
from fieldmark.station.office import Office
from fieldmark.station.reviews import Said
from fieldmark.station.stations import the_station
from fieldmark.station.store import Store, open_store
from fieldmark.station.tables import Alert, Frame
from fieldmark.station.worker import Worker

CAMERAS = ("north", "south", "west")
DISK_MIB = 24


def day(work: Path) -> None:
    """Play it hour by hour with one worker; AssertionError where a fault is not shown, or stays."""
    folder = work / "disk"
    folder.mkdir()
    model, port = cat_model(work), _free_port()
    with small_disk(folder) as is_small:
        mail = {
            "kind": "mail", "name": "mail", "host": "127.0.0.1", "port": port, "sender": "station@example.org",
            "to": ["ranger@example.org"], "use_tls": False,
        }  # fmt: skip
        new_station(folder / "station", channels=[mail])
        Day(folder / "station", model, port, is_small=is_small).play()


class Day:
    """One worker, whose clock is played."""

    def __init__(self, folder: Path, model: Path, port: int, *, is_small: bool) -> None:
        self.store: Store = open_store(folder)
        self.clock, self.port, self.is_small = SetClock(), port, is_small
        self.worker = Worker(self.store, models=(Predictor.load(model),), clock=self.clock, still_s=0)
        self.number = 0
        with self.store.writing() as session:
            the_station(session).since = self.clock() - timedelta(days=9)

    def play(self) -> None:
        """The day before, then one fault after the other."""
        for _ in range(30):
            self.hour("north", "south")
        self.see("a stalling camera", lambda board: _urgency(board, "west") == "grey")  # never heard
        self.hour("west", "north", "south")
        for _ in range(26):
            self.hour("north", "south")
        self.see("a stalling camera is silent", lambda board: _is_silent(board, "west"))
        self.hour("west")
        self.see("it watches again", lambda board: _urgency(board, "west") in ("ok", "red"))
        self.half_a_picture()
        if self.is_small:
            self.disk_full()
        self.mail_down()
        self.clock_back()
        self.store.close()

    def half_a_picture(self) -> None:
        data = picture("gravel", number=90)
        self.drop("north", data[: len(data) // 2])
        self.worker.round()
        self.see("half a picture", lambda board: any("not accepted" in said for said in board.refused))

    def disk_full(self) -> None:
        before, filler = self.frames(), self.store.folder / "filler"
        self.drop("north", picture("cat", number=81))
        self.drop("south", picture("cat", number=82))
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        self.worker.round()
        self.see("disk full", lambda board: "disk is full" in board.worker_note)
        filler.unlink()
        self.worker.round()
        self.see("room again", lambda board: board.worker_note == "" and self.frames() == before + 2)

    def mail_down(self) -> None:
        office = Office(self.store, clock=self.clock)
        office.sign_plan("chief", **PLAN)  # type: ignore[arg-type]
        office.set_stage("chief", 2, why="the bench")
        self.hour("south")
        event = self.board().queue[0].event_id
        Desk(self.store, clock=self.clock).review(Said(event, "Kari", "confirmed"))
        self.worker.round()
        self.see("mail down", lambda board: any("could not be sent yet" in said for said in board.troubles))
        server = MailServer(self.port)
        self.clock.forward(seconds=16)
        self.worker.round()
        self.see("mail up again: sent", lambda board: not any("sent" in said for said in board.troubles))
        server.close()
        assert len(server.messages) == 1
        with self.store.reading() as session:
            assert session.scalars(select(Alert.state)).all() == ["sent"]

    def clock_back(self) -> None:
        before = self.frames()
        self.clock.forward(hours=-1)
        self.drop("north", picture("cat", number=95))
        self.worker.round()
        self.see(
            "clock an hour back", lambda board: any("clock went back" in said for said in board.troubles)
        )
        assert self.frames() == before + 1
        self.clock.forward(hours=1, minutes=1)
        self.hour("north")
        self.see("clock right again", lambda board: not any("clock" in said for said in board.troubles))

    def hour(self, *cameras: str) -> None:
        """An hour passes, in which cameras take a picture each."""
        self.clock.forward(hours=1)
        for camera in cameras:
            self.drop(camera, picture("cat" if self.number % 5 == 0 else "gravel", number=self.number % 80))
        self.worker.round()

    def drop(self, camera: str, data: bytes) -> None:
        folder = self.worker.spool.folder / camera
        folder.mkdir(parents=True, exist_ok=True)
        self.number += 1
        marked = data[:2] + b"\xff\xfe\x00\x08" + f"{self.number:06}".encode() + data[2:]
        (folder / f"{self.number:06}.jpg").write_bytes(marked)

    def frames(self) -> int:
        with self.store.reading() as session:
            return session.scalar(select(func.count(Frame.id))) or 0

    def board(self) -> Board:
        with self.store.reading() as session:
            return look(session, the_station(session), who="Kari", now=self.clock())

    def see(self, what: str, true: Callable[[Board], bool]) -> None:
        """Look at the wall."""
        board = self.board()
        assert true(board), (what, board.wall, board.worker_note, board.troubles)
        shown = [f"{tile.name} {tile.urgency}" for tile in board.wall if tile.urgency in ("amber", "grey")]
        print(
            f"  {what}: {'; '.join([*shown, board.worker_note, *board.troubles, *board.refused]).strip('; ') or 'all is well'}"
        )


class MailServer:
    """As much of SMTP as a client needs, on a port of this machine."""

    def __init__(self, port: int) -> None:
        self.messages: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, client.makefile("rw", newline="\r\n", encoding="utf-8") as lines:
                self._talk(lines)

    def _talk(self, lines: object) -> None:
        def say(text: str) -> None:
            lines.write(text + "\r\n")  # type: ignore[attr-defined]
            lines.flush()  # type: ignore[attr-defined]

        say("220 bench")
        body: list[str] | None = None
        for line in lines:  # type: ignore[attr-defined]
            text = line.rstrip("\r\n")
            if body is not None:
                if text == ".":
                    self.messages.append("\n".join(body))
                    body = None
                    say("250 kept")
                else:
                    body.append(text)
            elif text.upper() == "DATA":
                body = []
                say("354 go on")
            elif text.upper() == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A disk that can be filled; where none can be mounted, the day goes on without that fault and says so."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
    is_small = subprocess.run(command, capture_output=True, check=False).returncode == 0
    if not is_small:
        print("  (no small disk can be mounted here, so none is filled: that takes root)")
    try:
        yield is_small
    finally:
        if is_small:
            subprocess.run(["umount", str(folder)], check=False)


def _is_silent(board: Board, camera: str) -> bool:
    """As a colour, or in words where a sighting that waits has the colour."""
    return any(
        t.name == camera and (t.urgency in ("amber", "grey") or "silent" in t.note) for t in board.wall
    )


def _urgency(board: Board, camera: str) -> str:
    return next((tile.urgency for tile in board.wall if tile.name == camera), "grey")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
