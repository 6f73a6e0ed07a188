from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fieldmark.errors import DatasetError, ModelFileError
from fieldmark_server.apptable import APPS, find_apps, find_notebooks
from fieldmark_server.cli import serve
from server.running import free_port, run

COMMAND = [sys.executable, "-c", "import typer; from fieldmark_server.cli import serve; typer.run(serve)"]


def test_serve_prints_one_link_and_stops_at_ctrl_c(cat_model: Path) -> None:
    port = free_port()
    with run([*COMMAND, "--port", str(port), "--model", str(cat_model)]) as server:
        assert server.url == f"http://localhost:{port}"
    assert server.process.returncode == 0
    assert server.log.splitlines() == [f"Fieldmark is ready: http://localhost:{port}/", "Ctrl-C stops it."]


def test_a_taken_port_is_said_and_the_next_one_is_used(cat_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with run([*COMMAND, "--port", str(port), "--model", str(cat_model)]) as server:
            assert server.url != f"http://localhost:{port}"
    assert server.log.startswith(f"Port {port} is taken; this is ")


def test_what_takes_two_seconds_to_import_and_is_never_used_is_left_out() -> None:
    code = "import sys, fieldmark_server, jsonschema; print('lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_missing_model_is_an_error_with_advice(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such model file"):
        serve(model=tmp_path / "none.onnx")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder"):
        serve(data=tmp_path / "none")


def test_the_notebooks_are_found_in_a_checkout() -> None:
    assert "classify" in [card.name for card in find_apps(find_notebooks())]


def test_an_app_without_its_notebook_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "monitor.ipynb").touch()
    assert [card.name for card in find_apps(tmp_path)] == ["monitor"]


def test_the_address_of_an_app_is_its_notebooks_name() -> None:
    assert all(name == card.name and name.isidentifier() for name, card in APPS.items())
