"""What docs/rest.md shows works as it stands there, and a fuzzer finds no fault with the document."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from server.conftest import TOKEN
from server.running import RunningServer

DOCS = (Path(__file__).parents[2] / "docs" / "rest.md").read_text("utf-8")


def example(language: str, containing: str) -> str:
    """A block of code of the document."""
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.M | re.S)
    (found,) = [block for block in blocks if containing in block]
    return found


@pytest.fixture
def place(tmp_path: Path, cat_jpeg: bytes, api: httpx.Client) -> Path:
    """A folder with the photo that the examples send, once a model answers."""
    (tmp_path / "photo.jpg").write_bytes(cat_jpeg)
    return tmp_path


def run_in(place: Path, server: RunningServer, *command: str) -> str:
    environment = os.environ | {"SERVER": server.url, "TOKEN": TOKEN}
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not shutil.which("curl") or os.name == "nt", reason="no curl here")
def test_the_example_with_curl_works(place: Path, server: RunningServer) -> None:
    answer = json.loads(run_in(place, server, "sh", "-c", example("bash", "curl")))
    assert [(result["label"], len(result["probs"])) for result in answer["results"]] == [("cat", 2)] * 2


def test_the_example_in_python_works(place: Path, server: RunningServer) -> None:
    said = run_in(place, server, sys.executable, "-c", example("python", "httpx"))
    assert re.fullmatch(r"photo\.jpg cat \d+% (familiar|unsure)\n", said)


@pytest.mark.skipif(not shutil.which("node"), reason="no Node.js here")
def test_the_example_in_javascript_works(place: Path, server: RunningServer) -> None:
    code = example("js", "fetch")
    (place / "example.mjs").write_text(code, "utf-8")
    label, prob, verdict = run_in(place, server, "node", "example.mjs").split()
    assert (label, verdict in ("familiar", "unsure")) == ("cat", True)
    assert 0.5 < float(prob) <= 1


def test_the_document_lists_every_route(api: httpx.Client) -> None:
    told = set(re.findall(r"`(?:GET|POST|DELETE) ([\w./]+)`", DOCS))
    paths = {
        path.removeprefix("/").replace("{id}", "ID") for path in api.get("/openapi.json").json()["paths"]
    }
    assert told == paths


def test_a_fuzzer_of_apis_finds_no_fault(api: httpx.Client, server: RunningServer, tmp_path: Path) -> None:
    """Schemathesis: no 5xx but those foreseen, nothing that the document does not say."""
    report = tmp_path / "report.txt"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/fieldmark/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}",
        "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        "--max-examples", "15", "--phases", "examples,fuzzing", "--mode", "all", "--seed", "1",
        "--exclude-path", "/jobs", "--suppress-health-check", "all",
    ]  # fmt: skip
    with report.open("w") as output:
        done = subprocess.run(command, cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, report.read_text()[-6000:]
