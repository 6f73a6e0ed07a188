"""Fine-tuning against fastai's `fine_tune`: same photos, same split, same weights, same recipe, same epochs.

    make bench-finetune                       (or: python tests/bench/bench_finetune.py PHOTOS)

Each system runs in a process of its own, by turns, and is timed from its start to its last answer: reading,
decoding, training, judging. One frozen epoch and one of everything; four with FULL=1. fastai is no dependency
of Fieldmark: it runs where FASTAI_PYTHON (an interpreter that has it and torch) or this interpreter has it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import fieldmark
from fieldmark.dataset import read_dataset
from fieldmark.splits import make_splits
from fieldmark.stats import wilson

BEARS = Path(__file__).parents[3] / "shared" / "data" / "bears"
SEEDS = (1, 2, 3) if os.environ.get("FULL") else (1,)
EPOCHS = 4 if os.environ.get("FULL") else 1

OURS = """
import json, sys
from pathlib import Path
from fieldmark.dataset import read_dataset
from fieldmark.finetune import FineTuneConfig, fine_tune
from fieldmark.learner import Learner, TrainConfig
from fieldmark.splitfile import read_split
root, split, work, seed, epochs = *map(Path, sys.argv[1:4]), *map(int, sys.argv[4:6])
dataset = read_dataset(root)
learner = Learner(dataset, read_split(split, dataset), TrainConfig(seed=seed)).fit()
tuned = fine_tune(learner, FineTuneConfig(epochs=epochs, seed=seed), workdir=work)
epochs = [epoch.as_dict() for epoch in tuned.history]
print(json.dumps({"n_wrong": tuned.valid.n_wrong, "n": len(tuned.valid.items), "last": epochs[-1]["n_wrong"],
                  "fit": learner.valid.n_wrong, "best": tuned.best_epoch, "seconds": tuned.seconds["fine-tune"]}))
"""

THEIRS = """
import json, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[6])
import fieldmark.vision  # torchvision beside a CPU build of torch
import torch, timm
from fastai.vision.all import *
from fieldmark.backbones import EFFICIENTNET_LITE0, _read_checkpoint
root, split, seed, epochs = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), *map(int, sys.argv[4:6])
set_seed(seed)
paths = [root / path for side in ("train", "valid") for path in split[side]]
held_out = L(range(len(split["train"]), len(paths)))
block = DataBlock(
    blocks=(ImageBlock, CategoryBlock), get_y=parent_label, get_items=lambda _: L(paths),
    splitter=lambda items: (L(range(len(split["train"]))), held_out),
    item_tfms=RandomResizedCrop(224, min_scale=0.5),
    batch_tfms=[*aug_transforms(), Normalize.from_stats([127 / 255] * 3, [128 / 255] * 3)],
)
dls = block.dataloaders(root, bs=64)
learn = vision_learner(dls, "tf_efficientnet_lite0", pretrained=False, normalize=False, metrics=error_rate)
body = learn.model[0].model
tensors = [torch.tensor(v) for k, v in _read_checkpoint(EFFICIENTNET_LITE0).items() if not k.startswith("_fc")]
names = [name for name in body.state_dict() if not name.startswith("classifier")]
body.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
started = time.perf_counter()
with learn.no_bar(), learn.no_logging():
    learn.fine_tune(epochs)
seconds = time.perf_counter() - started
probs, targs = learn.get_preds()
wrong = int((probs.argmax(1) != targs).sum())
print(json.dumps({"n_wrong": wrong, "n": len(targs), "seconds": seconds}))
"""


def main() -> int:
    """Measure by turns and print."""
    photos = Path(sys.argv[1]) if len(sys.argv) > 1 else BEARS
    if not photos.is_dir():
        print(f"Skipped: there are no photos in {photos}.")
        return 0
    peer = fastai_python()
    if peer is None:
        print("fastai: skipped: fastai not installed. Ours alone:")
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "fastai": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            work = Path(folder, str(seed))
            split = write_split(photos, work, seed)
            found["ours"].append(run(sys.executable, OURS, photos, split, work, seed))
            if peer is not None:
                found["fastai"].append(run(peer, THEIRS, photos, split, work, seed))
    for name, results in found.items():
        if results:
            print(f"{name}: {described(results)}")
    print(f"ours in detail: {json.dumps(found['ours'])}")
    if found["fastai"]:
        ratios = [t["whole"] / o["whole"] for o, t in zip(found["ours"], found["fastai"], strict=True)]
        alone = [t["seconds"] / o["seconds"] for o, t in zip(found["ours"], found["fastai"], strict=True)]
        pairs = [(t["cpu"], max(o["cpu"], 0.01)) for o, t in zip(found["ours"], found["fastai"], strict=True)]
        print(
            f"ratio of whole processes {median(ratios):.1f}, of training alone {median(alone):.1f}, "
            f"of processor time, which other work disturbs least, {median(t / o for t, o in pairs):.1f}"
        )
    return 0


def fastai_python() -> str | None:
    """An interpreter that has fastai; None where there is none."""
    if importlib.util.find_spec("fastai") is not None:
        return sys.executable
    return os.environ.get("FASTAI_PYTHON")


def write_split(photos: Path, work: Path, seed: int) -> Path:
    """Hold out a fifth, the same photos for both."""
    work.mkdir(parents=True)
    dataset = read_dataset(photos)
    split = make_splits(dataset.items, seed=seed)
    names = {
        side: [dataset.items[place].path.relative_to(dataset.root).as_posix() for place in places]
        for side, places in (("train", split.train), ("valid", split.valid))
    }
    path = work / "split.json"
    path.write_text(json.dumps(names), "utf-8")
    return path


def run(python: str, code: str, photos: Path, split: Path, work: Path, seed: int) -> dict[str, Any]:
    """Run one system in a process of its own; what it says, its seconds, and those of the processor."""
    core = Path(fieldmark.__file__).parents[1]
    arguments = [str(photos), str(split), str(work), str(seed), str(EPOCHS), str(core)]
    started, before = perf_counter(), processor_seconds()
    done = subprocess.run([python, "-c", code, *arguments], capture_output=True, text=True, check=False)
    whole, cpu = perf_counter() - started, processor_seconds() - before
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return {
        **json.loads(done.stdout.strip().splitlines()[-1]),
        "whole": round(whole, 2),
        "cpu": round(cpu, 2),
    }


def processor_seconds() -> float:
    """Processor time of all processes that were started and have ended; 0 on Windows, which does not count it."""
    times = os.times()
    return times.children_user + times.children_system


def described(results: list[dict[str, Any]]) -> str:
    """Times and pooled error of one system."""
    wrong, n = sum(r["n_wrong"] for r in results), sum(r["n"] for r in results)
    low, high = wilson(wrong, n)
    whole, cpu, alone = (median(r[key] for r in results) for key in ("whole", "cpu", "seconds"))
    return (
        f"whole process {whole:.1f} s ({cpu:.0f} s of processor), training alone {alone:.1f} s (1 + {EPOCHS} epochs, median of {len(results)}); "
        f"{wrong} of {n} wrong, {wrong / n:.1%} ({low:.1%} to {high:.1%})"
    )


if __name__ == "__main__":
    sys.exit(main())
