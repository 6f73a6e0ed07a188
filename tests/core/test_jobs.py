"""Long work in a process of its own: progress, the end, being stopped, and being there afterwards."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from fieldmark.errors import DatasetError
from fieldmark.service.jobs import Job, JobBook


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """A small dataset, and one that takes long."""
    rng = np.random.default_rng(0)
    for name, n in (("small", 3), ("large", 400)):
        for label in ("red", "blue"):
            folder = tmp_path / "datasets" / name / label
            folder.mkdir(parents=True)
            for number in range(n):
                noise = rng.integers(0, 255, (256, 256, 3), np.uint8)
                Image.fromarray(noise).save(folder / f"{number}.jpg")
    return tmp_path / "datasets"


@pytest.fixture
def book(datasets: Path, tmp_path: Path) -> Iterator[JobBook]:
    made = JobBook(tmp_path / "jobs", datasets)
    yield made
    made.close()


def until(book: JobBook, job: Job, condition: Callable[[Job], bool], timeout_s: float = 60) -> Job:
    end = time.monotonic() + timeout_s
    while not condition(found := book.get(job.id)):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def over(book: JobBook, job: Job) -> Job:
    return until(book, job, lambda found: found.is_over)


def child() -> psutil.Process:
    found = []
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # one that an earlier test left, and that has ended
            if "fieldmark.service.jobwork" in process.cmdline():
                found.append(process)
    (job,) = found
    return job


def test_a_check_gives_what_the_command_gives(book: JobBook) -> None:
    done = over(book, book.start("check", "small"))
    assert (done.state, done.error) == ("done", None)
    assert done.result is not None
    assert (done.result["files"], done.result["ok"]) == (6, 6)


def test_a_result_is_there_after_the_server_was_started_anew(
    book: JobBook, datasets: Path, tmp_path: Path
) -> None:
    done = over(book, book.start("check", "small"))
    again = JobBook(tmp_path / "jobs", datasets)
    assert again.get(done.id) == done
    again.close()


def test_a_running_job_tells_how_far_it_is_and_stops_when_asked(book: JobBook) -> None:
    job = book.start("check", "large")
    running = until(book, job, lambda found: found.progress is not None or found.is_over)
    assert running.progress is not None
    assert running.progress["total"] in (0, 800)
    book.cancel(job.id)
    start = time.monotonic()
    assert over(book, job).state == "cancelled"
    assert time.monotonic() - start < 60


def test_a_job_that_waits_is_cancelled_at_once_and_the_next_goes_on(book: JobBook) -> None:
    first, second, third = (book.start("check", name) for name in ("large", "small", "small"))
    assert book.cancel(second.id).state == "cancelled"
    book.cancel(first.id)
    assert over(book, third).state == "done"


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_job_that_is_killed_is_told_and_the_next_one_runs(book: JobBook) -> None:
    job = book.start("check", "large")
    until(book, job, lambda found: found.progress is not None)
    os.kill(child().pid, signal.SIGKILL)
    killed = over(book, job)
    assert (killed.state, killed.error and killed.error["code"]) == ("failed", "lost")
    assert over(book, book.start("check", "small")).state == "done"


def test_a_job_that_was_running_when_the_server_ended_is_called_interrupted(
    book: JobBook, datasets: Path, tmp_path: Path
) -> None:
    job = book.start("check", "large")
    until(book, job, lambda found: found.state == "running")
    again = JobBook(tmp_path / "jobs", datasets)
    assert again.get(job.id).state == "interrupted"
    again.close()


def test_what_cannot_be_done_is_said_in_a_sentence(book: JobBook, datasets: Path) -> None:
    (datasets / "empty").mkdir()
    failed = over(book, book.start("train", "empty"))
    assert failed.state == "failed"
    assert failed.error is not None
    assert "Traceback" not in failed.error["reason"]


@pytest.mark.parametrize("name", ["../datasets/small", "/", "..", "", "none", "small/red"])
def test_a_name_cannot_leave_the_folder_of_datasets(name: str, book: JobBook) -> None:
    with pytest.raises(DatasetError):
        book.start("check", name)


def test_a_damaged_record_does_not_keep_the_others(datasets: Path, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "0123456789ab.json").write_text("{")
    book = JobBook(tmp_path / "jobs", datasets)
    assert book.all() == []
    book.close()
