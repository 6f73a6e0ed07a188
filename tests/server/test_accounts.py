"""A server with accounts: who gets in, under which name, and what they may do there."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import psutil
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from fieldmark.account import ROLE, USER, Account, signed_in
from fieldmark.errors import ServiceError, StoreError
from fieldmark.predictor import Predictor
from fieldmark_server.accounts import Accounts
from fieldmark_server.backend import ONE_HEAP
from fieldmark_server.cli import _as_base_url, serve
from fieldmark_server.cli_user import user
from server.running import RunningServer, children_of, free_port, run
from server.test_pages import leave, read_config

ANNA, OLE = "Anna Ødegård", "ole"
SECRETS = {ANNA: "a password of Anna's", OLE: "a password of Ole's"}
API = "/fieldmark/api/v1"
BASE = "/parks/north/"
COLOURS = "colours & \u00e6"


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    accounts = Accounts(tmp_path_factory.mktemp("accounts") / "users.json")
    accounts.put(ANNA, "ranger", SECRETS[ANNA])
    accounts.put(OLE, "viewer", SECRETS[OLE])
    return accounts


@pytest.fixture(scope="module")
def park(
    cat_model: Path, accounts: Accounts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """What somebody runs for the rangers of a park, below a path of its host."""
    home = str(tmp_path_factory.mktemp("home"))
    write_colours(Path(home, COLOURS))
    command = [sys.executable, "-m", "fieldmark", "serve", "--port", str(free_port()), "--studio"]
    options = ["--model", str(cat_model), "--users", str(accounts.path), "--base-url", BASE.strip("/")]
    with run([*command, *options], FIELDMARK_HOME=home, FIELDMARK_DATASETS=home) as server:
        yield server


def write_colours(folder: Path) -> None:
    """A dataset that anything can learn."""
    rng = np.random.default_rng(0)
    for channel, label in enumerate(("red", "green")):
        (folder / label).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(0, 90, (64, 64, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / label / f"{number}.png")


@contextmanager
def browser(park: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=park.url, timeout=60) as client:
        client.get("/login")
        yield client


def log_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    form = {"_xsrf": client.cookies["_xsrf"], "name": name, "password": password}
    return client.post("/login", data=form)


def test_everybody_logs_in_with_a_name_of_their_own_below_the_base_url(park: RunningServer) -> None:
    assert park.url.endswith(BASE.rstrip("/"))
    with browser(park) as client:
        assert client.get("/").status_code == 302
        entered = log_in(client, ANNA.upper(), SECRETS[ANNA])
        assert (entered.status_code, entered.headers["Location"]) == (302, BASE)
        assert ANNA in client.get("/logout").text
        assert "studio" in client.get("/").text
        left = client.post("/logout", data={"_xsrf": client.cookies["_xsrf"]})
        assert left.headers["Location"] == f"{BASE}login"
        assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("name", "password"), [(ANNA, SECRETS[OLE]), ("nobody", SECRETS[OLE]), ("", ""), (ANNA, "")]
)
def test_a_wrong_name_is_told_nothing_else_than_a_wrong_password(
    name: str, password: str, park: RunningServer
) -> None:
    with browser(park) as client:
        refused = log_in(client, name, password)
        assert refused.status_code == 401
        assert "Name and password do not fit" in refused.text
        assert client.get("/").status_code == 302


def test_the_kernel_of_a_page_knows_whose_it_is_whatever_the_browser_says(park: RunningServer) -> None:
    with browser(park) as client:
        log_in(client, ANNA, SECRETS[ANNA])
        lie = {"X-Fieldmark-User": "Ole", "X-Fieldmark-Role": "chief", "x-fieldmark-user": "Ole"}
        kernel = read_config(client.get("/studio", headers=lie).text)["kernelId"]
        try:
            assert Account(ANNA, "ranger") in [signed_in(env) for env in kernels_of(park)]
            assert {env.get(USER, ANNA) for env in kernels_of(park)} == {ANNA}
            assert all(env.items() >= ONE_HEAP.items() for env in kernels_of(park))
        finally:
            leave(client, kernel)


def kernels_of(park: RunningServer) -> list[dict[str, str]]:
    """The environments of its kernels."""
    found = []
    for kernel in children_of(park.process.pid, "ipykernel"):
        with suppress(psutil.NoSuchProcess):  # ended meanwhile
            found.append(kernel.environ())
    return found


def test_a_viewer_looks_and_changes_nothing(park: RunningServer) -> None:
    with browser(park) as client:
        log_in(client, OLE, SECRETS[OLE])
        start = client.get("/")
        assert "classify" in start.text
        assert "/studio" not in start.text
        assert client.get("/studio").status_code == 403
        xsrf = {"X-XSRFToken": client.cookies["_xsrf"]}
        wish = {"kind": "train", "dataset": "bears"}
        for refused in (
            client.post(f"{API}/jobs", json=wish, headers=xsrf),
            client.delete(f"{API}/jobs/{'0' * 12}", headers=xsrf),
        ):
            assert refused.status_code == 403
            assert "ranger" in refused.json()["error"]["reason"]
        assert client.get(f"{API}/jobs").status_code == 200


def test_a_ranger_trains_over_the_api_and_takes_the_model_home(park: RunningServer, tmp_path: Path) -> None:
    with browser(park) as client:
        log_in(client, ANNA, SECRETS[ANNA])
        xsrf = {"X-XSRFToken": client.cookies["_xsrf"]}
        kinds = ("check", "train")
        jobs = [
            client.post(f"{API}/jobs", json={"kind": kind, "dataset": COLOURS}, headers=xsrf).json()["id"]
            for kind in kinds
        ]
        while (last := client.get(f"{API}/jobs/{jobs[1]}").json())["state"] in ("waiting", "running"):
            time.sleep(0.1)
        assert last["state"] == "done", last
        refused = client.get(f"{API}/jobs/{jobs[0]}/model")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "no_result")
        assert client.get(f"{API}/jobs/{'0' * 12}/model").status_code == 404
        sent = client.get(f"{API}/jobs/{jobs[1]}/model")
        assert quote(f"{COLOURS}.onnx") in sent.headers["Content-Disposition"]
        assert int(sent.headers["Content-Length"]) == len(sent.content)
        path = tmp_path / "model.onnx"
        path.write_bytes(sent.content)
        assert Predictor.load(path).sha256 == last["result"]["model_sha256"]
        assert set(Predictor.load(path).vocab) == {"red", "green"}
        stranger = httpx.get(f"{park.url}{API}/jobs/{jobs[1]}/model", timeout=60)
        assert stranger.status_code == 403


def test_who_was_removed_or_got_another_password_is_out_with_the_next_click(
    park: RunningServer, accounts: Accounts
) -> None:
    for change in (
        lambda: accounts.put("Kim", "ranger", "another one of Kim's"),
        lambda: accounts.remove("Kim"),
    ):
        accounts.put("Kim", "ranger", "a password of Kim's")
        with browser(park) as client:
            assert log_in(client, "Kim", "a password of Kim's").status_code == 302
            assert client.get("/").status_code == 200
            change()
            assert client.get("/").status_code == 302


def test_logins_are_checked_beside_everything_else_and_a_flood_of_them_is_refused(
    park: RunningServer,
) -> None:
    """A password takes a tenth of a second to check, on purpose."""

    with browser(park) as client, ThreadPoolExecutor(60) as threads:
        answers = [threads.submit(log_in, client, "nobody", str(number)) for number in range(60)]
        waits = []
        while not all(answer.done() for answer in answers) or not waits:
            start = time.perf_counter()
            assert client.get(f"{API}/live").status_code == 200
            waits.append(time.perf_counter() - start)
        statuses = {answer.result().status_code for answer in answers}
    assert statuses == {401, 503}
    assert sorted(waits)[len(waits) // 2] < 1.0


# --- The file, without a server -----------------------------------------------------------------------------


def test_the_file_has_no_password_in_it_and_is_for_nobody_else(accounts: Accounts) -> None:
    text = accounts.path.read_text("utf-8")
    assert ANNA in text
    assert "argon2" in text
    assert not any(secret in text for secret in SECRETS.values())
    if os.name == "posix":
        assert accounts.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 61, "a\u202eb", "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="signs"):
        Accounts(tmp_path / "users.json").put(name, "ranger", "long enough")


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="at least 8"):
        Accounts(tmp_path / "users.json").put("Anna", "ranger", "1234567")


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"format": 1}', '{"format": 2, "users": []}', '{"format": 1, "users": [{"name": "x"}]}'],
)
def test_a_file_that_is_none_lets_nobody_in(text: str, tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(text, "utf-8")
    with pytest.raises(StoreError):
        Accounts(path).all()


def test_a_server_that_nobody_could_log_in_to_is_not_started(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="fieldmark user NAME"):
        serve(users=tmp_path / "none.json", host="127.0.0.1")


def test_accounts_are_kept_by_one_command(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    cli = typer.Typer()
    cli.command()(user)
    run_it = CliRunner().invoke
    added = run_it(cli, ["Kim", "--users", str(users), "--role", "chief"], input="12345678\n12345678\n")
    assert added.exit_code == 0, added.output
    assert "12345678" not in added.output
    listed = run_it(cli, ["--users", str(users), "--json"])
    assert json.loads(listed.output)["users"] == [{"name": "Kim", "role": "chief"}]
    removed = run_it(cli, ["kim", "--users", str(users), "--remove"])
    assert "Nobody is in" in removed.output


def test_who_is_signed_in_is_read_from_the_environment() -> None:
    assert signed_in({USER: "Kim", ROLE: "chief"}) == Account("Kim", "chief")
    assert signed_in({USER: "Kim", ROLE: "king"}) == Account("Kim", "viewer")
    assert signed_in({}) is None
    assert Account("Kim", "chief").may("ranger")
    assert not Account("Kim", "viewer").may("ranger")


@pytest.mark.parametrize(
    ("given", "taken"),
    [("/", "/"), ("", "/"), ("apps", "/apps/"), ("/a/b", "/a/b/"), ("/a-1/~b/", "/a-1/~b/")],
)
def test_a_base_url_gets_its_slashes(given: str, taken: str) -> None:
    assert _as_base_url(given) == taken


@pytest.mark.parametrize("given", ["/a b/", "http://host/", "/a//b/", "/../", "/a?b", "/{x}/", "/ä/"])
def test_a_base_url_that_is_no_path_is_refused(given: str) -> None:
    with pytest.raises(ServiceError, match="Write it like /apps/"):
        _as_base_url(given)
