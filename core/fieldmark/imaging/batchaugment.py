"""Augmentation of a whole batch at once, for fine-tuning: one draw of numbers, one resampling.

The book's `RandomResizedCrop` and `aug_transforms`: a part of the photo, mirrored, turned, zoomed, seen at
an angle, lit otherwise. Crop, flip, turn, zoom and perspective are multiplied into one 3 × 3 matrix a photo, so
each pixel is interpolated once, not five times. A draw depends on its seed alone: to go on after a crash,
nothing but the number of the epoch needs to be known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - imported lazily itself, only where a network is trained
from torch import Tensor  # noqa: TID253
from torch.nn import functional as F  # noqa: N812, TID253 - as everybody calls it

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BatchAugment:
    """How far a view may lie from its photo; the book's numbers."""

    min_scale: float = 0.5
    """Smallest share of the photo's area that is kept."""
    max_stretch: float = 4 / 3
    """Largest ratio of the part's sides."""
    max_rotate: float = 10.0
    """Degrees, either way."""
    max_zoom: float = 1.1
    max_warp: float = 0.2
    """Perspective: how much nearer one side may come."""
    max_lighting: float = 0.2
    """Change of brightness and of contrast, either way."""
    p: float = 0.75
    """How often each of turning, zooming, warping, brightness and contrast happens."""
    flip: bool = True
    """Mirror half of the views; not where left and right matter."""


@dataclass(frozen=True)
class Draw:
    """The numbers drawn for a batch."""

    matrices: npt.NDArray[np.float32]
    """(N, 3, 3): from a place in the view to one in the photo, both −1 … 1, by homogeneous coordinates."""
    brightness: npt.NDArray[np.float32]
    """(N,) added to logits of pixel values."""
    contrast: npt.NDArray[np.float32]
    """(N,) that logits are multiplied by."""

    def rows(self, chunk: slice) -> Draw:
        """The numbers of some of the photos."""
        return Draw(self.matrices[chunk], self.brightness[chunk], self.contrast[chunk])


def draw(aspects: npt.NDArray[np.float32], seed: list[int], augment: BatchAugment | None = None) -> Draw:
    """Draw views for photos of these shapes (width / height)."""
    chosen, rng, n = augment or BatchAugment(), np.random.default_rng(seed), len(aspects)

    def sometimes(most: float) -> Floats:
        return rng.uniform(-most, most, n) * (rng.random(n) < chosen.p)

    part = _parts(aspects.astype(np.float64), chosen, rng)
    flip = np.where(rng.random(n) < 0.5, -1.0, 1.0) if chosen.flip else np.ones(n)
    turn = _turned(np.deg2rad(sometimes(chosen.max_rotate)))
    zoom = 1 / (1 + np.abs(sometimes(chosen.max_zoom - 1)))
    warp = _warped(sometimes(chosen.max_warp), sometimes(chosen.max_warp))
    matrices = part @ turn @ _scaled(zoom * flip, zoom) @ warp
    half = np.clip(0.5 + sometimes(chosen.max_lighting / 2), 0.01, 0.99)
    contrast = np.exp(sometimes(np.log(1 / (1 - chosen.max_lighting))))
    single = (values.astype(np.float32) for values in (matrices, np.log(half / (1 - half)), contrast))
    return Draw(*single)


def apply_draw(photos: Tensor, draw: Draw, size_px: int) -> Tensor:
    """Make the views, on whatever device the photos are.

    Args:
        photos: uint8 (N, side, side, 3).
    Returns:
        (N, 3, size, size) float32 with values 0 … 255.
    """
    grid = _grid(torch.from_numpy(draw.matrices).to(photos.device), size_px)
    return F.grid_sample(
        _lit(photos, draw), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _lit(photos: Tensor, draw: Draw) -> Tensor:
    """Change brightness and contrast: there are only 256 levels, so each is computed once and looked up."""
    levels = np.clip(np.arange(256) / 255, 1e-3, 1 - 1e-3)
    logits = np.log(levels / (1 - levels)) + draw.brightness[:, None]  # (N, 256)
    tables = (255 / (1 + np.exp(-logits * draw.contrast[:, None]))).astype(np.float32)
    if photos.device.type == "cpu":
        squares = zip(tables, photos.numpy(), strict=True)
        lit = torch.from_numpy(np.stack([table[square] for table, square in squares]))
    else:
        rows = torch.arange(len(photos), device=photos.device)[:, None, None, None]
        lit = torch.from_numpy(tables).to(photos.device)[rows, photos.long()]
    return lit.permute(0, 3, 1, 2)  # (N, 3, side, side)


def _grid(matrices: Tensor, size_px: int) -> Tensor:
    """Where each pixel of each view comes from: (N, size, size, 2)."""
    x = (torch.arange(size_px, device=matrices.device) * 2 + 1) / size_px - 1
    across, down, shift = matrices[..., None, None].unbind(2)  # (N, 3, 1, 1)
    x_, y_, w = (across * x + (down * x[:, None] + shift)).unbind(1)  # (N, size, size)
    return torch.stack([x_ / w, y_ / w], dim=-1)


def _parts(aspects: Floats, augment: BatchAugment, rng: np.random.Generator) -> Floats:
    """A part of random area and shape somewhere in the photo (Szegedy et al. 2015, arXiv 1409.4842)."""
    n = len(aspects)
    scale = rng.uniform(augment.min_scale, 1.0, n)
    log_stretch = np.log(augment.max_stretch)
    stretch = np.exp(rng.uniform(-log_stretch, log_stretch, n))
    shape = stretch / aspects  # width / height in shares of the photo's own; kept where a side is too long
    width = np.sqrt(scale * shape).clip(max=np.minimum(1.0, shape))
    height = np.sqrt(scale / shape).clip(max=np.minimum(1.0, 1 / shape))
    left, top = (rng.uniform(size - 1, 1 - size) for size in (width, height))
    matrices = _scaled(width, height)
    matrices[:, 0, 2], matrices[:, 1, 2] = left, top
    return matrices


def _scaled(x: Floats, y: Floats) -> Floats:
    matrices = np.tile(np.eye(3), (len(x), 1, 1))
    matrices[:, 0, 0], matrices[:, 1, 1] = x, y
    return matrices


def _turned(angles: Floats) -> Floats:
    matrices = np.tile(np.eye(3), (len(angles), 1, 1))
    matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
    matrices[:, 0, 1], matrices[:, 1, 0] = -np.sin(angles), np.sin(angles)
    return matrices


def _warped(x: Floats, y: Floats) -> Floats:
    """Perspective: one side comes nearer, the opposite one goes away."""
    matrices = np.tile(np.eye(3), (len(x), 1, 1))
    matrices[:, 2, 0], matrices[:, 2, 1] = x, y
    return matrices
