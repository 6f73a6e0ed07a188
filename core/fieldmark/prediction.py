"""What comes of a photo, apart from the engine: whoever only shows answers loads no OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from fieldmark.imaging.resize import Box

Verdict = Literal["familiar", "unsure", "unfamiliar"]


@dataclass(frozen=True)
class Prediction:
    """The answer for one photo."""

    label: str
    """The most probable class."""
    prob: float
    """Its probability, 0 … 1."""
    probs: Mapping[str, float]
    """Every class in vocab order; they sum to 1."""
    verdict: Verdict
    """`unsure` between classes, `unfamiliar` when nothing like the training photos, else `familiar`."""
    familiarity_p: float | None
    """Share of known photos that look at least as strange; None where the model learned without photos."""


@dataclass(frozen=True)
class Failure:
    """A photo that could not be read: what stands in its place among the answers."""

    code: str
    reason: str
    """A sentence: what was wrong, what was expected, what to do."""


@dataclass(frozen=True)
class ActivationMap:
    """Where in a photo the evidence for a class lies."""

    values: npt.NDArray[np.float32]
    """(h, w), 0 … 1, the top row first."""
    region: Box
    """The part of the upright photo that it covers: left, top, right, bottom as fractions."""
