"""Drawn photos that every model is tried on: when it is saved, when it is loaded, in any ONNX runtime.

They are made by arithmetic alone, so the same pixels come out everywhere and no photo of anybody needs to
travel in a model file.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def probe_photos(size_px: int) -> npt.NDArray[np.uint8]:
    """Draw the probes: uint8 (3, size, size, 3) – a gradient, rings and a coarse mosaic."""
    y, x = np.mgrid[0:size_px, 0:size_px].astype(np.float64) / size_px
    gradient = np.stack([x, y, 1 - x], axis=-1)
    rings = np.stack([0.5 + 0.5 * np.cos(40 * np.hypot(x - 0.5, y - 0.4) + turn) for turn in (0, 1, 2)], -1)
    cell = np.floor(x * 9) * 5 + np.floor(y * 9) * 11
    mosaic = np.stack([(cell * step % 17) / 16 for step in (3, 7, 13)], axis=-1)
    return np.round(np.stack([gradient, rings, mosaic]) * 255).astype(np.uint8)
