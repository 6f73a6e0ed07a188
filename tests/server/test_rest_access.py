"""Who may use the API, and what nobody can do to it (FAULTS H41, H43, H45–H47). One test for each claim."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from fieldmark_server.app import App
from server.conftest import TOKEN
from server.running import RunningServer, children_of, run_server, wait_for_model
from server.test_pages import leave, read_config
from server.test_rest import RAW, error_of
from server.wire import open_channel

PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def locked(cat_model: Path) -> Iterator[RunningServer]:
    """A server that asks for a password."""
    from jupyter_server.auth.security import passwd

    hashed = passwd(PASSWORD)  # type: ignore[no-untyped-call]
    with run_server(cat_model, api_token=TOKEN, hashed_password=hashed) as running:
        yield running


def routes_of(api: httpx.Client) -> list[tuple[str, str]]:
    """Every method and address of the API, from its own document."""
    document = api.get("/openapi.json").json()
    return [
        (method, path.replace("{id}", "0" * 12))
        for path, methods in document["paths"].items()
        for method in methods
        if method != "parameters"
    ]


OPEN = {("get", "/live")}
PUBLIC = {("post", "/classify")}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_no_route_but_the_health_check_answers_without_a_token(
    header: dict[str, str], api: httpx.Client, stranger: httpx.Client
) -> None:
    routes = routes_of(api)
    assert len(routes) >= 6
    open_here = OPEN | (set() if header else PUBLIC)
    for method, path in routes:
        answer = stranger.request(method, path, headers=header)
        if (method, path) in open_here:
            assert answer.status_code != 403
        else:
            assert (answer.status_code, error_of(answer)["code"]) == (403, "forbidden"), (method, path)


def test_with_a_password_not_even_classifying_is_open(locked: RunningServer) -> None:
    with httpx.Client(base_url=f"{locked.url}/fieldmark/api/v1", timeout=30) as stranger:
        assert stranger.get("/live").status_code == 200
        assert stranger.post("/classify", content=b"x", headers=RAW).status_code == 403
        accepted = stranger.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"})
        assert accepted.status_code == 200


def test_pictures_need_login(locked: RunningServer) -> None:
    """Nor do pages, kernels or anything else of a visitor's, on a server with a password."""
    kernel = "12345678-1234-1234-1234-123456789abc"
    with httpx.Client(base_url=locked.url, timeout=30) as stranger:
        for path in (
            "/",
            "/classify",
            "/voila/files/photo.jpg",
            f"/api/kernels/{kernel}",
            "/files/photo.jpg",
        ):
            answer = stranger.get(path)
            assert answer.status_code in (302, 403, 404), path
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/login?next=")
        assert stranger.get(f"/api/kernels/{kernel}/channels").status_code in (403, 404)
        assert stranger.post(f"/voila/api/shutdown/{kernel}").status_code == 403


def test_the_password_opens_the_pages_and_a_wrong_one_does_not(locked: RunningServer) -> None:
    with httpx.Client(base_url=locked.url, timeout=60) as visitor:
        page = visitor.get("/login")
        assert "Log in" in page.text
        form = {"_xsrf": visitor.cookies["_xsrf"], "password": "wrong"}
        refused = visitor.post("/login", data=form)
        assert refused.status_code == 401
        assert "That is not the password" in refused.text
        assert visitor.get("/").status_code == 302
        entered = visitor.post(
            "/login", params={"next": "//elsewhere.example"}, data=form | {"password": PASSWORD}
        )
        assert (entered.status_code, entered.headers["Location"]) == (302, "/")
        assert visitor.get("/").status_code == 200
        without = visitor.post("/fieldmark/api/v1/classify", content=b"x", headers=RAW)
        assert without.status_code == 403  # the cookie alone could be sent by a page of elsewhere
        xsrf = {"X-XSRFToken": visitor.cookies["_xsrf"]}
        with_cookie = visitor.post("/fieldmark/api/v1/classify", content=b"x", headers=RAW | xsrf)
        assert with_cookie.status_code == 200
        assert visitor.get("/fieldmark/api/v1/metrics").status_code == 200


