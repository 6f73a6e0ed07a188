"""torchvision works beside the torch that is installed here, whichever build each of them is."""

from __future__ import annotations

import subprocess
import sys


def run_python(code: str) -> str:
    """What a fresh interpreter prints for `code`: imports have side effects, so each claim gets its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_models_and_transforms_work_beside_this_torch() -> None:
    printed = run_python("""
import torch
from fieldmark.finetuning.vision import models, transforms
pipeline = transforms.Compose([
    transforms.RandomResizedCrop(64, antialias=True), transforms.RandomHorizontalFlip(1),
    transforms.ToDtype(torch.float32, scale=True),
])
photos = torch.randint(0, 256, (2, 3, 90, 120), dtype=torch.uint8)
with torch.inference_mode():
    print(*models.resnet18(weights=None).eval()(pipeline(photos)).shape)
""")
    assert printed == "2 1000"


def test_timm_imports_after_vision() -> None:
    assert (
        run_python("import fieldmark.finetuning.vision, timm; print(timm.is_model('tf_efficientnet_lite0'))")
        == "True"
    )


def test_the_operators_are_declared_only_where_the_compiled_ones_are_missing() -> None:
    printed = run_python("""
from fieldmark.finetuning import vision
from torchvision.extension import _has_ops
print(vision._declared is None, _has_ops())
""")
    declared_nothing, has_operators = printed.split()
    assert declared_nothing == has_operators


def test_a_missing_operator_is_an_error_not_a_wrong_answer() -> None:
    printed = run_python("""
import torch
from fieldmark.finetuning.vision import torchvision
from torchvision.extension import _has_ops
boxes, scores = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2]]), torch.tensor([0.9, 0.8])
try:
    kept = torchvision.ops.nms(boxes, scores, 0.5).tolist()
    print(_has_ops() and kept == [0])
except RuntimeError:
    print(not _has_ops())
""")
    assert printed == "True"
