"""Writing a model file: backbone, head and familiarity joined into one ONNX graph, tried before it counts.

Needs the `train` extra; reading (modelfile.py) does not.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import ModelProto

from fieldmark.errors import ModelFileError, StoreError
from fieldmark.features import pooled_features
from fieldmark.finetuning.checkpoint import sync_folder
from fieldmark.modelfile import BLANK_DIGEST, DIGEST_KEY, METADATA_KEY, ModelInfo, sealed
from fieldmark.models.backbone import Backbone
from fieldmark.models.familiarity import NEIGHBOURS, Familiarity
from fieldmark.models.freshcheck import FreshCheck
from fieldmark.models.graphs import GraphWriter

Floats = npt.NDArray[np.float32]

TOLERANCE = 1e-3
"""Largest difference of a probability between the trainer and the reloaded file, both in float32."""


@dataclass(frozen=True)
class Classifier:
    """What turns a feature vector into probabilities, written into the graph."""

    weight: Floats
    """(outputs, dim)"""
    bias: Floats
    """(outputs,)"""
    members: Floats | None = None
    """(outputs, classes) of 0 and 1: outputs that are summed up into classes. None: they are the classes."""

    def probs(self, features: Floats) -> Floats:
        """What the graph will answer for raw features (n, dim): (n, classes)."""
        logits = features @ self.weight.T + self.bias
        exp = np.exp(logits - logits.max(axis=1, keepdims=True))
        probs = exp / exp.sum(axis=1, keepdims=True)
        return np.asarray(probs if self.members is None else probs @ self.members, np.float32)

    def evidence(self) -> Floats:
        """Weights (classes, dim) of each class, for the activation map."""
        if self.members is None:
            return self.weight
        return np.asarray((self.members / self.members.sum(axis=0)).T @ self.weight, np.float32)


def write_model(
    path: Path,
    backbone: Backbone,
    classifier: Classifier,
    info: ModelInfo,
    *,
    familiarity: Familiarity | None,
    fresh: FreshCheck,
    probes: Floats,
) -> None:
    """Write the model file beside `path`, try it in a fresh process, and only then put it in place.

    Raises:
        ModelFileError: weights are not finite, or the reloaded file answers otherwise than the trainer.
        StoreError: the disk is full or cannot be written; what was at `path` before still is.
    """
    if not (np.isfinite(classifier.weight).all() and np.isfinite(classifier.bias).all()):
        raise ModelFileError("The model was not saved: some of its weights are not finite numbers.")
    expected = classifier.probs(probes)
    info = replace(info, selftest=tuple(tuple(float(p) for p in row) for row in expected))
    model = _graph(backbone, classifier, familiarity)
    for key, value in ((METADATA_KEY, info.as_json()), (DIGEST_KEY, BLANK_DIGEST.decode())):
        model.metadata_props.add(key=key, value=value)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write_durably(unfinished, sealed(model.SerializeToString(deterministic=True)))
        _compare(fresh.probs(unfinished), expected)
        unfinished.replace(path)
        sync_folder(path.parent)
    except OSError as exc:
        raise StoreError(
            f"{path.name} cannot be saved: {exc.strerror}. What was saved there before is untouched. "
            "Free some space, or choose another folder.",
            code="cannot_save",
        ) from exc
    finally:
        with suppress(OSError):  # where it cannot be removed there is none
            unfinished.unlink(missing_ok=True)


def _compare(found: Floats, expected: Floats) -> None:
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE:
        raise ModelFileError(
            f"The model was not saved: reloaded, its probabilities differ by {worst:.2g} from the trainer's, "
            f"and at most {TOLERANCE:g} was expected. Please report this."
        )


def _write_durably(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _graph(backbone: Backbone, classifier: Classifier, familiarity: Familiarity | None) -> ModelProto:
    g = GraphWriter(backbone.graph())
    pooled = pooled_features(g)
    classes = len(classifier.evidence())
    _add_classifier(g, pooled, classifier, classes)
    unit = _add_unit_features(g, pooled, backbone.arch.dim)
    kernel = g.weight(classifier.evidence()[:, :, None, None], "cam.weight")
    g.output(g.add("Conv", "fmap", kernel, name="cam", kernel_shape=[1, 1]), ["N", classes, "h", "w"])
    if familiarity is not None:
        _add_neighbours(g, unit, familiarity)
        _add_mahalanobis(g, unit, familiarity)
    return g.model(backbone.arch.name)


def _add_classifier(g: GraphWriter, pooled: str, classifier: Classifier, classes: int) -> None:
    weight = g.constant(np.ascontiguousarray(classifier.weight.T), "head.weight")
    scores = g.add("MatMul", pooled, weight, name="head.scores")
    logits = g.add("Add", scores, g.constant(classifier.bias, "head.bias"), name="logits")
    if classifier.members is None:
        probs = g.add("Softmax", logits, name="probs", axis=-1)
    else:
        kinds = g.add("Softmax", logits, name="kinds", axis=-1)
        probs = g.add("MatMul", kinds, g.constant(classifier.members, "members"), name="probs")
    g.output(probs, ["N", classes])
    g.output(logits, ["N", len(classifier.bias)])


def _add_unit_features(g: GraphWriter, pooled: str, dim: int) -> str:
    length = g.add("ReduceL2", pooled, name="features.length", axes=[1], keepdims=1)
    g.constant([1e-6], "features.shortest")
    floor = g.add("Max", length, "features.shortest", name="features.floor")
    unit = g.add("Div", pooled, floor, name="features")
    return g.output(unit, ["N", dim])


def _add_neighbours(g: GraphWriter, unit: str, familiarity: Familiarity) -> None:
    """Mean cosine distance to the nearest training photos."""
    bank = g.weight(np.ascontiguousarray(familiarity.bank.T), "bank")  # (dim, m)
    similarity = g.add("MatMul", unit, bank, name="bank.similarity")
    count = min(NEIGHBOURS, len(familiarity.bank))
    g.constant([count], "bank.k", dtype=np.int64)
    g.add("TopK", similarity, "bank.k", name="bank.nearest", axis=1, second="bank.places")
    mean = g.add("ReduceMean", "bank.nearest", name="bank.mean", axes=[1], keepdims=0)
    g.output(g.add("Sub", g.constant(1, "one"), mean, name="knn"), ["N"])


def _add_mahalanobis(g: GraphWriter, unit: str, familiarity: Familiarity) -> None:
    """Squared distance to the nearest class mean, differences before squares so that nothing cancels."""
    white = g.add("MatMul", unit, g.weight(familiarity.whitening, "whitening"), name="white")
    g.constant([1], "white.axis", dtype=np.int64)
    rows = g.add("Unsqueeze", white, "white.axis", name="white.rows")  # (N, 1, dim)
    apart = g.add("Sub", rows, g.weight(familiarity.means[None], "white.means"), name="white.apart")
    squares = g.add("ReduceSumSquare", apart, name="white.squares", axes=[2], keepdims=0)
    nearest = g.add("ReduceMin", squares, name="mahalanobis", axes=[1], keepdims=0)
    g.output(nearest, ["N"])
