"""EfficientNet-Lite0 in whole numbers: weights and maps of less than 8 bits, about half the work on a CPU, the same bits anywhere.

Nothing is calibrated on photos. After ReLU6 a map lies in 0 … 6 by definition; of the maps without it, batch norm knows
each channel's mean and deviation, and `RANGE` deviations are kept. Batch norm also tells the mean of what a rounded
weight is multiplied with, so the error that rounding makes on average is taken out of the bias (Nagel et al. 2019,
arXiv 1906.04721). So the graph follows from the pretrained weights alone.

What runs it must not matter: the head is fitted on one engine's features, and the file answers in others'. Rounded
networks are touchy there: a last bit in one map becomes whole levels a few layers on. So nothing is left to a last bit:

- Maps are counted in their own levels, whole numbers 0 … `LEVELS`, and the sizes of the levels are multiplied into weights.
- The steps of weights have `STEP_BITS` significant bits and biases are whole numbers of such steps. Then every product
  and sum fits float32 without rounding, in whatever order, fused or not, in integers or in floats.
- An even number of levels lies below zero: then halves are rounded to the same side before and after it is added.
- Weights are few steps: processors without dot products of bytes (AVX2 without VNNI) add two products in 16 bits, and
  what does not fit would be cut off there and nowhere else. So the range of a byte is shared out: with 200 levels of a
  map there are 81 steps of a weight to either side.
- The first layer alone is in floats: on grey pictures it has to cancel colours, which 64 steps of a weight (whole bytes
  leave no more) do badly. Its steps are powers of two, so fine that all its sums still fit float32 without rounding.

Written as ONNX's QuantizeLinear and DequantizeLinear, which OpenVINO and ONNX Runtime compute in bytes and which mean
the same in any other runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import erf

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto

from fieldmark.models.efficientnet import LITE0_STRIDES, MEAN, STD, adds, folded
from fieldmark.models.graphs import GraphWriter

Floats = npt.NDArray[np.float64]
Tensors = Mapping[str, npt.NDArray[np.float32]]

LEVELS = 200
"""Steps of a map. With fewer, features of infrared photos move away from those in float32 (cosine .980; with 160 .970);
with more, by the coarser weights that these leave, those of others do. Of 3,504 held-out photos of seven sets 187 come
out wrong, in float32 188 (`make bench-int8`)."""
LARGEST_WEIGHT = (2**15 - 1) // (2 * LEVELS)
"""Steps of a weight to either side, so that two products with bytes up to `LEVELS` fit 16 bits."""
FIRST, LARGEST_COLOUR = "_conv_stem", 128
"""The layer that meets photos, and what is farthest there from the middle grey."""
LARGEST_SUM = 2**23
"""Steps that its sums can reach: one bit less than float32 has."""
STEP_BITS = 4
LARGEST_BIAS = 2**20
"""Steps of a bias to either side: with the bits of a step they fill the 24 that float32 has."""
RANGE = 4.0
"""Standard deviations to either side of its mean that a map without ReLU6 can show."""
SIX = 6.0
"""Where ReLU6 ends."""


@dataclass(frozen=True)
class _Map:
    """A map in the graph, counted in levels."""

    name: str
    level: float
    """What one level stands for."""
    mean: Floats
    """(channels,) what is expected of each, in levels."""


def lite0_eightbit_graph(tensors: Tensors, *, name: str) -> ModelProto:
    """Build the trunk of EfficientNet-Lite0 in 8 bits; arguments, input and output as of `lite0_graph`."""
    g = GraphWriter()
    g.constant(1.0, "level")
    x = _relu6_map(g, _photos(g), tensors, FIRST, "_bn0", stride=2)
    for stage in _stages(tensors):
        low, high = _stream_range(tensors, stage)
        for index in stage:
            x = _block(g, x, tensors, f"_blocks.{index}", LITE0_STRIDES[index], low, high)
    _conv(g, x, tensors, "_conv_head", "_bn1", name="fmap", level=1.0, highest=SIX)
    g.input("images", np.uint8, ["N", "H", "W", 3])
    g.output("fmap", ["N", 1280, "h", "w"])
    return g.model(name)


def _photos(g: GraphWriter) -> _Map:
    """Photos are whole numbers already; zero, which padding adds, is the middle grey they are centred on."""
    x = g.add("Cast", "images", name="images.float", to=TensorProto.FLOAT)
    x = g.add("Sub", x, g.constant(MEAN, "images.grey"), name="images.centred")
    x = g.add("Transpose", x, name="images.nchw", perm=[0, 3, 1, 2])  # (N, 3, H, W)
    return _Map(x, 1 / STD, np.zeros(3))


def _stages(tensors: Tensors) -> list[list[int]]:
    """Blocks that add to one stream, together: their maps share one level, so that sums are of whole numbers."""
    stages: list[list[int]] = []
    for index, stride in enumerate(LITE0_STRIDES):
        if adds(tensors, f"_blocks.{index}", stride):
            stages[-1].append(index)
        else:
            stages.append([index])
    return stages


def _stream_range(tensors: Tensors, stage: list[int]) -> tuple[float, float]:
    """The lowest and the highest value that a stage's maps can show."""
    mean, variance = np.zeros(1), np.zeros(1)
    low = high = 0.0
    for index in stage:
        own, deviation = _statistics(tensors, f"_blocks.{index}._bn2")
        mean, variance = mean + own, variance + deviation**2
        for m, d in ((own, deviation), (mean, np.sqrt(variance))):
            low, high = min(low, (m - RANGE * d).min()), max(high, (m + RANGE * d).max())
    return float(low), float(high)


