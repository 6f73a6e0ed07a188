"""Checkpoints: whole or not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fieldmark.errors import StoreError
from fieldmark.finetuning.checkpoint import load_checkpoint, save_checkpoint

STATE = {"epoch": 3, "name": 'é \U0001f600 "quoted"', "losses": [0.5, 0.25], "none": None}


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.safetensors"
    tensors = {"net.w": np.arange(6, dtype=np.float32).reshape(2, 3).T, "n": np.array(7, np.int64)}
    save_checkpoint(path, tensors, STATE)
    found = load_checkpoint(path)
    assert found is not None
    assert found.state == STATE
    assert set(found.tensors) == set(tensors)
    assert all(np.array_equal(found.tensors[name], tensors[name]) for name in tensors)
    assert list(found.below("net.")) == ["w"]


def test_no_checkpoint_is_no_fault(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "none") is None


def test_nothing_is_left_beside_it(tmp_path: Path) -> None:
    for _ in range(2):
        save_checkpoint(tmp_path / "a", {"x": np.zeros(3)}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign", "other header"])
def test_a_damaged_checkpoint_is_refused_with_what_to_do(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a"
    save_checkpoint(path, {"x": np.zeros(300)}, STATE)
    whole = path.read_bytes()
    content = {
        "cut": whole[:-1],
        "empty": b"",
        "foreign": b"PK\x03\x04" + bytes(200),
        "other header": whole.replace(b'"fieldmark"', b'"somewhere"'),
    }[damage]
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"start again without resuming") as caught:
        load_checkpoint(path)
    assert caught.value.code == "bad_checkpoint"


def test_a_save_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StoreError, match="cannot be saved") as caught:
        save_checkpoint(tmp_path / "file" / "a", {"x": np.zeros(3)}, {})
    assert caught.value.code == "cannot_save"
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.skipif(os.name == "nt", reason="needs a full device")
def test_a_full_disk_leaves_the_old_one(tmp_path: Path) -> None:
    """A limit on the size of files is a disk that fills up in the middle of writing."""
    path = tmp_path / "a"
    save_checkpoint(path, {"x": np.zeros(3)}, {"old": True})
    code = f"""
import resource, signal
import numpy as np
from pathlib import Path
from fieldmark.finetuning.checkpoint import save_checkpoint
from fieldmark.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    save_checkpoint(Path({str(path)!r}), {{"x": np.zeros(10**6)}}, {{"old": False}})
except StoreError as error:
    print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "cannot_save", done.stderr
    found = load_checkpoint(path)
    assert found is not None
    assert found.state == {"old": True}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="kills as Unix does")
def test_killed_at_any_moment_it_is_the_old_one_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    code = f"""
import numpy as np
from pathlib import Path
from fieldmark.finetuning.checkpoint import save_checkpoint
for number in range(10**6):
    save_checkpoint(Path({str(path)!r}), {{"x": np.full(200_000, number)}}, {{"number": number}})
"""
    rng, seen = np.random.default_rng(0), set()
    for _ in range(10):
        process = subprocess.Popen([sys.executable, "-c", code])
        deadline = time.monotonic() + 30
        before = path.stat().st_mtime_ns if path.exists() else 0
        while (not path.exists() or path.stat().st_mtime_ns == before) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = load_checkpoint(path)
        assert found is not None
        assert (found.tensors["x"] == found.state["number"]).all()
        seen.add(found.state["number"])
    assert len(seen) > 1
