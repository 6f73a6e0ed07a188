"""torchvision, importable beside any torch: `from fieldmark.finetuning.vision import models, transforms`.

The torchvision wheel of the package index is a CUDA build. Beside a CPU build of torch its compiled
operators do not load, and `import torchvision` stops with "operator torchvision::nms does not exist": it
describes two operators that nobody declared. Declaring their signatures first is enough for everything
Fieldmark uses (`models`, `transforms.v2`); the operators themselves (box suppression, for detection) stay
unavailable and say so when called. Where they do load, nothing is declared.

This is the one place that imports torchvision; import timm, which imports it too, after this module.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch


def _operators_load() -> bool:
    """Whether torchvision's compiled operators fit the torch that is installed here."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed. Install it with: python make.py setup")
    try:
        for operators in Path(spec.origin).parent.glob("_C.*"):
            torch.ops.load_library(str(operators))
            return True
    except OSError:  # a library of the other build (CUDA) is not there
        pass
    return False


def _declare_operators() -> torch.library.Library:
    """Give torchvision the two signatures that it expects to find; returns what keeps them alive."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


_declared = None if _operators_load() else _declare_operators()

import torchvision  # noqa: E402, TID251 - after the declaration, that is the point
from torchvision import models  # noqa: E402, TID251
from torchvision.models import feature_extraction  # noqa: E402, TID251
from torchvision.transforms import v2 as transforms  # noqa: E402, TID251

__all__ = ["feature_extraction", "models", "torchvision", "transforms"]
