"""Fieldmark: from a folder of photos to an image classifier you can share and supervise.

    from fieldmark import Predictor
    Predictor.load("bears.onnx").predict(["bear.jpg"])

Everything else is one import further: `fieldmark.learner`, `fieldmark.check`, `fieldmark.catalog` …
"""

from __future__ import annotations

from fieldmark.errors import FieldmarkError
from fieldmark.predictor import ActivationMap, Failure, Prediction, Predictor

__all__ = ["ActivationMap", "Failure", "FieldmarkError", "Prediction", "Predictor"]
