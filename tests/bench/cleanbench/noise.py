"""Wrong labels made on purpose, and how early each ranking lists them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

import fieldmark
from fieldmark.dataset import read_dataset
from fieldmark.fitting.leaveout import LeaveOut
from fieldmark.issues.labelerrors import find_label_errors
from fieldmark.issues.suspects import take_suspects
from fieldmark.learner import Learner
from fieldmark.splits import Split

FULL = bool(os.environ.get("FULL"))
ALL_SETS = ("bears", "ants_bees", "sign_digits")
SETS = tuple(name for name in ALL_SETS if name in sys.argv) or (ALL_SETS if FULL else ALL_SETS[:2])
"""Those that are named on the command line; else two, or all."""
SEEDS = tuple(map(int, os.environ.get("SEEDS", "0 1 2").split()))
RATES = tuple(map(float, os.environ.get("RATES", "0.05 0.10 0.20").split()))
HOWS = tuple(os.environ.get("HOWS", "uniform confusion").split())
GOAL_PRECISION = 0.85
WITHIN = 0.01

CLEANLAB = """
import json, sys
import numpy as np
from cleanlab.rank import get_label_quality_scores
with np.load(sys.argv[1]) as task:
    probs, labels = task["probs"].astype(float), task["labels"]
probs /= probs.sum(axis=1, keepdims=True)
names = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
print(json.dumps({name: get_label_quality_scores(labels, probs, method=name).tolist() for name in names}))
"""

FASTAI = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[2])
import fieldmark.finetuning.vision  # torchvision beside a CPU build of torch
import torch, timm
from fastai.vision.all import *
from fieldmark.backbones import EFFICIENTNET_LITE0, _read_checkpoint
task = json.loads(Path(sys.argv[1]).read_text())
set_seed(task["seed"])
labels = dict(zip(task["paths"], task["labels"]))
block = DataBlock(
    blocks=(ImageBlock, CategoryBlock), get_y=lambda path: labels[str(path)],
    get_items=lambda _: L(map(Path, task["paths"])), splitter=RandomSplitter(0.2, seed=task["seed"]),
    item_tfms=RandomResizedCrop(224, min_scale=0.5),
    batch_tfms=[*aug_transforms(), Normalize.from_stats([127 / 255] * 3, [128 / 255] * 3)],
)
dls = block.dataloaders(".", bs=64)
learn = vision_learner(dls, "tf_efficientnet_lite0", pretrained=False, normalize=False, metrics=error_rate)
body = learn.model[0].model
tensors = [torch.tensor(v) for k, v in _read_checkpoint(EFFICIENTNET_LITE0).items() if not k.startswith("_fc")]
names = [name for name in body.state_dict() if not name.startswith("classifier")]
body.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
losses = {}
with learn.no_bar(), learn.no_logging():
    learn.fine_tune(4)
    for side in (0, 1):
        dl = dls.test_dl(list(dls[side].items), with_labels=True)
        _, _, found = learn.get_preds(dl=dl, with_loss=True)
        losses |= dict(zip(map(str, dl.items), found.tolist(), strict=True))
print(json.dumps([losses[path] for path in task["paths"]]))
"""


@dataclass(frozen=True)
class Photos:
    """A set of photos whose labels are believed to be right."""

    learner: Learner
    features: npt.NDArray[np.float32]
    targets: npt.NDArray[np.intp]
    groups: npt.NDArray[np.intp]
    confusion: npt.NDArray[np.float64]


def run(shared: Path, work: Path) -> bool:
    """Measure and print; whether the goals were met."""
    cleanlab, fastai = interpreter("cleanlab"), interpreter("fastai")
    for name, peer in (("cleanlab", cleanlab), ("fastai", fastai)):
        if peer is None:
            print(f"{name}: skipped: it is not installed, and {name.upper()}_PYTHON names no interpreter.")
    ok, gains = True, defaultdict[str, list[float]](list)
    for name in SETS:
        if not (shared / name).is_dir():
            print(f"{name}: skipped, there are no such photos.")
            continue
        photos = read(shared / name)
        for rate in RATES:
            for how in HOWS:
                rows = [one(photos, rate, how, seed, work, cleanlab, fastai) for seed in SEEDS]
                ok &= report(name, rate, how, rows, gains)
    for peer, differences in gains.items():
        print(f"ours against {peer}: {mean(differences):+.4f} on the average, worst {min(differences):+.4f}")
        ok &= mean(differences) > 0 and min(differences) >= -WITHIN
    return ok


def interpreter(package: str) -> str | None:
    """An interpreter that has a package; None where there is none."""
    if importlib.util.find_spec(package) is not None:
        return sys.executable
    return os.environ.get(f"{package.upper()}_PYTHON")


