"""A backbone that is prepared: its graph, its name for the feature cache, and the classifier that it came with."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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
class Architecture:
    """A backbone that can be prepared on this machine."""

    name: str
    title: str
    licence: str
    size_px: int
    """Side of the square that it was trained on."""
    dim: int
    """Length of its feature vector."""
    package: str
    """The package that carries its weights."""
    weights: str
    """The file inside that package."""
    sha256: str
    """Of that file: anything else is not opened."""
    library: str = ""
    """"timm" or "torchvision"; empty for what is written out here. Then `weights` is the path of a safetensors file."""
    mean: tuple[float, ...] = ()
    """Of red, green and blue, 0 … 255, in the photos that it was trained on; of a library's."""
    std: tuple[float, ...] = ()
    fixed: bool = False
    """Whether it takes photos of `size_px` and no others."""
    eight_bit_of: str = ""
    """Name of the architecture in float32 that this one is in whole numbers; empty where it is in floats itself."""


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
