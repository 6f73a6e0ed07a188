"""A classifier that was shared: the repository is served as Binder serves it, and answers, without torch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from browser.visit import visit
from server.shared import TOKEN, jupyter_server, make_environment

CLEAN = os.environ | {"PYTHONPATH": ""}
HOSTILE_TITLE = "Cats & <b>dogs</b> [x](y) $HOME"


@pytest.fixture(scope="module")
def shared(cat_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `fieldmark share` writes."""
    folder = tmp_path_factory.mktemp("share") / "cats"
    command = (
        sys.executable,
        "-m",
        "fieldmark",
        "share",
        cat_model,
        "--out",
        folder,
        "--title",
        HOSTILE_TITLE,
        "--json",
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes"] < 30e6
    return folder


@pytest.fixture(scope="module")
def python(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (wheel,) = (shared / "wheels").iterdir()
    return make_environment(tmp_path_factory.mktemp("elsewhere") / "env", wheel)


def test_the_repository_holds_what_binder_needs_and_no_torch(shared: Path) -> None:
    files = {str(path.relative_to(shared)) for path in shared.rglob("*") if path.is_file()}
    assert files >= {"README.md", "classify.ipynb", "model.onnx", "binder/requirements.txt", "binder/start"}
    lines = (shared / "binder" / "requirements.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert (shared / pins[0]).is_file()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins[1:])
    names = {pin.partition("==")[0] for pin in pins[1:]}
    assert names >= {"numpy", "pillow", "openvino", "voila", "anywidget", "ipykernel", "fqdn", "webcolors"}
    assert not names & {"torch", "torchvision", "timm", "onnx", "scipy", "scikit-learn", "scikit-image"}


def test_the_readme_has_badge_card_and_credits_and_no_markup_of_a_title(shared: Path) -> None:
    text = (shared / "README.md").read_text("utf-8")
    assert "https://mybinder.org/v2/gh/OWNER/NAME/HEAD?urlpath=voila%2Frender%2Fclassify.ipynb" in text
    assert "<b>" not in text
    assert "$HOME" not in text
    for said in (
        "## What it knows",
        "| cat |",
        "What it will not do well",
        "EfficientNet-Lite0",
        "Apache-2.0",
    ):
        assert said in text


def test_it_is_served_by_a_plain_jupyter_server_without_torch_and_classifies_a_photo(
    shared: Path, python: Path, chromium: Browser, cat: bytes
) -> None:
    command = [python, "-c", "import torch"]
    imported = subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=False)
    assert "No module named 'torch'" in imported.stderr
    with jupyter_server(python, shared, start=shared / "binder" / "start") as server:
        with visit(chromium, server.url) as guest:  # which sees to it that nothing is asked of another server
            guest.open(f"/voila/render/classify.ipynb?token={TOKEN}")
            guest.page.locator(".fm-classifier .fm-uploader").wait_for(timeout=60_000)
            expect(guest.page.locator("h1")).to_have_text(HOSTILE_TITLE)
            guest.drop(("cat.jpg", cat))
            guest.wait()
            expect(guest.page.locator(".fm-answer .fm-title")).to_have_text("Cat")
            guest.wait_for_map()
            guest.keep("shared")
        assert "Traceback" not in server.log


def test_nothing_is_written_over(shared: Path, cat_model: Path) -> None:
    before = (shared / "README.md").read_bytes()
    command = (sys.executable, "-m", "fieldmark", "share", cat_model, "--out", shared, "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "not_empty"
    assert "Traceback" not in done.stderr
    assert (shared / "README.md").read_bytes() == before


def test_what_is_no_model_is_not_shared_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "export.pkl").write_bytes(b"\x80\x04K\x01.")
    command = (
        sys.executable,
        "-m",
        "fieldmark",
        "share",
        tmp_path / "export.pkl",
        "--out",
        tmp_path / "out",
        "--json",
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "foreign"
    assert [path.name for path in tmp_path.iterdir()] == ["export.pkl"]


def test_an_installed_fieldmark_makes_the_same_wheel_again(
    shared: Path, python: Path, tmp_path: Path
) -> None:
    """As somebody shares who installed Fieldmark with pip, without a checkout."""
    code = "import sys; from pathlib import Path; from fieldmark_share.wheels import write_wheel; print(write_wheel(Path(sys.argv[1])))"
    done = subprocess.run(
        [python, "-c", code, tmp_path], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    made = Path(done.stdout.strip())
    (original,) = (shared / "wheels").iterdir()
    assert made.name == original.name
    assert read_wheel(made) == read_wheel(original)
    again = make_environment(tmp_path / "env", made)
    subprocess.run([again, "-c", "import fieldmark_widgets.classifier"], check=True, cwd=tmp_path, env=CLEAN)


def read_wheel(path: Path) -> dict[str, bytes]:
    import zipfile

    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("RECORD")}
