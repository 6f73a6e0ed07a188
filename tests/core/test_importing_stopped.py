"""An import that is stopped, killed or runs out of disk: what was taken before stays, whole, as one act."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from badinputs.seeds import encode
from core.photos import files_in, make_pets, photo, put, write, zipped
from fieldmark.callbacks import Progress
from fieldmark.catalog import Catalog
from fieldmark.errors import Cancelled, StoreError
from fieldmark.imaging.hashing import file_hash
from fieldmark.importing import import_photos


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of two photos."""
    return make_pets(tmp_path)


def test_what_was_taken_before_a_stop_stays_as_one_act(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark.importing.BATCH", 4)
    for number in range(30):
        write(tmp_path / "src" / "cat" / f"{number:02}.png", photo(number))

    def stop(progress: Progress) -> None:
        if progress.done == 10:
            raise Cancelled("stop")

    with pytest.raises(Cancelled, match="10 photos were taken in"):
        import_photos(tmp_path / "src", tmp_path / "set", who="ann", callback=stop)
    catalog = Catalog.open(tmp_path / "set")
    assert catalog.counts() == {"cat": 10}
    assert files_in(tmp_path / "set" / ".fieldmark") == ["catalog.sqlite"]
    assert len(catalog.acts()) == 1
    catalog.undo(who="ann")
    assert catalog.counts() == {}


def test_a_stop_before_the_first_photo_leaves_no_dataset(pets: Path, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        import_photos(zipped(pets, tmp_path / "pets.zip"), tmp_path / "set", who="ann", callback=stop)
    assert not (tmp_path / "set").exists()


def test_a_full_disk_is_said_and_what_was_taken_before_stays(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fsync is where a full disk shows at the latest."""
    monkeypatch.setattr("fieldmark.importing.BATCH", 1)
    import_photos(put(tmp_path / "first", **{"cat/0.png": photo(99)}), tmp_path / "set", who="ann")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("fieldmark.catalog.incoming.os.fsync", full)
        with pytest.raises(StoreError, match="disk is full") as caught:
            import_photos(pets, tmp_path / "set", who="ann")
    assert caught.value.code == "disk_full"
    assert files_in(tmp_path / "set" / ".fieldmark") == ["catalog.sqlite"]
    assert import_photos(pets, tmp_path / "set", who="ann").added == 4


def test_what_a_killed_import_left_is_removed_a_day_later(pets: Path, tmp_path: Path) -> None:
    import_photos(pets, tmp_path / "set", who="ann")
    incoming = tmp_path / "set" / ".fieldmark" / "incoming"
    write(incoming / "old", b"x")
    write(incoming / "new", b"x")
    write(incoming / "old-unpacked" / "00001", b"x")
    for old in (incoming / "old", incoming / "old-unpacked"):
        os.utime(old, (0, 0))
    import_photos(pets, tmp_path / "set", who="ann")
    assert files_in(incoming) == ["new"]


KILLED = """
import sys
from fieldmark import importing
importing.BATCH = 10
importing.import_photos(sys.argv[1], sys.argv[2], who="killed", callback=lambda p: print(p.done, flush=True))
"""


def test_an_import_that_is_killed_leaves_whole_photos_and_can_be_repeated(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path / "src" / f"class {number % 3}" / f"{number}.png", photo(number))
    dice, partly = random.Random(27), 0
    for round_ in range(10):
        target = tmp_path / f"set{round_}"
        command = [sys.executable, "-c", KILLED, str(tmp_path / "src"), str(target)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            stop_at = dice.randrange(1, 100)
            next(line for line in process.stdout if int(line) >= stop_at)
            process.kill()
        catalog = Catalog.open(target)
        present = catalog.photos()
        partly += 0 < len(present) < 100
        assert len(files_in(target / "images")) == len(present)
        assert [p.path for p in present if file_hash(catalog.file_of(p)) != p.hash] == []
        assert import_photos(tmp_path / "src", target, who="ann").added == 100 - len(present)
        assert len(catalog.photos()) == 100
    assert partly >= 3


def test_memory_does_not_grow_with_the_number_of_photos(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    for number in range(120):
        noise[0, 0] = number
        write(tmp_path / "src" / "cat" / f"{number}.bmp", encode(Image.fromarray(noise), "BMP"))  # 270 KB
    tracemalloc.start()
    try:
        import_photos(tmp_path / "src", tmp_path / "set", who="ann")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000  # all of them are 32 MB
