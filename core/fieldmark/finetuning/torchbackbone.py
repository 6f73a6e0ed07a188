"""EfficientNet-Lite as a torch network, for training it; served is always the ONNX graph (efficientnet.py).

Its modules are called as in the original checkpoint, so `load_state_dict` takes the 296 tensors as they
are and `state_dict` gives them back under the names that `efficientnet.lite0_graph` writes a graph from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch  # noqa: TID253 - imported lazily itself, only where a network is trained
from torch import Tensor, nn  # noqa: TID253
from torch.nn import functional as F  # noqa: N812, TID253 - as everybody calls it

from fieldmark.models.efficientnet import BATCH_NORM_EPSILON, LITE0_STRIDES, MEAN, STD

Tensors = dict[str, npt.NDArray[np.float32]]

CLASSIFIER = "_fc"
"""Tensors of ImageNet's own classifier begin so; it is not part of the trunk."""
EARLY_BLOCKS = 5
"""Blocks down to an eighth of the photo's size: the first of the two groups, as in the book's ResNet."""


class Lite0(nn.Module):
    """The trunk of EfficientNet-Lite0: normalised photos (N, 3, H, W) → feature vectors (N, 1280)."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Build every layer in the shape that its weights have, and fill it."""
        super().__init__()
        self._conv_stem = SameConv(tensors["_conv_stem.weight"].shape, stride=2)
        self._bn0 = _norm(tensors["_bn0.weight"])
        self._blocks = nn.ModuleList(
            Block(_below(tensors, f"_blocks.{index}."), stride) for index, stride in enumerate(LITE0_STRIDES)
        )
        self._conv_head = SameConv(tensors["_conv_head.weight"].shape)
        self._bn1 = _norm(tensors["_bn1.weight"])
        self.load(tensors)

    def forward(self, x: Tensor) -> Tensor:
        """Give the average of the last feature map."""
        x = _relu6(self._conv_stem(x, self._bn0))
        for block in self._blocks:
            x = block(x)
        x = _relu6(self._conv_head(x, self._bn1))  # (N, 1280, H/32, W/32)
        pooled: Tensor = x.mean((2, 3))  # (N, 1280)
        return pooled

    def normalise_(self, photos: Tensor) -> Tensor:
        """Bring photos (N, 3, H, W) from 0 … 255, in place, to what these weights were trained on."""
        return photos.sub_(MEAN).div_(STD)

    def load(self, tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
        """Take weights by their original names."""
        own = {k: torch.tensor(v) for k, v in tensors.items() if not k.startswith(CLASSIFIER)}
        self.load_state_dict(own)

    def tensors(self) -> Tensors:
        """Give the weights by their original names, apart from the network: it may train on."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self.state_dict().items()}

    def groups(self) -> list[list[nn.Parameter]]:
        """Parameters from early to late, in two groups that learn at their own rate."""
        early: list[nn.Module] = [self._conv_stem, self._bn0, *self._blocks[:EARLY_BLOCKS]]
        late: list[nn.Module] = [*self._blocks[EARLY_BLOCKS:], self._conv_head, self._bn1]
        return [[p for module in group for p in module.parameters()] for group in (early, late)]

    def stages(self) -> Iterator[nn.Module]:
        """The blocks: between two of them is a good moment to look up from work."""
        yield from self._blocks


class Block(nn.Module):
    """One inverted residual block: expand (all but the first), depthwise, project, add where shapes allow."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[np.generic]], stride: int) -> None:
        """Build it in the shape of its weights."""
        super().__init__()
        self.expands = "_expand_conv.weight" in tensors
        if self.expands:
            self._expand_conv = SameConv(tensors["_expand_conv.weight"].shape)
            self._bn0 = _norm(tensors["_bn0.weight"])
        depthwise, project = tensors["_depthwise_conv.weight"].shape, tensors["_project_conv.weight"].shape
        self._depthwise_conv = SameConv(depthwise, stride=stride, groups=depthwise[0])
        self._bn1 = _norm(tensors["_bn1.weight"])
        self._project_conv = SameConv(project)
        self._bn2 = _norm(tensors["_bn2.weight"])
        width = tensors["_expand_conv.weight"].shape[1] if self.expands else depthwise[0]
        self.adds = stride == 1 and width == project[0]

    def forward(self, x: Tensor) -> Tensor:
        """Compute the block."""
        wide = _relu6(self._expand_conv(x, self._bn0)) if self.expands else x
        y: Tensor = self._project_conv(_relu6(self._depthwise_conv(wide, self._bn1)), self._bn2)
        return x + y if self.adds else y


class SameConv(nn.Conv2d):
    """Convolution and the batch norm after it, with TensorFlow's "same" padding.

    A norm whose mean and variance stay is a scale and a shift; they are multiplied into the weights, of which
    there are few, instead of the maps, of which there are many. The gradients are the same.
    """

    def __init__(self, shape: Sequence[int], *, stride: int = 1, groups: int = 1) -> None:
        """Take the weight's shape (out, in / groups, k, k)."""
        out, width, size, _ = shape
        # with stride 1 both sides get the same, which the convolution does itself
        padding = size // 2 if stride == 1 else 0
        super().__init__(width * groups, out, size, stride=stride, padding=padding, groups=groups, bias=False)

    def forward(self, x: Tensor, norm: nn.BatchNorm2d) -> Tensor:  # type: ignore[override]
        """Pad where it takes two different sides (what does not come out even goes right and below), convolve."""
        if self.stride[0] > 1:
            (top, below), (left, right) = (self._padding(side) for side in x.shape[2:])
            x = F.pad(x, (left, right, top, below))
        mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
        scale = norm.weight * (variance + norm.eps).rsqrt()
        weight = self.weight * scale[:, None, None, None]
        return cast(Tensor, self._conv_forward(x, weight, norm.bias - mean * scale))

    def _padding(self, side: int) -> tuple[int, int]:
        stride, size = self.stride[0], self.kernel_size[0]
        missing = max(0, (-(-side // stride) - 1) * stride + size - side)
        return missing // 2, missing - missing // 2


def _norm(weight: npt.NDArray[np.generic]) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(len(weight), eps=BATCH_NORM_EPSILON)


def _relu6(x: Tensor) -> Tensor:
    return F.relu6(x, inplace=True)


def _below(tensors: Mapping[str, npt.NDArray[np.generic]], prefix: str) -> dict[str, npt.NDArray[np.generic]]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
