"""What a visitor must not be able to do: one test for each claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from server.running import RunningServer
from server.test_pages import leave, read_config
from server.wire import open_channel, pack, pack_parts, unpack


def read_until(socket: ClientConnection, kind: str, timeout_s: float = 60) -> list[str]:
    """The kinds of message that come, up to the first of this kind."""
    kinds = []
    while not kinds or kinds[-1] != kind:
        kinds.append(unpack(socket.recv(timeout=timeout_s)).kind)
    return kinds


@pytest.fixture
def kernel(visitor: httpx.Client) -> Iterator[str]:
    kernel = str(read_config(visitor.get("/classify").text)["kernelId"])
    yield kernel
    leave(visitor, kernel)


@pytest.fixture
def channel(server: RunningServer, kernel: str) -> Iterator[ClientConnection]:
    """A visitor's connection to the kernel of the page, open to whatever they think of."""
    with open_channel(server.url, kernel) as socket:
        yield socket


REQUESTS = ("execute_request", "input_reply", "debug_request", "complete_request")
OUTCOMES = {"execute_reply", "execute_input", "execute_result", "complete_reply", "debug_reply"}


def try_to_execute(channel: ClientConnection, proof: Path, *requests: str) -> set[str]:
    """Ask a kernel to write a file, in every way there is.

    Returns:
        The kinds of message that came back.
    """
    code = f"open({str(proof)!r}, 'w')"
    content = {
        "code": code,
        "silent": False,
        "user_expressions": {"x": code},
        "allow_stdin": False,
        "cursor_pos": 1,
    }
    for request in requests:
        for where in ("shell", "control", "stdin"):
            channel.send(pack(request, content, channel=where))
    channel.send(pack("kernel_info_request", {}))
    return set(read_until(channel, "kernel_info_reply"))  # the kernel is past the requests before it


@pytest.mark.parametrize("request_type", REQUESTS)
def test_visitor_cannot_execute_code(request_type: str, channel: ClientConnection, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    kinds = try_to_execute(channel, proof, request_type)
    assert not proof.exists()
    assert not OUTCOMES & kinds


@pytest.mark.parametrize("app", ["studio", "monitor"])
def test_neither_can_a_visitor_of_the_other_pages_nor_see_what_their_kernels_print(
    app: str, visitor: httpx.Client, server: RunningServer, tmp_path: Path
) -> None:
    page = visitor.get(f"/{app}", timeout=60)
    kernel, proof = str(read_config(page.text)["kernelId"]), tmp_path / "proof"
    with open_channel(server.url, kernel, max_size=None) as channel:
        channel.send(pack("comm_open", {"comm_id": "c", "target_name": "no-such-target", "data": {}}))
        kinds = try_to_execute(channel, proof, *REQUESTS)
        assert not proof.exists()
        assert not (OUTCOMES | {"stream", "error"}) & kinds
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' blob: 'sha256-" in policy
    assert "'unsafe-eval'" not in policy
    leave(visitor, kernel)


@pytest.mark.parametrize(
    "path",
    [
        "/voila/files/classify.ipynb",
        "/voila/files/fieldmark_server/app.py",
        "/voila/api/contents/classify.ipynb",
        "/voila/tree/",
        "/voila/render/classify.ipynb",
        "/classify.ipynb",
        "/files/classify.ipynb",
        "/api/contents",
        "/api/kernels",
        "/api/sessions",
        "/voila/static/../../../../../etc/passwd",
        "/voila/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/voila/labextensions/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e/app.py",
    ],
)
def test_files_are_not_served(path: str, visitor: httpx.Client) -> None:
    answer = visitor.get(path)
    assert answer.status_code in (403, 404)
    for content in ("root:", '"cells"', "import ", '"content"'):
        assert content not in answer.text


def test_no_source_in_the_page(visitor: httpx.Client) -> None:
    page = visitor.get("/classify")
    source = json.loads((Path(__file__).parents[2] / "apps" / "classify.ipynb").read_text("utf-8"))
    lines = [line.strip() for cell in source["cells"] for line in cell["source"] if len(line.strip()) > 20]
    assert len(lines) >= 3
    assert [line for line in lines if line in page.text] == []
    leave(visitor, read_config(page.text)["kernelId"])


def test_a_page_of_another_site_cannot_connect_to_a_kernel(server: RunningServer, kernel: str) -> None:
    with (
        pytest.raises(InvalidStatus) as caught,
        open_channel(server.url, kernel, origin="http://elsewhere.example"),
    ):
        pass
    assert caught.value.response.status_code == 403


def test_an_endless_message_is_cut_off(channel: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed):
        channel.send(b"x" * (5 * 1024 * 1024))
        channel.recv(timeout=60)


MANY = (2**63).to_bytes(8, "little")
WHOLE = pack("kernel_info_request", {})


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(MANY, id="2^63 parts"),
        pytest.param(MANY + bytes(4096), id="2^63 parts and some zeros"),
        pytest.param((10_000).to_bytes(8, "little") + bytes(80_008), id="10,000 empty parts"),
        pytest.param(WHOLE[:-1], id="cut"),
        pytest.param(WHOLE[:40], id="cut among its numbers"),
        pytest.param(pack_parts(b"shell", b"{}"), id="two parts"),
        pytest.param(b"", id="empty"),
        pytest.param('{"channel": "shell"}', id="the protocol of before"),
    ],
)
def test_a_message_that_is_none_ends_its_connection_and_not_the_server(
    sent: bytes | str, channel: ClientConnection, stranger: httpx.Client
) -> None:
    """jupyter_server counts to whatever number of parts a message names: 2^63 would take it for ever."""
    channel.send(sent)
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            channel.recv(timeout=60)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1003
    assert stranger.get("/live", timeout=30).status_code == 200


def test_a_client_of_the_protocol_of_before_is_refused(server: RunningServer, kernel: str) -> None:
    """Voilà misreads it, and would hang with the first picture that a kernel sends."""
    address = f"{server.url.replace('http', 'ws')}/api/kernels/{kernel}/channels"
    with pytest.raises(InvalidStatus) as caught, connect(address, origin=server.url):  # type: ignore[arg-type]
        pass
    assert caught.value.response.status_code == 400


def test_what_a_kernel_prints_is_not_sent_to_visitors(channel: ClientConnection) -> None:
    """A comm for a target that is not there makes the kernel print a complaint."""
    content = {"comm_id": "c", "target_name": "no-such-target", "data": {}}
    channel.send(pack("comm_open", content))
    channel.send(pack("kernel_info_request", {}))
    kinds = read_until(channel, "kernel_info_reply")
    assert "stream" not in kinds
