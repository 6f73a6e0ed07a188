"""The simulated station in one click: its worker runs beside the server, and ends with it however it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_server.utils import url_path_join
from tornado import web

from fieldmark.models.places import DEMO_STATION, find_station
from fieldmark_server.accounts import account_of
from fieldmark_server.apptable import APPS
from fieldmark_server.pages import Page

PLACE = "demo-station"
"""Below the server's base_url: where a page asks for it."""
STORE = "station.sqlite"
PATIENCE_S = 20.0


class DemoStation:
    """Plays the station in a folder, once somebody asks."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_playing(self) -> bool:
        """Whether its worker runs."""
        return self._process is not None and self._process.poll() is None

    def play(self) -> None:
        """Start its worker, unless it runs. It ends when its input does, so also when this process is killed."""
        if self.is_playing:
            return
        command = [sys.executable, "-m", "fieldmark", "station", "demo", str(self.folder), "--attached"]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "demo.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def stop(self) -> None:
        """End it."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def offered(environment: Mapping[str, str]) -> DemoStation | None:
    """Give the demo station, unless a real one is watched here."""
    folder = find_station(environment)
    is_real = "FIELDMARK_STATION" in environment or folder.name != DEMO_STATION
    return None if is_real else DemoStation(folder)


class DemoHandler(Page):
    """What the button asks for."""

    def initialize(self, *, demo: DemoStation) -> None:
        """Take the station to play."""
        self.demo = demo

    @web.authenticated
    async def post(self) -> None:
        """Play it, and show it as soon as there is something to show."""
        if not APPS["monitor"].is_open_to(account_of(self)):
            raise web.HTTPError(403)
        self.demo.play()
        for _ in range(int(PATIENCE_S / 0.1)):
            if (self.demo.folder / STORE).is_file() or not self.demo.is_playing:
                break
            await asyncio.sleep(0.1)
        self.redirect(url_path_join(self.base_url, "monitor"), status=303)
