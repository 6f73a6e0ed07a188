"""Fetches from other people's servers: few connections to each, no faster than they ask, and nothing without bound."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx

from fieldmark.collect.addresses import PublicOnly
from fieldmark.collect.failure import FetchFailed
from fieldmark.collect.rules import Rules

MAX_REDIRECTS = 5
MAX_ANSWER_BYTES = 20_000_000
"""Of a page of search results."""
AGAIN_S = 0.3
"""Until the second try; twice that until the third."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)
_BUSY = (429, 503)
_MOVED = (301, 302, 303, 307, 308)
_WHY = {
    401: ("not_allowed", "the server wants somebody who is logged in"),
    403: ("not_allowed", "the server does not give it to us"),
    404: ("gone", "it is no longer there"),
    410: ("gone", "it was taken away for good"),
}


class _Host:
    """What is known of one server, and the connections that it may be asked over."""

    def __init__(self, connections: int) -> None:
        self.connections = connections
        self._fewest = max(1, connections // 4)
        self._eased_at = 0.0
        self._free = asyncio.Semaphore(connections)
        self._surplus = 0
        self.not_before = 0.0
        """By time.monotonic(): it asked to be left alone until then."""

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        """Wait for a free one, and keep it meanwhile."""
        await self._free.acquire()
        try:
            yield
        finally:
            if self._surplus:
                self._surplus -= 1
            else:
                self._free.release()

    def leave_alone(self, wait_s: float, asked_at: float) -> None:
        """Ask nothing for a while, and then over half as many connections, but never less than a quarter of them.

        Args:
            asked_at: when the question was asked that it was too busy for. Of several that were on their way together, one
                counts.
        """
        now = time.monotonic()
        self.not_before = max(self.not_before, now + wait_s)
        if asked_at >= self._eased_at:
            fewer = max(self._fewest, self.connections // 2)
            self._surplus += self.connections - fewer
            self.connections, self._eased_at = fewer, now


class Polite:
    """A client for one collecting; use it in `async with`."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._hosts: dict[str, _Host] = defaultdict(lambda: _Host(rules.per_host))
        self._client = httpx.AsyncClient(
            headers={"User-Agent": rules.user_agent},
            timeout=httpx.Timeout(rules.timeout_s, connect=min(10.0, rules.timeout_s)),
            limits=LIMITS,
            transport=_public_transport()
            if rules.public_only
            else None,  # None: with the proxy that is set here, if any
            trust_env=not rules.public_only,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def get_json(self, url: str, params: Mapping[str, str | int] | None = None) -> Any:
        """Ask a source; waits and asks again as `get` does.

        Raises:
            FetchFailed: no answer, or one that is no JSON (`bad_answer`).
        """
        address = str(httpx.URL(url, params={k: str(v) for k, v in (params or {}).items()}))
        content = await self.get(address, accept="application/json", max_bytes=MAX_ANSWER_BYTES)
        try:
            return json.loads(content)
        except ValueError as exc:
            raise FetchFailed(
                f"{_host_of(url)} answered with something that is no JSON. It may be down, or a login page may stand "
                "between: open it in a browser.",
                code="bad_answer",
            ) from exc

    async def get(self, url: str, *, accept: str = "image/*", max_bytes: int | None = None) -> bytes:
        """Fetch the bytes of an address, following redirects; what may be passing is tried again, more slowly.

        Raises:
            FetchFailed: with the reason.
        """
        for attempt in range(1, self.rules.attempts + 1):
            try:
                return await self._follow(url, accept, max_bytes or self.rules.max_bytes)
            except FetchFailed as failed:
                if not failed.passing or attempt == self.rules.attempts:
                    raise
            await asyncio.sleep(AGAIN_S * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    async def _follow(self, url: str, accept: str, max_bytes: int) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._ask(url, accept, max_bytes)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        raise FetchFailed("The address leads round in a circle.", code="redirects", passing=False)

    async def _ask(self, url: str, accept: str, max_bytes: int) -> bytes | str:
        """Ask once: the bytes, or the address to ask instead."""
        host = self._hosts[_checked_host(url)]
        async with host.connection():
            await self._wait_for(host, url)
            try:
                async with asyncio.timeout(self.rules.timeout_s):
                    return await self._stream(host, url, accept, max_bytes)
            except FetchFailed:
                raise
            except (TimeoutError, httpx.TimeoutException) as exc:
                raise FetchFailed(
                    f"Too slow: not whole within {self.rules.timeout_s:g} s.", code="too_slow"
                ) from exc
            except httpx.InvalidURL as exc:
                raise _no_address(url) from exc
            except (httpx.HTTPError, httpcore.NetworkError, OSError) as exc:
                raise FetchFailed(
                    f"No connection to {_host_of(url)}. Check that this computer is online.",
                    code="no_connection",
                ) from exc

    async def _wait_for(self, host: _Host, url: str) -> None:
        wait = host.not_before - time.monotonic()
        if wait > self.rules.max_wait_s:
            raise FetchFailed(
                f"{_host_of(url)} asks to be left alone for {_in_words(wait)}. Try again then; what has arrived stays.",
                code="rate_limited",
            )
        if wait > 0:
            await asyncio.sleep(wait)

    async def _stream(self, host: _Host, url: str, accept: str, max_bytes: int) -> bytes | str:
        asked_at = time.monotonic()
        async with self._client.stream("GET", url, headers={"Accept": accept}) as answer:
            if answer.status_code in _MOVED and "location" in answer.headers:
                return answer.headers["location"]
            if answer.status_code in _BUSY:
                wait = _retry_after(answer.headers.get("retry-after"))
                host.leave_alone(1.0 if wait is None else wait, asked_at)
                raise FetchFailed(f"{_host_of(url)} is busy ({answer.status_code}).", code="busy")
            if answer.status_code != httpx.codes.OK:
                raise _refusal(answer.status_code)
            return await _body(answer, max_bytes)


async def _body(answer: httpx.Response, max_bytes: int) -> bytes:
    announced = answer.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > max_bytes:
        raise _too_large(max_bytes)
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > max_bytes:  # whatever was announced
            raise _too_large(max_bytes)
    return bytes(content)


def _public_transport() -> httpx.AsyncHTTPTransport:
    transport = httpx.AsyncHTTPTransport(limits=LIMITS, retries=0)
    transport._pool = httpcore.AsyncConnectionPool(  # httpx has no way to choose the network of a transport
        ssl_context=httpx.create_ssl_context(), max_connections=100, network_backend=PublicOnly()
    )
    return transport


def _checked_host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise _no_address(url) from None
    if parts.scheme not in ("http", "https") or not host:
        raise _no_address(url)
    return f"{host}:{parts.port or parts.scheme}"


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def _no_address(url: str) -> FetchFailed:
    return FetchFailed(
        f"{url[:200]!r} is no web address. One that begins with https:// was expected.",
        code="bad_url",
        passing=False,
    )


def _too_large(max_bytes: int) -> FetchFailed:
    return FetchFailed(f"Larger than {max_bytes / 1e6:.0f} MB.", code="too_large_file", passing=False)


def _refusal(status: int) -> FetchFailed:
    code, why = _WHY.get(status, ("server_error" if status >= 500 else "refused", "the server refuses"))
    return FetchFailed(f"Not to be had: {why} ({status}).", code=code, passing=status >= 500)


def _retry_after(said: str | None) -> float | None:
    """Seconds to wait, of a header that gives seconds or a date; None when it says nothing sensible."""
    if said is None:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
