from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fieldmark_widgets.shelf import InMemory, Shelf


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_is_put_on_the_shelf_comes_back(folder: Path) -> None:
    shelf = Shelf()
    contents = [bytes([n]) * (n * 1000) for n in range(60)]
    kept = [shelf.put(content) for content in contents]
    assert [each.read() for each in reversed(kept)] == contents[::-1]


@pytest.mark.skipif(os.name != "posix", reason="files without a name")
def test_nobody_else_finds_it(folder: Path) -> None:
    kept = Shelf().put(b"a visitor's photo")
    assert list(folder.iterdir()) == []
    assert kept.read() == b"a visitor's photo"


# In a process of its own: in this one, what earlier tests left may be closed meanwhile.
COUNT = """
import psutil
from fieldmark_widgets.shelf import BOX_BYTES, Shelf
shelf, before = Shelf(), psutil.Process().num_fds()
kept = [shelf.put(bytes(BOX_BYTES // 4)) for _ in range(40)]
print(psutil.Process().num_fds() - before)
del kept[:-4]
print(psutil.Process().num_fds() - before, kept[0].read() == bytes(BOX_BYTES // 4))
"""


@pytest.mark.skipif(os.name != "posix", reason="counts open files")
def test_a_file_goes_when_nothing_in_it_is_wanted_any_more(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT],
        env=os.environ | {"TMPDIR": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["10", "1", "True"], done.stderr


def test_where_the_disk_takes_nothing_it_stays_in_memory(folder: Path) -> None:
    folder.rmdir()
    kept = Shelf().put(b"photo")
    assert isinstance(kept, InMemory)
    assert kept.read() == b"photo"
