"""`fieldmark deploy-check`: measured on the real server, and what it writes works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fieldmark.errors import DatasetError
from fieldmark_share.deploy import FLOORS, check_versions, count_seats, report
from fieldmark_share.deployfiles import dockerfile, nginx_conf
from fieldmark_share.machine import Machine, parse_memory, this_machine
from fieldmark_share.probe import Measured

MACHINE = Machine(memory_mb=2000, cpus=1, open_files=20_000)
MEASURED = Measured(
    start_s=3,
    warm_s=0.1,
    cold_s=1.5,
    base_mb=300,
    visitor_mb=100,
    counted="PSS",
    base_files=60,
    visitor_files=20,
    open_to_all=True,
    oversize_status=413,
    photo_ms=20,
    forbidden={"/api/contents": 404},
)


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("2GB", 2000), ("2g", 2000), ("512M", 512), ("1.5 GB", 1500), ("1GiB", 1073.741824), ("4000000k", 4000)],
)
def test_memory_is_read_as_people_write_it(text: str, megabytes: float) -> None:
    assert parse_memory(text) == pytest.approx(megabytes)


@pytest.mark.parametrize("text", ["", "two", "GB", "-1GB", "0GB", "1PB", "2GB; rm"])
def test_what_is_no_memory_gets_a_sentence(text: str) -> None:
    with pytest.raises(DatasetError, match="Write it like 2GB"):
        parse_memory(text)


def test_this_machine_has_memory_and_processors() -> None:
    machine = this_machine()
    assert machine.memory_mb > 200
    assert machine.cpus > 0
    assert this_machine("2GB", 1.5).memory_mb == 2000


def test_what_runs_here_is_above_every_floor() -> None:
    assert {finding.level for finding in check_versions()} == {"ok"}


def test_a_version_below_its_floor_has_to_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FLOORS:
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
    (tmp_path / "voila-1.0.dist-info").rename(tmp_path / "voila-0.1.dist-info")
    (tmp_path / "voila-0.1.dist-info" / "METADATA").write_text("Name: voila\nVersion: 0.1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    levels = {finding.what: finding.level for finding in check_versions()}
    assert {levels[name] for name in FLOORS} == {"fix"}


def test_seats_are_what_is_left_by_what_a_visitor_takes() -> None:
    assert count_seats(MACHINE, MEASURED) == 14  # (2000 × 0.85 − 300) / 100
    assert count_seats(replace(MACHINE, memory_mb=4000), MEASURED) == 31
    assert count_seats(replace(MACHINE, memory_mb=300), MEASURED) == 0


@pytest.mark.parametrize(
    ("machine", "measured", "level", "said"),
    [
        (replace(MACHINE, memory_mb=300), MEASURED, "fix", "hold not one visitor"),
        (MACHINE, replace(MEASURED, forbidden={"/api/kernels": 201}), "fix", "A stranger gets /api/kernels"),
        (replace(MACHINE, open_files=256), MEASURED, "fix", "raise it to 1024"),
        (MACHINE, replace(MEASURED, visitor_files=5000.0), "fix", "20000 are allowed"),
        (MACHINE, replace(MEASURED, oversize_status=0), "look", "let nginx do it"),
        (MACHINE, replace(MEASURED, photo_ms=2000.0), "look", "2 visitors with a photo every 5 s"),
    ],
)
def test_what_is_not_right_is_said(machine: Machine, measured: Measured, level: str, said: str) -> None:
    result = report(machine, measured)
    (finding,) = [finding for finding in result.findings if said in finding.text]
    assert finding.level == level
    assert result.safe == (level != "fix")


def test_it_measures_the_real_server_and_writes_what_a_server_needs(cat_model: Path, tmp_path: Path) -> None:
    out = tmp_path / "deploy"
    command = (sys.executable, "-m", "fieldmark", "deploy-check", "--memory", "2GB", "--cpus", "1", "--json")
    done = subprocess.run(
        [*command, "--model", cat_model, "--out", out], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    measured = told["measured"]
    assert measured["visitor_mb"] > 10
    assert measured["base_mb"] > 50
    assert 0 < measured["warm_s"] < 60
    assert told["seats"] >= 3
    assert told["safe"]
    assert set(measured["forbidden"].values()) <= {403, 404, 405}
    recipe = (out / "Dockerfile").read_text("utf-8")
    assert "USER fieldmark" in recipe
    assert f"{told['seats']} visitors" in recipe
    assert f'"--seats", "{told["seats"]}"' in recipe
    for source in re.findall(r"^COPY (\S+)", recipe, re.M):
        assert (out / source).exists(), source
    assert "torch" not in (out / "requirements.txt").read_text("utf-8")


def test_the_recipe_serves_with_options_that_the_command_has() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])", dockerfile(report(MACHINE, MEASURED)), re.M)
    arguments = json.loads(command)
    done = subprocess.run(
        [sys.executable, "-m", *arguments[:2], "--help"], capture_output=True, text=True, check=True
    )
    for option in (word for word in arguments if word.startswith("--")):
        assert option in done.stdout


def test_the_snippet_asks_for_websockets_gzip_and_a_limit() -> None:
    text = nginx_conf(base_url="/apps/")
    for line in (
        "location /apps/ {",
        "proxy_set_header Upgrade $http_upgrade;",
        "gzip on;",
        "client_max_body_size 32m;",
    ):
        assert line in text
