"""Folder to model against what people use otherwise: same photos, same split, same backbone weights.

    make bench-train                            (or: python tests/bench/bench_train.py; FULL=1: every set and seed)

Each system runs in a process of its own, one after the other, timed from its start to its end. Ours begins with an
empty cache, writes the model file and tries it in a fresh process; the others only train and judge. The peers:
fastai's `fine_tune(4)` as in the book, fastai with the backbone frozen for one epoch, and a plain probe: timm's
features and scikit-learn's logistic regression. fastai is no dependency: it runs where FASTAI_PYTHON (an interpreter
that has it) or this interpreter has it. Writes docs/benchmarks.md with --write.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench_finetune import THEIRS, fastai_python, write_split

import fieldmark
from fieldmark.engine import native_precision
from fieldmark.stats import wilson

DATA = Path(__file__).parents[3] / "shared" / "data"
DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.md"
FULL = bool(os.environ.get("FULL"))
SETS = ("bears", "pizza_steak_sushi", "ants_bees", "sign_digits") if FULL else ("bears",)
SEEDS = (1, 2, 3, 4, 5) if FULL else (1,)
EPOCHS = 4

FROZEN = THEIRS.replace("learn.fine_tune(epochs)", "learn.fit_one_cycle(1, 2e-3)")

PROBE = """
import json, sys
from pathlib import Path
import numpy as np
from PIL import Image
import fieldmark.vision
import timm, torch
from sklearn.linear_model import LogisticRegressionCV
from fieldmark.backbones import EFFICIENTNET_LITE0, _read_checkpoint
root, split = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
torch.manual_seed(int(sys.argv[4]))
model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
tensors = [torch.tensor(v) for k, v in _read_checkpoint(EFFICIENTNET_LITE0).items() if not k.startswith("_fc")]
model.load_state_dict(dict(zip(model.state_dict(), tensors, strict=True)))

def features(paths):
    rows = []
    for start in range(0, len(paths), 32):
        squares = []
        for path in paths[start : start + 32]:
            image = Image.open(root / path).convert("RGB")
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            squares.append(np.asarray(image.crop((left, top, left + side, top + side)).resize((224, 224))))
        batch = (torch.tensor(np.stack(squares)).permute(0, 3, 1, 2).float() - 127) / 128
        with torch.inference_mode():
            rows.append(model(batch).numpy())
    return np.concatenate(rows)

labels = lambda paths: [Path(path).parent.name for path in paths]
probe = LogisticRegressionCV(Cs=[1e-4, 1e-3, 1e-2, 1e-1, 1.0], cv=5, max_iter=1000)
probe.fit(features(split["train"]), labels(split["train"]))
said = probe.predict(features(split["valid"]))
wrong = int((said != np.array(labels(split["valid"]))).sum())
print(json.dumps({"n_wrong": wrong, "n": len(said)}))
"""


@dataclass(frozen=True)
class Result:
    """What one system did on one split."""

    system: str
    photos: str
    seed: int
    seconds: float
    n_wrong: int
    n: int


def main() -> int:
    """Measure, print, and with --write keep it in docs/benchmarks.md."""
    peer = fastai_python()
    systems = ["ours", "probe", *(["fastai frozen", "fastai fine_tune(4)"] if peer else [])]
    if peer is None:
        print("fastai: skipped: not installed. Name an interpreter that has it in FASTAI_PYTHON.")
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for photos in (DATA / name for name in SETS if (DATA / name).is_dir()):
            for seed in SEEDS:
                work = Path(folder, photos.name, str(seed))
                split = write_split(photos, work, seed)
                for system in systems:
                    results.append(run(system, peer, photos, split, work, seed))
                    print(results[-1], flush=True)
    if not results:
        print(f"Skipped: there are no photos in {DATA}.")
        return 0
    lines = report(results)
    print("\n".join(lines))
    if "--write" in sys.argv:
        DOCS.write_text("\n".join([*heading(peer), *lines, ""]), "utf-8")
    return 0


def run(system: str, peer: str | None, photos: Path, split: Path, work: Path, seed: int) -> Result:
    """Run one system in a process of its own."""
    core = Path(fieldmark.__file__).parents[1]
    code = {"probe": PROBE, "fastai frozen": FROZEN, "fastai fine_tune(4)": THEIRS}
    environment = dict(os.environ)
    if system == "ours":
        environment["FIELDMARK_CACHE"] = str(prepared_cache(work))
        options = ["--split", str(split), "--seed", str(seed), "--json"]
        command = [
            sys.executable,
            "-m",
            "fieldmark",
            "train",
            str(photos),
            "--out",
            str(work / "m.onnx"),
            *options,
        ]
    else:
        python = sys.executable if system == "probe" else str(peer)
        command = [
            python,
            "-c",
            code[system],
            str(photos),
            str(split),
            str(work),
            str(seed),
            str(EPOCHS),
            str(core),
        ]
    started = perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    n = said.get("n", said.get("n_valid"))
    return Result(system, photos.name, seed, round(seconds, 2), int(said["n_wrong"]), int(n or 0))


def prepared_cache(work: Path) -> Path:
    """A cache with the prepared backbone and nothing else, as after `make app`."""
    from fieldmark.backbones import load_backbone
    from fieldmark.cachefolder import cache_folder

    load_backbone()
    target = work / "cache" / "backbones"
    target.mkdir(parents=True)
    for file in cache_folder("backbones").iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target.parent


def report(results: Sequence[Result]) -> list[str]:
    """A table for each set, and the pooled errors."""
    lines = []
    for name in dict.fromkeys(result.photos for result in results):
        lines += [
            f"## {name}",
            "",
            "| system | seconds, median | times ours | wrong |",
            "| --- | --- | --- | --- |",
        ]
        lines += [row(system, [r for r in results if r.photos == name]) for system in names(results)]
        lines.append("")
    return lines


def names(results: Sequence[Result]) -> list[str]:
    """The systems, in the order they ran."""
    return list(dict.fromkeys(result.system for result in results))


def row(system: str, results: Sequence[Result]) -> str:
    """One system on one set."""
    own = [r for r in results if r.system == system]
    ours: Mapping[int, float] = {r.seed: r.seconds for r in results if r.system == "ours"}
    ratio = median(r.seconds / ours[r.seed] for r in own)
    wrong, n = sum(r.n_wrong for r in own), sum(r.n for r in own)
    low, high = wilson(wrong, n)
    return (
        f"| {system} | {median(r.seconds for r in own):.1f} | {ratio:.1f} | {wrong} of {n}: {100 * wrong / n:.1f} %, "
        f"95 % {100 * low:.1f}–{100 * high:.1f} |"
    )


def heading(peer: str | None) -> list[str]:
    """What it was measured on, and with what."""
    packages = ("torch", "timm", "openvino", "scikit-learn")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    if peer is not None:
        code = "from importlib.metadata import version; print(version('fastai'))"
        versions += f", fastai {subprocess.check_output([peer, '-c', code], text=True).strip()}"
    return [
        "# Benchmarks",
        "",
        f"Written by `make bench-train`{' with FULL=1' if FULL else ''} on {datetime.now(UTC).date()}: whole processes, "
        f"one after the other, {os.cpu_count()} cores ({platform.machine()}, {native_precision()}), {versions}. The "
        "machine is shared, so ratios say more than seconds. Ours starts with an empty feature cache, and writes and "
        "tries the model file; the others only train and judge. Same photos, split and backbone weights.",
        "",
    ]


if __name__ == "__main__":
    sys.exit(main())
