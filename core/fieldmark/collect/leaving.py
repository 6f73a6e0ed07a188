"""An event loop that can be left at once: nobody who stops waits for a call that nothing can call off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


async def aside(call: Callable[..., Result], *arguments: object) -> Result:
    """Await a call in a thread that is left where it is when the waiting is called off.

    `asyncio.to_thread` does not do: its threads are waited for when the loop closes, and when the process ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: object) -> None:
        if not answer.done():
            set_it(value)

    def work() -> None:
        try:
            told = partial(settle, answer.set_result, call(*arguments))
        except Exception as exc:
            told = partial(settle, answer.set_exception, exc)
        with suppress(RuntimeError):  # the loop was left, and so was this
            loop.call_soon_threadsafe(told)

    Thread(target=work, daemon=True, name="collect-aside").start()
    return await answer


class _Loop(asyncio.SelectorEventLoop):
    """Resolves names aside: where no name server answers that takes up to half a minute."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: Any) -> Any:
        """As the loop does itself."""
        return await aside(partial(socket.getaddrinfo, **hints), host, port)


def run_leaving(work: Coroutine[object, object, Result], stop: Callable[[], None]) -> Result:
    """Run to the end from wherever this is called.

    In a notebook's cell a loop runs already, so it is done in another thread; `stop` ends it there when the cell is
    interrupted, which that thread does not hear of.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(work)
    with ThreadPoolExecutor(1, thread_name_prefix="collect") as pool:
        running = pool.submit(_run, work)
        try:
            return running.result()
        except KeyboardInterrupt:
            stop()
            return running.result()


def _run(work: Coroutine[object, object, Result]) -> Result:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)
