"""Connects to public addresses only, for a server that fetches on a visitor's behalf.

The check is where the connection is made, after the name was resolved, and the connection goes to the very address
that was checked. So a redirect to a private address, or a name that resolves otherwise a moment later, is refused
like any other.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore

from fieldmark.collect.failure import FetchFailed

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PublicOnly(httpcore.AsyncNetworkBackend):
    """A network in which private, loopback, link-local and reserved addresses are not there."""

    def __init__(self) -> None:
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host, if all of them are public."""
        addresses = await _resolve(host, port)
        if not addresses or not all(map(is_public, addresses)):
            raise _refused()
        return await self._network.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a socket in the file system is this computer's own."""
        raise _refused()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._network.sleep(seconds)


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet could reach."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            ip = inner
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise httpcore.ConnectError(str(exc)) from exc
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def _refused() -> FetchFailed:
    return FetchFailed(
        "The address leads to a private network, where photos are not fetched from. Use one that is open to everybody.",
        code="refused_address",
        passing=False,
    )
