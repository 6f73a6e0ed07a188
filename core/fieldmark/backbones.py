"""Backbones: networks trained on millions of photos, whose features a small head is fitted on.

A prepared backbone is two files in the cache folder: the trunk, an ONNX graph from uint8 photos to the
last feature map with its own normalisation inside, and ImageNet's own head as plain arrays. Preparing
reads the embedded package's torch pickle once, hash pinned and `weights_only=True`; it is the only
pickle that Fieldmark ever opens, and nothing after set-up needs torch.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldmark.cachefolder import cache_folder
from fieldmark.errors import BackboneError
from fieldmark.models.architecture import (
    ARCHITECTURES,
    DEFAULT_ARCH,
    EFFICIENTNET_LITE0,
    EFFICIENTNET_LITE0_8BIT,
    Architecture,
    in_floats,
)
from fieldmark.models.backbone import FORMAT, Backbone, write_whole

__all__ = [
    "ARCHITECTURES",
    "DEFAULT_ARCH",
    "EFFICIENTNET_LITE0",
    "EFFICIENTNET_LITE0_8BIT",
    "in_floats",
    "load_backbone",
    "trunk_tensors",
]


def load_backbone(name: str = DEFAULT_ARCH, *, size_px: int | None = None) -> Backbone:
    """Give a backbone by name, preparing it first where that was not done yet (a few seconds, once).

    Args:
        name: one of the embedded ones', or any that architectures.py understands.
        size_px: side of the square that will be asked for, where that is known.
    Raises:
        BackboneError: the name is not known, or its weights cannot be had here.
    """
    arch = ARCHITECTURES.get(name)
    if arch is None:
        from fieldmark.finetuning.architectures import load_architecture

        return load_architecture(name, size_px=size_px)
    stem = f"{arch.name}-{arch.sha256[:12]}-v{FORMAT}"
    folder = cache_folder("backbones")
    trunk, head = folder / f"{stem}.onnx", folder / f"{stem}-imagenet.npz"
    if not (trunk.exists() and head.exists()):
        _prepare(arch, trunk, head)
    content = trunk.read_bytes()
    return Backbone(arch, content, f"{arch.name}-{hashlib.sha256(content).hexdigest()[:16]}", head)


def trunk_tensors(arch: Architecture) -> dict[str, npt.NDArray[Any]]:
    """Read the weights that a backbone was prepared from, under their original names, to train on from there.

    Raises:
        BackboneError: they are not where they were.
    """
    if arch.library:
        from fieldmark.finetuning.hub import read_tensors

        return read_tensors(Path(arch.weights))
    return {name: value for name, value in _read_checkpoint(arch).items() if not name.startswith("_fc")}


def _prepare(arch: Architecture, trunk: Path, head: Path) -> None:
    from fieldmark.models.efficientnet import lite0_graph
    from fieldmark.models.eightbit import lite0_eightbit_graph

    tensors = _read_checkpoint(arch)
    weight, bias = tensors["_fc.weight"], tensors["_fc.bias"]
    model = (lite0_eightbit_graph if arch.eight_bit_of else lite0_graph)(tensors, name=arch.name)
    write_whole(head, lambda path: np.savez(path, weight=weight, bias=bias))
    write_whole(trunk, lambda path: path.write_bytes(model.SerializeToString(deterministic=True)))


def _read_checkpoint(arch: Architecture) -> dict[str, npt.NDArray[np.float32]]:
    """Read the package's pickle: only this file, only this hash, only tensors."""
    path = _weights_path(arch)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != arch.sha256:
        raise BackboneError(
            f"{path.name} has SHA-256 {found}, but {arch.sha256} was expected, so it was not opened. "
            f"Install {arch.package} afresh."
        )
    try:
        import torch
    except ImportError as exc:
        raise BackboneError(
            f"Preparing {arch.title} needs torch, once. Install fieldmark[backbone] and run again."
        ) from exc
    return {name: tensor.numpy() for name, tensor in torch.load(path, weights_only=True).items()}


def _weights_path(arch: Architecture) -> Path:
    spec = importlib.util.find_spec(arch.package)
    if spec is None or spec.origin is None:
        raise BackboneError(
            f"The weights of {arch.title} are not installed: the package {arch.package} is missing. "
            "Install fieldmark[backbone]."
        )
    return Path(spec.origin).parent / arch.weights
