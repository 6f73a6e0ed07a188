"""Long work beside the pages: one job after the other, each in a process of its own that can be stopped.

A job's record is a file, so its result is there when the page that asked for it is long closed, and after the
server was started anew.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import subprocess
import threading
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from fieldmark.errors import DatasetError, FieldmarkError, ServiceError
from fieldmark.service.frames import Frame, FrameError, FrameWriter, read_frame
from fieldmark.service.workerprocess import start_module

log = logging.getLogger("fieldmark.service")

State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
KINDS = ("check", "train")
MAX_WAITING = 8
MAX_KEPT = 200
CANCEL_S = 5.0
"""Within this a job that is asked to stop does so by itself, or is killed."""
LOST = {
    "code": "lost",
    "reason": "The job's process ended by itself, perhaps for lack of memory. Start it again with fewer photos.",
}
JOB_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Job:
    """A piece of long work and what became of it."""

    id: str
    kind: str
    dataset: str
    """Name of the dataset it works on."""
    state: State
    """interrupted: the server ended before the job did."""
    made: str
    """UTC, ISO 8601."""
    ended: str | None = None
    progress: dict[str, Any] | None = None
    """`step`, `done`, `total` of what it does just now."""
    result: dict[str, Any] | None = None
    """What the command of the same name gives with --json."""
    error: dict[str, str] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state not in ("waiting", "running")


class JobBook:
    """All jobs; threads may share it."""

    def __init__(self, folder: Path, datasets: Path) -> None:
        """Keep the records in `folder`; jobs work on the folders in `datasets`, by name, and on no other."""
        self._folder, self._datasets = folder, datasets
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[str] = deque()
        self._process: subprocess.Popen[bytes] | None = None
        self._running = ""
        self._asked_to_stop = False
        self._changed = threading.Condition()
        self._closed = False
        self._load()
        threading.Thread(target=self._work, daemon=True, name="service-jobs").start()

    def start(self, kind: str, dataset: str) -> Job:
        """Put a job in the queue.

        Raises:
            DatasetError: there is no dataset of that name.
            ServiceError: too many are waiting (`busy`).
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
        self._find(dataset)
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                raise ServiceError("Many jobs are waiting just now. Try again later.", code="busy")
            job = Job(secrets.token_hex(6), kind, dataset, "waiting", _now())
            self._put(job)
            self._waiting.append(job.id)
            self._changed.notify_all()
        return job

    def all(self) -> list[Job]:
        """Every job, the latest first."""
        return sorted(self._jobs.values(), key=lambda job: job.made, reverse=True)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            KeyError: there is none of this name.
        """
        return self._jobs[job_id]

    def find_model(self, job_id: str) -> Path | None:
        """The model file that a training made; None where there is none (yet). Raises KeyError as `get`."""
        job = self._jobs[job_id]
        path = self._model_path(job_id)
        return path if job.kind == "train" and job.state == "done" and path.is_file() else None

    def cancel(self, job_id: str) -> Job:
        """Stop a job, within `CANCEL_S`; one that is over stays as it is. Raises KeyError as `get`."""
        with self._changed:
            job = self._jobs[job_id]
            if job.state == "waiting":
                self._waiting.remove(job_id)
                self._put(replace(job, state="cancelled", ended=_now()))
            elif job.state == "running" and self._process is not None:
                self._asked_to_stop = True
                _ask_to_stop(self._process)
            return self._jobs[job_id]

    def close(self) -> None:
        """Stop what is running; it is then `interrupted`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if self._process is not None:
                self._process.kill()

    # --- Doing them ---

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._running = self._waiting.popleft()
                self._put(replace(self._jobs[self._running], state="running"))
                self._process = start_module("fieldmark.service.jobwork")
            try:
                last = self._follow(self._process, self._jobs[self._running])
            except FieldmarkError as error:
                last = {"error": {"code": error.code, "reason": str(error)}}
            self._end(last)

    def _follow(self, process: subprocess.Popen[bytes], job: Job) -> dict[str, Any]:
        """Give a process its job and note what it says; its last word, or {} where it ended without one."""
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process was started without pipes")
        task = {
            "kind": job.kind,
            "folder": str(self._find(job.dataset)),
            "out": str(self._model_path(job.id)),
        }
        last = Frame({})
        with suppress(FrameError, OSError, ValueError):
            FrameWriter(process.stdin).send(task)
            while True:
                last = read_frame(process.stdout)
                if "progress" not in last.head:
                    break
                self._jobs[job.id] = replace(self._jobs[job.id], progress=last.head["progress"])
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                pipe.close()
        return last.head if "progress" not in last.head else {}

    def _end(self, last: dict[str, Any]) -> None:
        error = last.get("error") or LOST
        state: State = "failed"
        if "result" in last:
            state = "done"
        elif self._closed:
            state = "interrupted"
        elif self._asked_to_stop or error["code"] == "cancelled":
            state = "cancelled"
        with self._changed:
            job = replace(self._jobs[self._running], state=state, ended=_now(), progress=None)
            self._put(replace(job, result=last.get("result"), error=error if state == "failed" else None))
            self._process, self._running, self._asked_to_stop = None, "", False

    def _model_path(self, job_id: str) -> Path:
        return self._folder / f"{job_id}.onnx"

    def _find(self, dataset: str) -> Path:
        """The folder of a dataset; its name never becomes a path by itself."""
        known = {path.name: path for path in self._datasets.glob("*") if path.is_dir()}
        if dataset not in known:
            raise DatasetError(f"There is no dataset called {dataset[:80]!r} here.", code="no_dataset")
        return known[dataset]

    # --- Keeping them ---

    def _put(self, job: Job) -> None:
        """Note a job, on the disk as well, whole or not at all; nobody sees it before it is there, if the disk takes it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished = self._folder / f".{job.id}.{os.getpid()}"
            unfinished.write_text(json.dumps(asdict(job), default=str), "utf-8")
            unfinished.replace(self._folder / f"{job.id}.json")
        finally:
            self._jobs[job.id] = job

    def _load(self) -> None:
        for path in self._folder.glob("*.json"):
            if not JOB_ID.fullmatch(path.stem):
                continue
            try:
                job = Job(**json.loads(path.read_text("utf-8")))
            except (OSError, ValueError, TypeError) as error:
                log.warning("The record of job %s cannot be read: %s", path.stem, error)
                continue
            self._jobs[job.id] = job
            if not job.is_over:
                self._put(replace(job, state="interrupted", ended=_now(), progress=None))
        for job in self.all()[MAX_KEPT:]:
            del self._jobs[job.id]
            for suffix in (".json", ".onnx"):
                (self._folder / f"{job.id}{suffix}").unlink(missing_ok=True)


def _ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()
    timer = threading.Timer(CANCEL_S, process.kill)
    timer.daemon = True
    timer.start()


def _now() -> str:
    return datetime.now(UTC).isoformat()