def test_a_login_without_the_pages_own_mark_is_refused(locked: RunningServer) -> None:
    assert httpx.post(f"{locked.url}/login", data={"password": PASSWORD}, timeout=60).status_code == 403


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://localhost:1"])
def test_a_page_of_another_site_cannot_use_the_api(
    origin: str, api: httpx.Client, stranger: httpx.Client
) -> None:
    for client in (api, stranger):
        answer = client.post("/classify", content=b"x", headers=RAW | {"Origin": origin})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize("path", ["/", "/classify", "/fieldmark/api/v1/live", "/fieldmark/api/v1/classify"])
def test_a_name_that_was_pointed_at_this_machine_is_refused(path: str, server: RunningServer) -> None:
    """DNS rebinding: the browser of a visitor of elsewhere.example, which now means 127.0.0.1."""
    answer = httpx.get(server.url + path, headers={"Host": "elsewhere.example"}, timeout=60)
    assert answer.status_code == 403


def connect(server: RunningServer) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=40)


PATIENCE_S = 3


@pytest.fixture(scope="module")
def impatient(cat_model: Path) -> Iterator[RunningServer]:
    """A server with a tenth of the patience, so that nobody has to wait for the end of it."""
    with run_server(cat_model, patience_s=PATIENCE_S, unclaimed_s=PATIENCE_S) as running:
        yield running


def test_whoever_sends_a_byte_now_and_then_is_cut_off_when_patience_ends(impatient: RunningServer) -> None:
    assert App.patience_s.default_value == 10 * PATIENCE_S
    server, api = impatient, httpx.Client(base_url=f"{impatient.url}/fieldmark/api/v1", timeout=60)
    body, head, idle = connect(server), connect(server), [connect(server) for _ in range(200)]
    start = time.monotonic()
    body.sendall(
        b"POST /fieldmark/api/v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
        b"Content-Length: 60000000\r\n\r\n"
    )
    head.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    waits = []
    ended: dict[str, float] = {}
    connections = {"body": body, "head": head, "idle": idle[0]}
    while len(ended) < len(connections) and time.monotonic() - start < 8 * PATIENCE_S * slowness():
        asked = time.monotonic()
        assert api.get("/live").status_code == 200
        waits.append(time.monotonic() - asked)
        for name, connection in connections.items():
            if name not in ended and is_closed(connection, feed=name != "idle"):
                ended[name] = time.monotonic() - start
        time.sleep(0.1)
    api.close()
    for connection in (body, head, *idle):
        connection.close()
    assert ended.keys() == connections.keys()
    assert sorted(waits)[len(waits) // 2] < 0.2 * slowness()


def test_whoever_only_reads_a_page_takes_no_place_for_long(impatient: RunningServer) -> None:
    """Robots and link previews; each page has a kernel, and there are so many places."""
    with httpx.Client(base_url=impatient.url, timeout=60) as visitor, httpx.Client() as robot:
        mine = str(read_config(visitor.get("/classify").text)["kernelId"])
        with open_channel(impatient.url, mine):
            theirs = str(read_config(robot.get(f"{impatient.url}/classify", timeout=60).text)["kernelId"])
            for _ in range(300):
                if robot.get(f"{impatient.url}/api/kernels/{theirs}").status_code == 404:
                    break
                time.sleep(0.1)
            else:
                pytest.fail("its kernel is still there")
            assert visitor.get(f"/api/kernels/{mine}").status_code == 200
        leave(visitor, mine)


def is_closed(connection: socket.socket, *, feed: bool) -> bool:
    """Whether the server has hung up; sends one more byte if not."""
    try:
        if feed:
            connection.sendall(b"x")
        connection.settimeout(0.01)
        return connection.recv(4096) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_a_flood_without_a_token_does_not_fill_the_memory(locked: RunningServer) -> None:
    process = psutil.Process(locked.process.pid)
    before = process.memory_info().rss
    peak = before

    def flood(_: int) -> int:
        with httpx.Client(timeout=60) as client:
            try:
                return client.post(
                    f"{locked.url}/fieldmark/api/v1/classify", content=bytes(50 * 2**20), headers=RAW
                ).status_code
            except httpx.TransportError:  # cut off while it was still sending
                return 403

    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(flood, n) for n in range(16)]
        while not all(answer.done() for answer in answers):
            peak = max(peak, process.memory_info().rss)
            time.sleep(0.02)
    assert {answer.result() for answer in answers} == {403}
    assert peak - before < 20 * 2**20


