"""The systems that are measured beside ours, each a script of its own: what people use otherwise.

Each gets the same six arguments (folder, split file, work folder, seed, epochs, weights file) and prints one
JSON object as its last line: `wrong` (paths), `n`, and `training_s` where a call trains. All start from the same
weights, EfficientNet-Lite0 of ImageNet, with the normalisation these were trained with. fastai is no dependency: it
runs where FASTAI_PYTHON (an interpreter that has fastai and timm) or this interpreter has it.
"""

from __future__ import annotations

import importlib.util
import os
import sys

PEER_PACKAGES = ("fastai", "timm", "torch")

ARGUMENTS = """
import json, sys, time, warnings
from importlib.util import find_spec
from pathlib import Path
warnings.simplefilter("ignore")
root, split, seed, epochs = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text("utf-8")), *map(int, sys.argv[4:6])
import numpy as np, torch
try:  # torchvision beside a CPU build of torch, see fieldmark.finetuning.vision
    for operators in Path(find_spec("torchvision").origin).parent.glob("_C.*"):
        torch.ops.load_library(str(operators))
except OSError:
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import timm
tensors = [v for k, v in torch.load(sys.argv[6], weights_only=True).items() if not k.startswith("_fc")]
"""

FASTAI = (
    ARGUMENTS
    + """
from fastai.vision.all import *
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
names = [name for name in body.state_dict() if not name.startswith("classifier")]
body.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
"""
)

TRAINED = """
started = time.perf_counter()
with learn.no_bar(), learn.no_logging():
    {call}
training_s = time.perf_counter() - started
with learn.no_bar():
    probs, targs = learn.get_preds()
missed = (probs.argmax(1) != targs).tolist()
wrong = [path for path, miss in zip(split["valid"], missed, strict=True) if miss]
print(json.dumps({{"wrong": wrong, "n": len(missed), "training_s": training_s}}))
"""

# With a learner that learned nothing: what it answers takes as long.
FASTAI_PREDICTS = (
    FASTAI
    + """
photos = paths[: 32 * 4]
with learn.no_bar(), learn.no_logging():
    for path in photos[:3]:
        learn.predict(path)
    taken = []
    for path in photos[:40]:
        started = time.perf_counter()
        learn.predict(path)
        taken.append(time.perf_counter() - started)
    started = time.perf_counter()
    learn.get_preds(dl=learn.dls.test_dl(photos))
    rate = len(photos) / (time.perf_counter() - started)
print(json.dumps({"wrong": [], "n": 0, "figures": {"one_ms": 1000 * float(np.median(taken)), "photos_s": rate}}))
"""
)

PROBE = (
    ARGUMENTS
    + """
from PIL import Image
from sklearn.linear_model import LogisticRegressionCV
torch.manual_seed(seed)
model = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0).eval()
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

labels = lambda paths: np.array([Path(path).parent.name for path in paths])
started = time.perf_counter()
probe = LogisticRegressionCV(Cs=[1e-4, 1e-3, 1e-2, 1e-1, 1.0], cv=5, max_iter=1000)
probe.fit(features(split["train"]), labels(split["train"]))
training_s = time.perf_counter() - started
missed = probe.predict(features(split["valid"])) != labels(split["valid"])
wrong = [path for path, miss in zip(split["valid"], missed, strict=True) if miss]
print(json.dumps({"wrong": wrong, "n": len(missed), "training_s": training_s}))
"""
)

SCRIPTS = {
    "timm + scikit-learn": PROBE,
    "fastai frozen": FASTAI
    + TRAINED.format(call="learn.freeze(); learn.fit_one_cycle(1, 2e-3, pct_start=0.99)"),
    "fastai fine_tune(4)": FASTAI + TRAINED.format(call="learn.fine_tune(epochs)"),
    "fastai predicts": FASTAI_PREDICTS,
}


def needs_fastai(system: str) -> bool:
    """Whether a system runs only where fastai is."""
    return system.startswith("fastai")


def fastai_python() -> str | None:
    """An interpreter that has fastai; None where there is none."""
    if importlib.util.find_spec("fastai") is not None:
        return sys.executable
    return os.environ.get("FASTAI_PYTHON")