def _block(
    g: GraphWriter, x: _Map, tensors: Tensors, block: str, stride: int, low: float, high: float
) -> _Map:
    """One inverted residual block, as `efficientnet._block`."""
    shortcut = x
    if f"{block}._expand_conv.weight" in tensors:
        x = _relu6_map(g, x, tensors, f"{block}._expand_conv", f"{block}._bn0")
    x = _relu6_map(g, x, tensors, f"{block}._depthwise_conv", f"{block}._bn1", stride=stride)
    level = (high - low) / LEVELS
    zero, conv = 2 * round(-low / level / 2), f"{block}._project_conv"
    y = _conv(g, x, tensors, conv, f"{block}._bn2", name=f"{conv}.out", level=level)
    mean = _statistics(tensors, f"{block}._bn2")[0] / level
    if adds(tensors, block, stride):  # before it is rounded: rounding twice is what engines do differently
        y, mean = g.add("Add", y, shortcut.name, name=f"{block}.sum"), mean + shortcut.mean
    y = _clipped(g, y, -zero, LEVELS - zero, f"{y}.cut")
    return _Map(_rounded(g, y, zero), level, mean)


def _relu6_map(g: GraphWriter, x: _Map, tensors: Tensors, conv: str, norm: str, *, stride: int = 1) -> _Map:
    level = SIX / LEVELS
    y = _conv(g, x, tensors, conv, norm, name=f"{conv}.out", level=level, highest=LEVELS, stride=stride)
    return _Map(_rounded(g, y, 0), level, _mean_after_relu6(*_statistics(tensors, norm)) / level)


def _rounded(g: GraphWriter, x: str, zero: int) -> str:
    """Round to levels, of which `zero` lie below zero; what lies beyond the first or the last becomes that."""
    if not any(weight.name == f"zero.{zero}" for weight in g.weights):
        g.constant(zero, f"zero.{zero}", dtype=np.uint8)
    byte = g.add("QuantizeLinear", x, "level", f"zero.{zero}", name=f"{x}.byte")
    return g.add("DequantizeLinear", byte, "level", f"zero.{zero}", name=f"{x}.levels")


