"""A backbone that is prepared: its graph, its name for the feature cache, and the classifier that it came with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fieldmark.models.architecture import Architecture

if TYPE_CHECKING:
    from onnx import ModelProto

FORMAT = 2
"""Raised when the prepared files change, so that old ones are made again."""


@dataclass(frozen=True)
class ImageNetHead:
    """The backbone's own classifier of ImageNet's 1000 kinds."""

    weight: npt.NDArray[np.float32]  # (1000, dim)
    bias: npt.NDArray[np.float32]  # (1000,)


@dataclass(frozen=True)
class Backbone:
    """A prepared backbone, ready to give features."""

    arch: Architecture
    trunk: bytes
    """ONNX graph: `images` uint8 (N, H, W, 3) → `fmap` float32 (N, dim, h, w)."""
    key: str
    """Names these exact weights, for the feature cache."""
    head_path: Path

    def graph(self) -> ModelProto:
        """The trunk as an ONNX model that may be extended."""
        from onnx import load_model_from_string

        return load_model_from_string(self.trunk)

    def imagenet_head(self) -> ImageNetHead:
        """The classifier that these weights were trained with."""
        with np.load(self.head_path, allow_pickle=False) as arrays:
            return ImageNetHead(arrays["weight"], arrays["bias"])


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside and rename: another process sees all of the file or none of it."""
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}{path.suffix}")
    write(unfinished)
    unfinished.replace(path)
