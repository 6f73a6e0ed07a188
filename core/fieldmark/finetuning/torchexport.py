"""From a torch network to the graph that is served: uint8 photos in, the last feature map out.

torch's older exporter (`dynamo=False`) does it: it writes opset 17, which the rest of the graph is written in, and
needs no further package. Before the graph is used it is compared with the network it was made of.
"""

from __future__ import annotations

import io
import warnings
from typing import cast

import numpy as np
import torch  # noqa: TID253 - imported lazily itself, only where a network is exported
from onnx import ModelProto, TensorProto, helper, load_model_from_string, numpy_helper
from torch import Tensor, nn  # noqa: TID253

from fieldmark.errors import BackboneError
from fieldmark.finetuning.trunks import Trunk
from fieldmark.models.engine import Engine
from fieldmark.models.graphs import OPSET
from fieldmark.models.probes import probe_photos

HALVED_FROM = 256
"""Tensors of fewer numbers stay float32: they save nothing."""
LARGEST_HALF = 65_000.0
TOLERANCE = 0.02
"""Share by which graph and network may differ: weights are rounded to float16."""


class Served(nn.Module):
    """A trunk that takes photos as they lie in memory: uint8 (N, H, W, 3)."""

    def __init__(self, trunk: Trunk) -> None:
        """Wrap it."""
        super().__init__()
        self.trunk = trunk
        self.register_buffer("mean", torch.tensor(trunk.arch.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(trunk.arch.std).view(1, 3, 1, 1))
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Give the last feature map."""
        photos = images.permute(0, 3, 1, 2).float()
        return self.trunk.maps((photos - cast(Tensor, self.mean)) / cast(Tensor, self.std))


def trunk_graph(trunk: Trunk, *, compare: bool = True) -> ModelProto:
    """Write the graph of a trunk and try it.

    Args:
        compare: False where the same architecture was tried before, with other weights.

    Raises:
        BackboneError: `unsupported`: it cannot be written as a graph, or the graph answers otherwise.
    """
    served, size = Served(trunk), trunk.arch.size_px
    axes = {"images": {0: "N"}, "fmap": {0: "N"}}
    if not trunk.arch.fixed:
        axes = {"images": {0: "N", 1: "H", 2: "W"}, "fmap": {0: "N", 2: "h", 3: "w"}}
    out = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of being the older one, and of every constant it folds
            torch.onnx.export(
                served,
                (torch.zeros(1, size, size, 3, dtype=torch.uint8),),
                out,  # type: ignore[arg-type]
                dynamo=False,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["fmap"],
                dynamic_axes=axes,
            )
    except Exception as exc:  # an operation that ONNX has no word for; torch has many classes for it
        raise BackboneError(
            f"{trunk.arch.name} cannot be written as an ONNX graph ({(str(exc).splitlines() or [''])[0][:120]}). "
            "Choose another architecture.",
            code="unsupported",
        ) from exc
    model = _halved(load_model_from_string(out.getvalue()))
    model.graph.name = trunk.arch.name
    if compare:
        _compare(model, served, size)
    return model


def _halved(model: ModelProto) -> ModelProto:
    """Store large weights as float16, half the file, and read them as float32."""
    casts = []
    for place, tensor in enumerate(model.graph.initializer):
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < HALVED_FROM or np.abs(values).max() > LARGEST_HALF:
            continue
        full, half = tensor.name, f"{tensor.name}.f16"
        casts.append(helper.make_node("Cast", [half], [full], name=half, to=TensorProto.FLOAT))
        model.graph.initializer[place].CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _compare(model: ModelProto, served: Served, size: int) -> None:
    photos = probe_photos(size)
    try:
        engine = Engine(model.SerializeToString(), size_px=size, batch=1, precision="f32")
        found = np.concatenate([engine(photos[i : i + 1])["fmap"] for i in range(len(photos))])
    except RuntimeError as exc:
        raise BackboneError(
            f"{model.graph.name} cannot be computed by OpenVINO. Choose another architecture.",
            code="unsupported",
        ) from exc
    with torch.inference_mode():
        expected = served(torch.from_numpy(photos)).numpy()
    worst = float(np.linalg.norm(found - expected) / max(float(np.linalg.norm(expected)), 1e-9))
    if not worst <= TOLERANCE:
        raise BackboneError(
            f"{model.graph.name} answers otherwise as a graph: its maps differ by {worst:.1%} from the network's, and "
            f"{TOLERANCE:.0%} is allowed. Choose another architecture.",
            code="unsupported",
        )
