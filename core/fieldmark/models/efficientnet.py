"""EfficientNet-Lite as an ONNX graph, written node by node from its weights.

The graph takes photos as they lie in memory, `images` uint8 (N, H, W, 3) in RGB, and gives `fmap`,
the last feature map float32 (N, 1280, H/32, W/32). Written by hand because it is short, the same on
every machine, needs no tracer, and keeps two things where they belong: the normalisation that the
weights were trained with, and TensorFlow's "same" padding, which ONNX knows as SAME_UPPER.

Tan and Le, EfficientNet (arXiv 1905.11946); the Lite variants swap swish for ReLU6 and drop
squeeze-and-excitation (github.com/tensorflow/tpu, models/official/efficientnet/lite).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto

from fieldmark.models.graphs import GraphWriter

Tensors = Mapping[str, npt.NDArray[np.float32]]

BATCH_NORM_EPSILON = 1e-3
"""TensorFlow's default, which these weights were trained with."""

MEAN, STD = 127.0, 128.0
"""What the Lite weights were trained on: (x - 127) / 128, not ImageNet's usual mean and deviation."""

LITE0_STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)
"""Stride of each of the 16 blocks; every other shape is read off the weights."""


def lite0_graph(tensors: Tensors, *, name: str) -> ModelProto:
    """Build the trunk of EfficientNet-Lite0 from tensors in the order of the original checkpoint.

    Args:
        tensors: the 296 tensors by their original names, float32.
        name: name of the graph, kept in the file.
    Returns:
        A model with one input, `images` uint8 (N, H, W, 3), and one output, `fmap` float32
        (N, 1280, h, w). H and W are free, multiples of 32 are wise.
    """
    g = GraphWriter()
    x = _normalised(g)
    x = _conv_bn(g, x, tensors, "_conv_stem", "_bn0", stride=2)
    for index, stride in enumerate(LITE0_STRIDES):
        x = _block(g, x, tensors, f"_blocks.{index}", stride)
    fmap = _conv_bn(g, x, tensors, "_conv_head", "_bn1", name="fmap")
    g.input("images", np.uint8, ["N", "H", "W", 3])
    g.output(fmap, ["N", 1280, "h", "w"])
    return g.model(name)


def _normalised(g: GraphWriter) -> str:
    x = g.add("Cast", "images", name="images.float", to=TensorProto.FLOAT)
    x = g.add("Sub", x, g.constant([MEAN], "mean"), name="images.centred")
    x = g.add("Div", x, g.constant([STD], "std"), name="images.normalised")
    return g.add("Transpose", x, name="images.nchw", perm=[0, 3, 1, 2])  # (N, 3, H, W)


def _block(g: GraphWriter, x: str, tensors: Tensors, block: str, stride: int) -> str:
    """One inverted residual block: expand (all but the first), depthwise, project, add where shapes allow."""
    shortcut = x
    if f"{block}._expand_conv.weight" in tensors:
        x = _conv_bn(g, x, tensors, f"{block}._expand_conv", f"{block}._bn0")
    depthwise = f"{block}._depthwise_conv"
    x = _conv_bn(g, x, tensors, depthwise, f"{block}._bn1", stride=stride, depthwise=True)
    x = _conv_bn(g, x, tensors, f"{block}._project_conv", f"{block}._bn2", activate=False)
    if adds(tensors, block, stride):
        x = g.add("Add", x, shortcut, name=f"{block}.sum")
    return x


def adds(tensors: Tensors, block: str, stride: int) -> bool:
    """Whether a block's result is added to what came in: where both have the same shape."""
    return stride == 1 and _channels_in(tensors, block) == tensors[f"{block}._project_conv.weight"].shape[0]


def _channels_in(tensors: Tensors, block: str) -> int:
    expand = tensors.get(f"{block}._expand_conv.weight")
    return int(tensors[f"{block}._depthwise_conv.weight"].shape[0] if expand is None else expand.shape[1])


def _conv_bn(
    g: GraphWriter,
    x: str,
    tensors: Tensors,
    conv: str,
    norm: str,
    *,
    stride: int = 1,
    depthwise: bool = False,
    activate: bool = True,
    name: str | None = None,
) -> str:
    """Convolution with its batch norm folded in, and ReLU6 after it."""
    weight, bias = folded(tensors, conv, norm)
    groups = weight.shape[0] if depthwise else 1
    inputs = (x, g.weight(weight, f"{conv}.weight"), g.weight(bias, f"{conv}.bias"))
    size = list(weight.shape[2:])
    last = name or f"{conv}.out"
    y = g.add(
        "Conv",
        *inputs,
        name=f"{conv}.conv" if activate else last,
        auto_pad="SAME_UPPER",
        strides=[stride, stride],
        kernel_shape=size,
        group=groups,
    )
    return _relu6(g, y, last) if activate else y


def _relu6(g: GraphWriter, x: str, name: str) -> str:
    if not any(weight.name == "six" for weight in g.weights):
        g.constant(0, "zero")
        g.constant(6, "six")
    return g.add("Clip", x, "zero", "six", name=name)


def folded(tensors: Tensors, conv: str, norm: str) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """At inference a batch norm is a scale and a shift: put them into the convolution before it."""
    scale = tensors[f"{norm}.weight"] / np.sqrt(tensors[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    weight = tensors[f"{conv}.weight"] * scale[:, None, None, None]
    return weight, tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale
