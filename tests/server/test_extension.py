"""In a Jupyter server: it is loaded by itself, answers with the server's token, and its kernels hold no model."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from server.running import RunningServer, children_of, free_port, run
from server.test_rest import RAW, error_of
from server.wire import PROTOCOL, pack, unpack

APPS = Path(__file__).parents[2] / "apps"
TOKEN = "the-servers-own"

CELL = """
import os, sys
from pathlib import Path
from fieldmark_widgets import Classifier, from_environment
classifier = Classifier.load(*from_environment().models)
classifier.add("cat.jpg", Path(PHOTO).read_bytes())
classifier.wait()
print(classifier.predictions[0].label, "openvino" in sys.modules, os.environ["FIELDMARK_COLLECT"])
"""


@pytest.fixture(scope="module")
def jupyter(cat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    port = free_port()
    command = [sys.executable, "-m", "jupyter_server", f"--port={port}", "--ip=0.0.0.0", "--no-browser", "--allow-root",
               f"--IdentityProvider.token={TOKEN}", "--ServerApp.base_url=/user/me/"]  # fmt: skip
    start = [sys.executable, "-c", STARTER, str(port), *command]
    with run(
        start,
        FIELDMARK_MODEL=str(cat_model),
        FIELDMARK_WARM="1",
        JUPYTER_CONFIG_PATH=str(APPS / "fieldmark_server"),  # as the wheel installs it
        JUPYTER_RUNTIME_DIR=str(tmp_path_factory.mktemp("runtime")),
        JUPYTER_CONFIG_DIR=str(tmp_path_factory.mktemp("config")),
    ) as server:
        yield server


STARTER = """
import signal, subprocess, sys, time, urllib.request, urllib.error
server = subprocess.Popen(sys.argv[2:])
signal.signal(signal.SIGINT, lambda *_: server.terminate())
url = f"http://127.0.0.1:{sys.argv[1]}/user/me/"
for _ in range(600):
    try:
        urllib.request.urlopen(url + "fieldmark/api/v1/live")
        print("ready", url, flush=True)
        break
    except OSError:
        time.sleep(0.1)
sys.exit(server.wait())
"""


@pytest.fixture
def api(jupyter: RunningServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {TOKEN}"}
    with httpx.Client(base_url=jupyter.url, headers=headers, timeout=60) as client:
        yield client


def test_it_is_loaded_by_itself_and_answers_with_the_servers_token(
    api: httpx.Client, cat_jpeg: bytes
) -> None:
    for _ in range(600):  # as on Binder: the model is loaded before anybody asks for it
        if api.get("/fieldmark/api/v1/ready").status_code == 200:
            break
        time.sleep(0.1)
    answer = api.post("/fieldmark/api/v1/classify", content=cat_jpeg, headers=RAW)
    assert answer.json()["results"][0]["label"] == "cat"


def test_without_the_token_only_the_health_check_answers(jupyter: RunningServer) -> None:
    with httpx.Client(base_url=f"{jupyter.url}/fieldmark/api/v1", timeout=30) as stranger:
        assert stranger.get("/live").status_code == 200
        for path in ("/ready", "/models", "/metrics", "/openapi.json", "/jobs"):
            assert error_of(stranger.get(path))["code"] == "forbidden"
        assert stranger.post("/classify", content=b"x", headers=RAW).status_code == 403


def test_a_kernel_finds_the_service_and_loads_no_engine(
    api: httpx.Client, jupyter: RunningServer, cat_jpeg: bytes, tmp_path: Path
) -> None:
    photo = tmp_path / "cat.jpg"
    photo.write_bytes(cat_jpeg)
    kernel = api.post("/api/kernels", json={"name": "python3"}).json()["id"]
    address = f"{jupyter.url.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={TOKEN}"
    printed, answered = "", False
    with connect(address, subprotocols=[PROTOCOL]) as socket:
        socket.send(pack("execute_request", {"code": CELL.replace("PHOTO", repr(str(photo)))}))
        while not answered or len(printed.split()) < 3:  # what is printed may come after the reply
            heard = unpack(socket.recv(timeout=60))
            if heard.kind == "stream":
                printed += heard.content["text"]
            elif heard.kind in ("execute_reply", "error"):
                assert heard.content.get("status", "error") == "ok", heard
                answered = True
    api.delete(f"/api/kernels/{kernel}")
    assert printed.split() == [
        "cat",
        "False",
        "public",
    ]  # over the network: nothing private is fetched (FAULTS H48)


def test_the_worker_ends_with_the_server(jupyter: RunningServer, api: httpx.Client) -> None:
    api.get("/fieldmark/api/v1/models")
    (worker,) = children_of(jupyter.process.pid, "fieldmark.service.modelworker")
    api.post("/api/shutdown")
    _, alive = psutil.wait_procs([worker], timeout=30)
    assert alive == []