def read(folder: Path) -> Photos:
    """Fit once on the labels as they are, for the features and for what is confused with what."""
    learner = fitted(folder, None)
    suspects = take_suspects(learner, lambda _: None)
    classes = len(suspects.vocab)
    confusion = np.full((classes, classes), 0.02 / classes)
    for target, probs in zip(suspects.targets, suspects.probs, strict=True):
        confusion[target] += probs
    return Photos(learner, suspects.features, suspects.targets, suspects.groups, confusion)


def fitted(folder: Path, labels: dict[Path, str] | None) -> Learner:
    """Fit on all photos, none held out; every answer is out of fold."""
    from dataclasses import replace

    dataset = read_dataset(folder)
    if labels is not None:
        items = tuple(replace(item, label=labels[item.path]) for item in dataset.items)
        dataset = replace(dataset, items=items)
    return Learner(dataset, Split(tuple(range(len(dataset.items))), ())).fit()


def planted(photos: Photos, rate: float, how: str, seed: int) -> npt.NDArray[np.intp]:
    """Labels of which a share is wrong."""
    dice, given = np.random.default_rng(seed), photos.targets.copy()
    classes = photos.confusion.shape[0]
    for place in dice.choice(len(given), round(rate * len(given)), replace=False):
        others = [c for c in range(classes) if c != photos.targets[place]]
        weights = (
            photos.confusion[photos.targets[place], others] if how == "confusion" else np.ones(len(others))
        )
        given[place] = dice.choice(others, p=weights / weights.sum())
    return given


def one(
    photos: Photos, rate: float, how: str, seed: int, work: Path, cleanlab: str | None, fastai: str | None
) -> dict[str, float]:
    """Average precision of each ranking of one set of wrong labels."""
    given = planted(photos, rate, how, seed)
    wrong = given != photos.targets
    vocab = photos.learner.vocab
    items = photos.learner.train_items
    labels = {item.path: vocab[target] for item, target in zip(items, given, strict=True)}
    learner = fitted(photos.learner.dataset.root, labels)
    opinion = LeaveOut(photos.features, photos.groups).opinion(given, len(vocab))
    errors = find_label_errors(opinion.probs, given)
    found = {"ours": average_precision_score(wrong, errors.scores)}
    found["precision@n"] = wrong[errors.ranking[: wrong.sum()]].mean()
    losses = -np.log(np.maximum(learner.oof_probs[np.arange(len(given)), given], 1e-9))
    found["loss out of fold"] = average_precision_score(wrong, losses)
    if cleanlab:
        found |= {
            f"cleanlab {name}": average_precision_score(wrong, -np.array(scores))
            for name, scores in ask_cleanlab(cleanlab, learner.oof_probs, given, work).items()
        }
    if fastai and (FULL or (rate == 0.10 and seed == SEEDS[0] and how == HOWS[0])):
        found["fastai"] = average_precision_score(wrong, ask_fastai(fastai, labels, seed, work))
    return found


def ask_cleanlab(
    python: str, probs: npt.NDArray[np.float32], labels: npt.NDArray[np.intp], work: Path
) -> dict[str, list[float]]:
    """Quality of each label, low is worse."""
    np.savez(work / "task.npz", probs=probs, labels=labels)
    return dict(json.loads(answer(python, CLEANLAB, str(work / "task.npz"))))


def ask_fastai(python: str, labels: dict[Path, str], seed: int, work: Path) -> npt.NDArray[np.float64]:
    """Loss of each photo."""
    task = {"paths": [str(path) for path in labels], "labels": list(labels.values()), "seed": seed}
    (work / "task.json").write_text(json.dumps(task))
    core = str(Path(fieldmark.__file__).parents[1])
    return np.array(json.loads(answer(python, FASTAI, str(work / "task.json"), core)))


def answer(python: str, code: str, *arguments: str) -> str:
    """The last line that a program prints."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout.strip().splitlines()[-1]


def report(
    name: str, rate: float, how: str, rows: list[dict[str, float]], gains: dict[str, list[float]]
) -> bool:
    """Print one line, and note how much better or worse than each peer each seed is."""
    means: dict[str, Any] = {
        key: mean(row[key] for row in rows if key in row) for key in {key for row in rows for key in row}
    }
    ours = {key: means.pop(key) for key in ("ours", "precision@n")}
    shown = ", ".join(f"{key} {value:.3f}" for key, value in {**ours, **dict(sorted(means.items()))}.items())
    print(f"{name}, {rate:.0%} {how}, {len(rows)} seeds: {shown}", flush=True)
    for row in rows:
        theirs = [value for key, value in row.items() if key.startswith("cleanlab")]
        if theirs:
            gains["cleanlab's best of three"].append(row["ours"] - max(theirs))
            gains["cleanlab self_confidence"].append(row["ours"] - row["cleanlab self_confidence"])
        if "fastai" in row:
            gains["fastai top losses"].append(row["ours"] - row["fastai"])
    return name != "bears" or rate != 0.10 or ours["precision@n"] >= GOAL_PRECISION
