"""Classifying against fastai: one photo from path to answer, and a folder, beside what this machine could do at most.

    make bench-predict                        (or: python tests/bench/bench_predict.py [--set bears])

Each system in a process of its own, everything loaded. Ours trains a model first and measures the file it wrote;
fastai measures a learner that learned nothing, which answers as slowly. The limit of a folder is what decoding and
network, each measured alone on the same cores, allow when they share them: 1 / (1/decoding + 1/network). What a new
process takes to its first answer is of ours alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench_data import find_set
from bytecode import as_installed
from peers import SCRIPTS, fastai_python
from report import OUR_ANSWERS, THEIR_ANSWERS, write_report
from rows import load_rows, plain, save_rows
from systems import run, write_split

SCRIPTS[OUR_ANSWERS] = """
import json, sys, time
from pathlib import Path
import numpy as np
from fieldmark.models.engine import BATCH_SIZE, Engine
from fieldmark.imaging.loading import load_squares
from fieldmark.modelfile import read_model_file
from fieldmark.predictor import Predictor
model = Path(sys.argv[3], "model.onnx")
split = json.loads(Path(sys.argv[2]).read_text("utf-8"))
paths = [Path(sys.argv[1], path) for side in ("train", "valid") for path in split[side]]
predictor = Predictor.load(model)
predictor.predict(paths[:32])

def rate(work, count):
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return count / float(np.median(taken))

taken = []
for path in paths[:200]:
    started = time.perf_counter()
    predictor.predict([path])
    taken.append(time.perf_counter() - started)
rule = predictor.info.rule
engine = Engine(read_model_file(model).content, size_px=rule.size_px, precision=predictor.precision)
batch = np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, rule.size_px, rule.size_px, 3), np.uint8)
batches = len(paths) // BATCH_SIZE
decoded = rate(lambda: list(load_squares(paths, rule)), len(paths))
forwarded = rate(lambda: list(engine.stream([batch] * batches)), batches * BATCH_SIZE)
photos = rate(lambda: predictor.predict(paths), len(paths))
figures = {"one_ms": 1000 * float(np.median(taken)), "photos_s": photos, "decoded_s": decoded,
           "forwarded_s": forwarded, "limit_s": 1 / (1 / decoded + 1 / forwarded)}
print(json.dumps({"wrong": [], "n": 0, "figures": figures}))
"""


FRESH = """
import resource, sys, time
started = time.perf_counter()
from fieldmark.predictor import Predictor
Predictor.load(sys.argv[1]).predict([sys.argv[2]])
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def measure_fresh(model: Path, photo: Path, cache: Path) -> None:
    """Import, load the model, answer once: in a new process each time, the first with nothing kept."""
    environment = {**as_installed(), "FIELDMARK_CACHE": str(cache)}
    command = [sys.executable, "-c", FRESH, str(model), str(photo)]
    runs = [
        list(
            map(
                float,
                subprocess.run(command, check=True, capture_output=True, env=environment).stdout.split(),
            )
        )
        for _ in range(8)
    ]
    again = median(seconds for seconds, _ in runs[1:])
    print(
        f"fresh process: import, load, first answer: {again:.2f} s, median of {len(runs) - 1} (goal 0.8); "
        f"the first time {runs[0][0]:.2f} s; at most {max(mib for _, mib in runs):.0f} MiB (goal 180)"
    )


def main() -> int:
    """Measure both and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--set", default="bears")
    photos = find_set(parser.parse_args().set) or find_set("sample")
    assert photos is not None  # the sample is always at hand
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        split = write_split(photos, work, seed=1)
        command = ["train", str(photos), "--split", str(split), "--out", str(work / "model.onnx"), "--json"]
        subprocess.run([sys.executable, "-m", "fieldmark", *command], check=True, capture_output=True)
        measure_fresh(work / "model.onnx", next(photos.rglob("*.jpg")), work / "kept")
        systems = [OUR_ANSWERS, *([THEIR_ANSWERS] if fastai_python() else [])]
        for system in systems:
            row = run(system, photos, split, work, 1)
            save_rows([*load_rows(), row])
            print(plain(row), flush=True)
    if len(systems) == 1:
        print("fastai: skipped: not installed. Name an interpreter that has it in FASTAI_PYTHON.")
    write_report(load_rows())
    return 0


if __name__ == "__main__":
    sys.exit(main())
