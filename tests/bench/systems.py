"""Running one system on one split of one set, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from bytecode import as_installed
from peers import PEER_PACKAGES, SCRIPTS, fastai_python, needs_fastai
from prepared import set_up
from rows import Row, busy_seconds, machine, now, versions

from fieldmark.backbones import EFFICIENTNET_LITE0, _weights_path
from fieldmark.dataset import Item, read_dataset
from fieldmark.errors import BadImageError
from fieldmark.images import open_photo
from fieldmark.issues.duplicates import find_near_duplicates
from fieldmark.parallel import in_threads
from fieldmark.splits import make_splits

EPOCHS = 4
OURS, OURS_TUNED = "fieldmark", "fieldmark fine-tune(4)"
MODES = {OURS: "fit", OURS_TUNED: "fine-tune"}


def write_split(photos: Path, work: Path, seed: int) -> Path:
    """Hold out a fifth, the same photos for all; near duplicates on one side, and no file that is no photo."""
    work.mkdir(parents=True, exist_ok=True)
    dataset = read_dataset(photos)
    groups = find_near_duplicates([item.path for item in dataset.items])
    split = make_splits(dataset.items, seed=seed, groups=groups)
    readable = list(in_threads(_is_photo, dataset.items))
    names = {
        side: [
            dataset.items[place].path.relative_to(dataset.root).as_posix()
            for place in places
            if readable[place]
        ]
        for side, places in (("train", split.train), ("valid", split.valid))
    }
    path = work / "split.json"
    path.write_text(json.dumps(names), "utf-8")
    return path


def _is_photo(item: Item) -> bool:
    try:
        open_photo(item.path, need_px=64)
    except BadImageError:
        return False
    return True


def run(system: str, photos: Path, split: Path, work: Path, seed: int) -> Row:
    """Measure one system from the start of its process to its end."""
    command, environment, python = _command(system, photos, split, work, seed)
    busy, began = busy_seconds(), now()
    started, before = perf_counter(), _children_seconds()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds, cpu = perf_counter() - started, _children_seconds() - before
    if done.returncode != 0:
        raise SystemExit(f"{system} failed on {photos.name}:\n{done.stderr}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    sides = json.loads(split.read_text("utf-8"))
    return Row(
        system=system,
        photos=photos.name,
        seed=seed,
        seconds=round(seconds, 2),
        cpu_seconds=round(cpu, 2),
        n=int(said.get("n", said.get("n_valid", 0))),
        wrong=tuple(sorted(said["wrong"])),
        n_train=len(sides["train"]),
        training_s=_training_seconds(system, said),
        figures={name: round(value, 2) for name, value in said.get("figures", {}).items()},
        others=round(max(busy_seconds() - busy - cpu, 0) / seconds, 2),
        machine=machine(),
        versions=versions(python, PEER_PACKAGES) if needs_fastai(system) else versions(),
        when=began,
    )


def _command(
    system: str, photos: Path, split: Path, work: Path, seed: int
) -> tuple[list[str], dict[str, str], str]:
    """The command, its environment and the interpreter."""
    environment = dict(as_installed() if system in MODES else os.environ)
    if system in MODES:
        environment["FIELDMARK_CACHE"] = str(set_up(work / f"{MODES[system]}-cache"))
        out = work / f"{MODES[system]}.onnx"
        options = ["--out", str(out), "--split", str(split), "--seed", str(seed), "--json"]
        mode = ["--mode", MODES[system], "--epochs", str(EPOCHS)]
        command = [sys.executable, "-m", "fieldmark", "train", str(photos), *options, *mode]
        return command, environment, sys.executable
    python = (fastai_python() or "") if needs_fastai(system) else sys.executable
    arguments = (photos, split, work, seed, EPOCHS, _weights_path(EFFICIENTNET_LITE0))
    return [python, "-c", SCRIPTS[system], *map(str, arguments)], environment, python


def _training_seconds(system: str, said: Mapping[str, Any]) -> float | None:
    if system == OURS_TUNED:
        return float(said["seconds"]["fine-tune"])
    return round(said["training_s"], 2) if "training_s" in said else None


def _children_seconds() -> float:
    """Processor time of all processes that were started and have ended; 0 on Windows, which does not count it."""
    times = os.times()
    return times.children_user + times.children_system
