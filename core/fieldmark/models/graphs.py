"""Writing ONNX graphs, a node at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 9
"""Old enough for every runtime of the last three years."""

Shape = Sequence[int | str]
"""Numbers are fixed; a word stands for any size."""


class GraphWriter:
    """Collects nodes and weights; each method gives the name of what it made, to go on with."""

    def __init__(self, base: ModelProto | None = None) -> None:
        """Start empty, or after the nodes of `base`, whose outputs become ordinary values."""
        graph = base.graph if base is not None else None
        self.nodes: list[NodeProto] = list(graph.node) if graph else []
        self.weights: list[TensorProto] = list(graph.initializer) if graph else []
        self.inputs: list[ValueInfoProto] = list(graph.input) if graph else []
        self.outputs: list[ValueInfoProto] = []

    def add(self, op: str, *inputs: str, name: str, second: str = "", **attributes: Any) -> str:
        """Append an operation whose output is called `name`, and its second one, if any, `second`."""
        outputs = [name, second] if second else [name]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        return name

    def weight(self, values: npt.NDArray[np.float32], name: str) -> str:
        """Store a weight as float16, half the file for no measurable error, and read it as float32."""
        self.constant(values, f"{name}.f16", dtype=np.float16)
        return self.add("Cast", f"{name}.f16", name=name, to=TensorProto.FLOAT)

    def constant(self, values: npt.ArrayLike, name: str, *, dtype: npt.DTypeLike = np.float32) -> str:
        """Store a constant exactly as it is, a number or an array."""
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def input(self, name: str, dtype: type[np.generic], shape: Shape) -> str:
        """Declare an input of the graph."""
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs.append(helper.make_tensor_value_info(name, kind, list(shape)))
        return name

    def output(self, name: str, shape: Shape) -> str:
        """Declare a float32 output of the graph."""
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))
        return name

    def model(self, name: str) -> ModelProto:
        """Close the graph."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.weights)
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="fieldmark"
        )
