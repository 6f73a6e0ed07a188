from __future__ import annotations

import asyncio
import threading
import time

import pytest

from fieldmark_widgets.worker import Worker


def test_jobs_run_elsewhere_and_outcomes_come_back_to_the_event_loop() -> None:
    threads: dict[str, int] = {}

    async def main() -> None:
        finished = asyncio.Event()
        worker = Worker("test")

        def then(_done: object) -> None:
            threads["then"] = threading.get_ident()
            finished.set()

        worker.submit(lambda: threads.update(job=threading.get_ident()), then)
        await asyncio.wait_for(finished.wait(), 10)

    asyncio.run(main())
    assert threads["then"] == threading.get_ident() != threads["job"]


def test_jobs_run_one_after_the_other_in_order() -> None:
    worker, seen = Worker("test"), list[int]()
    for n in range(20):
        worker.submit(lambda n=n: n, lambda done: seen.append(done.result()))  # type: ignore[misc]
    worker.wait()
    assert seen == list(range(20))


def test_waiting_inside_a_running_loop_does_not_lock_up() -> None:
    async def main() -> list[int]:
        worker, seen = Worker("test"), list[int]()
        worker.submit(lambda: 1, lambda done: seen.append(done.result()))
        worker.wait()  # a notebook's cell: the loop runs nothing until the cell is over
        await asyncio.sleep(0.05)
        return seen

    assert asyncio.run(main()) == [1]


def test_an_outcome_may_ask_for_more_work() -> None:
    worker, seen = Worker("test"), list[str]()

    def then(done: object) -> None:
        seen.append("first")
        worker.submit(lambda: None, lambda _done: seen.append("second"))

    worker.submit(lambda: None, then)
    worker.wait()
    assert seen == ["first", "second"]


def test_waiting_has_an_end() -> None:
    worker, gate = Worker("test"), threading.Event()
    worker.submit(lambda: gate.wait(60), lambda _done: None)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not done after 0\.1 s"):
        worker.wait(0.1)
    assert time.monotonic() - start < 30
    gate.set()


def test_a_loop_that_has_ended_is_no_error() -> None:
    gate, worker = threading.Event(), Worker("test")

    async def main() -> None:
        worker.submit(lambda: gate.wait(10), lambda _done: None)

    asyncio.run(main())
    gate.set()
    worker.wait()
