"""Fieldmark: from a folder of photos to an image classifier you can share and supervise.

    from fieldmark import Predictor
    Predictor.load("bears.onnx").predict(["bear.jpg"])

Everything else is one import further: `fieldmark.learner`, `fieldmark.check`, `fieldmark.catalog` …
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldmark.errors import FieldmarkError
    from fieldmark.prediction import ActivationMap, Failure, Prediction
    from fieldmark.predictor import Predictor

__all__ = ["ActivationMap", "Failure", "FieldmarkError", "Prediction", "Predictor"]

_MODULES = {"FieldmarkError": "errors", "Predictor": "predictor"}
"""Where a name is, if not with the answers. The engine takes 100 MB: it is loaded when it is first asked for."""


def __getattr__(name: str) -> Any:
    """Load the module of a name (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'prediction')}"), name)


def __dir__() -> list[str]:
    """List what can be imported."""
    return __all__