def _conv(
    g: GraphWriter,
    x: _Map,
    tensors: Tensors,
    conv: str,
    norm: str,
    *,
    name: str,
    level: float,
    highest: float | None = None,
    stride: int = 1,
) -> str:
    """Convolution with its batch norm in it, from levels to levels of a size; cut to 0 … `highest` where that is given."""
    weight, bias = (np.asarray(part, np.float64) for part in folded(tensors, conv, norm))
    weight, bias = weight * (x.level / level), bias / level
    inputs = (
        _fine_weights(g, conv, weight, bias) if conv == FIRST else _weights(g, conv, weight, bias, x.mean)
    )
    y = g.add(
        "Conv",
        x.name,
        *inputs,
        name=name if highest is None else f"{conv}.conv",
        auto_pad="SAME_UPPER",
        strides=[stride, stride],
        kernel_shape=list(weight.shape[2:]),
        group=len(weight) if _is_depthwise(conv) else 1,
    )
    return y if highest is None else _clipped(g, y, 0, highest, name)


def _weights(g: GraphWriter, conv: str, weight: Floats, bias: Floats, mean: Floats) -> list[str]:
    """Write weights and biases as whole steps, for maps with a `mean`, in levels."""
    steps, step = _steps(weight, bias)
    missed = (steps * _as_column(step) - weight).sum(axis=(2, 3))  # (out, in / groups)
    bias = bias - (missed[:, 0] * mean if _is_depthwise(conv) else missed @ mean)
    g.constant(steps, f"{conv}.steps", dtype=np.int8)
    g.constant(np.round(bias / step), f"{conv}.bias.steps", dtype=np.int32)
    g.constant(step, f"{conv}.step")
    return [
        g.add("DequantizeLinear", f"{conv}.{part}", f"{conv}.step", name=f"{conv}.{whole}", axis=0)
        for part, whole in (("steps", "weight"), ("bias.steps", "bias"))
    ]


def _steps(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Whole steps (out, in, k, k) and the size of a step (out,), with few significant bits."""
    widest = np.abs(weight).max(axis=(1, 2, 3))
    # of a dead channel only a bias is left
    fine = np.maximum(widest / LARGEST_WEIGHT, np.abs(bias) / LARGEST_BIAS)
    fraction, exponent = np.frexp(fine)
    step = np.ldexp(np.ceil(np.ldexp(fraction, STEP_BITS)), exponent - STEP_BITS)
    return np.round(weight / _as_column(step)), step


def _fine_weights(g: GraphWriter, conv: str, weight: Floats, bias: Floats) -> list[str]:
    """Write the first layer's weights and biases as floats that are whole steps of a power of two."""
    farthest = LARGEST_COLOUR * np.abs(weight).sum(axis=(1, 2, 3)) + np.abs(bias)
    step = 2 ** np.ceil(np.log2(farthest / LARGEST_SUM))
    return [
        g.constant(np.round(weight / _as_column(step)) * _as_column(step), f"{conv}.weight"),
        g.constant(np.round(bias / step) * step, f"{conv}.bias"),
    ]


def _is_depthwise(conv: str) -> bool:
    return conv.endswith("depthwise_conv")


def _clipped(g: GraphWriter, x: str, lowest: float, highest: float, name: str) -> str:
    for value in (lowest, highest):
        if not any(weight.name == f"limit.{value:g}" for weight in g.weights):
            g.constant(value, f"limit.{value:g}")
    return g.add("Clip", x, f"limit.{lowest:g}", f"limit.{highest:g}", name=name)


def _as_column(values: Floats) -> Floats:
    return values[:, None, None, None]


def _statistics(tensors: Tensors, norm: str) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each channel that leaves a batch norm."""
    return tensors[f"{norm}.bias"].astype(np.float64), np.abs(tensors[f"{norm}.weight"].astype(np.float64))


def _mean_after_relu6(mean: Floats, deviation: Floats) -> Floats:
    """The mean of a normal distribution that is cut to 0 … 6."""
    deviation = np.maximum(deviation, 1e-6)
    low, high = -mean / deviation, (SIX - mean) / deviation
    below, above = _normal_below(low), _normal_below(high)
    bells = (np.exp(-(low**2) / 2) - np.exp(-(high**2) / 2)) / np.sqrt(2 * np.pi)
    return np.asarray(mean * (above - below) + deviation * bells + SIX * (1 - above))


def _normal_below(z: Floats) -> Floats:
    return np.array([0.5 * (1 + erf(value / np.sqrt(2))) for value in z])
