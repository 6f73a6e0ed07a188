"""One life of the process that holds the model: started, asked, and seen to end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from fieldmark.service.frames import Frame, FrameError, FrameWriter, read_frame

STOP_TIMEOUT_S = 5.0


class WorkerProcess:
    """A running worker. Frames it sends go to `on_frame`, its end to `on_end`; both in a thread of their own."""

    def __init__(
        self, models: Sequence[Path], *, on_frame: Callable[[Frame], None], on_end: Callable[[], None]
    ) -> None:
        self._on_frame, self._on_end = on_frame, on_end
        self._process = start_module("fieldmark.service.modelworker", *map(str, models))
        self._writer = FrameWriter(_pipe(self._process.stdin))
        self._reader = threading.Thread(target=self._read, daemon=True, name="service-answers")
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, head: dict[str, Any], parts: Sequence[bytes]) -> None:
        """Give it work; where it has ended meanwhile, `on_end` tells."""
        try:
            self._writer.send(head, parts)
        except (OSError, ValueError):
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def stop(self) -> None:
        """Let it end by itself, which it does when its input ends; kill it where it does not."""
        with suppress(OSError):
            _pipe(self._process.stdin).close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join(STOP_TIMEOUT_S)

    def _read(self) -> None:
        output = _pipe(self._process.stdout)
        try:
            while True:
                self._on_frame(read_frame(output))
        except (FrameError, OSError, ValueError):
            self._process.kill()  # what wrote half a frame is of no use any more
            self._process.wait()
            for pipe in (output, _pipe(self._process.stdin)):
                with suppress(OSError):  # what it was being sent
                    pipe.close()
            self._on_end()


def start_module(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of ours in a process of its own, which Ctrl-C in the terminal does not reach."""
    apart: dict[str, Any] = (
        {"start_new_session": True}
        if os.name == "posix"
        else {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined,unused-ignore]
    )
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **apart)


def _pipe(pipe: IO[bytes] | None) -> Any:
    if pipe is None:
        raise ValueError("the process was started without this pipe")
    return pipe
