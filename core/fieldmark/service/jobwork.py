"""The process of one job: `python -m fieldmark.service.jobwork`. Told what to do, it says how far it is, and the end.

It stops when its input ends: at its next word, and what is half-written is not kept. Whoever waits no longer than
that kills it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from fieldmark.callbacks import Callback, Progress
from fieldmark.errors import Cancelled, FieldmarkError
from fieldmark.service.frames import FrameError, FrameWriter, read_frame

INTERVAL_S = 0.2
"""Between two words about progress."""


class Words:
    """The callback of a job: its progress as frames, and the end of the input as a wish to stop."""

    def __init__(self, out: FrameWriter, requests: BinaryIO) -> None:
        self._out = out
        self._next = 0.0
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, args=(requests,), daemon=True).start()

    def __call__(self, progress: Progress) -> None:
        """Say how far it is; raises Cancelled once that is asked for."""
        if self._stopped.is_set():
            raise Cancelled("Stopped.")
        now = time.monotonic()
        if now >= self._next:
            self._next = now + INTERVAL_S
            self._out.send(
                {"progress": {"step": progress.step, "done": progress.done, "total": progress.total}}
            )

    def _watch(self, requests: BinaryIO) -> None:
        with suppress(OSError, ValueError):
            requests.read()
        self._stopped.set()


def check(folder: Path, _out: Path, callback: Callback) -> dict[str, Any]:
    """Look at every photo of a folder."""
    from fieldmark.check import check_folder

    return check_folder(folder, callback).as_dict()


def train(folder: Path, out: Path, callback: Callback) -> dict[str, Any]:
    """Fit a model on a folder, and save it at `out`."""
    from fieldmark.training import train as train_folder

    return train_folder(folder, out, callback=callback).as_dict()


KINDS: dict[str, Callable[[Path, Path, Callback], dict[str, Any]]] = {"check": check, "train": train}


def main() -> None:
    """Do one job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then ends this process
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out = FrameWriter(output)
    with suppress(FrameError):
        task = read_frame(sys.stdin.buffer).head
        out.send(_do(task, Words(out, sys.stdin.buffer)))
    os._exit(0)  # the thread that waits for the input would keep it


def _do(task: dict[str, Any], words: Words) -> dict[str, Any]:
    try:
        return {"result": KINDS[task["kind"]](Path(task["folder"]), Path(task["out"]), words)}
    except FieldmarkError as error:
        return {"error": {"code": error.code, "reason": str(error)}}
    except Exception as error:  # said in one sentence; the traceback is in the log
        sys.excepthook(type(error), error, error.__traceback__)
        return {
            "error": {"code": "failed", "reason": "Something unexpected happened; it is in the server's log."}
        }


if __name__ == "__main__":
    main()