def test_fifty_requests_at_once_are_answered_or_refused_and_health_stays_quick(
    api: httpx.Client, cat_jpeg: bytes
) -> None:
    waits: list[float] = []

    def ask(_: int) -> httpx.Response:
        return api.post("/classify", files=[("files", ("a.jpg", cat_jpeg))] * 10)

    with ThreadPoolExecutor(50) as threads:
        answers = [threads.submit(ask, n) for n in range(50)]
        while not all(answer.done() for answer in answers):
            start = time.monotonic()
            assert api.get("/live").status_code == 200
            waits.append(time.monotonic() - start)
            time.sleep(0.05)
    statuses = [answer.result().status_code for answer in answers]
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    for answer in (future.result() for future in answers):
        if answer.status_code == 503:
            assert error_of(answer)["code"] == "busy"
            assert int(answer.headers["Retry-After"]) >= 1
        else:
            assert [result["label"] for result in answer.json()["results"]] == ["cat"] * 10
    assert waits


def worker_of(server: RunningServer) -> psutil.Process:
    """The process that holds the model."""
    (found,) = children_of(server.process.pid, "fieldmark.service.modelworker")
    return found


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
def test_a_worker_killed_in_flight_is_a_503_and_answers_again_within_five_seconds(
    server: RunningServer, api: httpx.Client, cat_jpeg: bytes
) -> None:
    def ask(_: int) -> httpx.Response:
        return api.post("/classify", files=[("files", ("a.jpg", cat_jpeg))] * 8)

    with ThreadPoolExecutor(10) as threads:
        answers = [threads.submit(ask, n) for n in range(10)]
        while api.get("/ready").json()["waiting"] < 16:  # so many are behind those that it has in hand
            assert not all(answer.done() for answer in answers)
            time.sleep(0.005)
        worker_of(server).kill()
        killed = time.monotonic()
    assert {answer.result().status_code for answer in answers} <= {200, 503}
    assert 503 in {answer.result().status_code for answer in answers}
    while api.post("/classify", content=cat_jpeg, headers=RAW).status_code != 200:
        time.sleep(0.1)
    assert time.monotonic() - killed < 5 * slowness()


def slowness() -> float:
    """How much slower than an idle one this machine is just now: a claim in seconds is one about an idle one."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.skipif(os.name != "posix", reason="ends with a signal")
def test_sigterm_answers_whoever_is_in_and_ends_with_0(cat_model: Path, cat_jpeg: bytes) -> None:
    with run_server(cat_model, api_token=TOKEN) as server, ThreadPoolExecutor(8) as threads:
        with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as api:
            api.base_url = httpx.URL(f"{server.url}/fieldmark/api/v1")
            wait_for_model(api)
            worker = worker_of(server)
            answers = [
                threads.submit(api.post, "/classify", files=[("files", ("a.jpg", cat_jpeg))] * 10)
                for _ in range(8)
            ]
            while api.get("/ready").json()["waiting"] < 30 and not answers[0].done():
                time.sleep(0.005)
            server.process.send_signal(signal.SIGTERM)
            statuses = [answer.result().status_code for answer in answers]
        assert statuses.count(200) >= 3  # those that were in
        assert set(statuses) <= {200, 503}  # who came when it was ending was told so
        assert server.process.wait(30) == 0
    assert not worker.is_running()
