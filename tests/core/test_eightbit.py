"""The backbone in whole numbers: the same bits from any engine, close to float32, apart from it in every cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
from onnx import ModelProto, numpy_helper

from fieldmark.backbones import EFFICIENTNET_LITE0, EFFICIENTNET_LITE0_8BIT, in_floats, load_backbone
from fieldmark.features import feature_cache, feature_engine, trusted_precision
from fieldmark.imaging.resize import ResizeRule, fit_photo
from fieldmark.models.backbone import Backbone
from fieldmark.models.eightbit import FIRST, LARGEST_BIAS, LARGEST_COLOUR, LARGEST_WEIGHT, LEVELS, STEP_BITS
from fieldmark.models.engine import Engine
from fieldmark.models.export import Classifier, _graph
from fieldmark.models.familiarity import Familiarity
from fieldmark.models.probes import probe_photos
from fieldmark.sources.sample import sample_photos

RULE = ResizeRule(96)
Photos = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(EFFICIENTNET_LITE0_8BIT.name)


@pytest.fixture(scope="module")
def photos() -> Photos:
    """The drawn probes and textures that were photographed."""
    seen = [fit_photo(photo.image, RULE) for photo, _ in zip(sample_photos(), range(13), strict=False)]
    return np.concatenate([probe_photos(RULE.size_px), np.stack(seen)])


def maps(graph: bytes, photos: Photos, *, batch: int = 8) -> npt.NDArray[np.float32]:
    engine = Engine(graph, size_px=photos.shape[1], batch=batch, precision="f32")
    return np.concatenate([engine(photos[i : i + batch])["fmap"] for i in range(0, len(photos), batch)])


@pytest.mark.parametrize("optimised", [False, True], ids=["plainly", "optimised"])
def test_another_runtime_gives_the_same_bits(backbone: Backbone, photos: Photos, optimised: bool) -> None:
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(backbone.trunk, options, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["fmap"], {"images": photos})
    assert np.array_equal(maps(backbone.trunk, photos), expected)


def test_a_photo_alone_gives_the_same_bits_as_among_others(backbone: Backbone, photos: Photos) -> None:
    assert np.array_equal(maps(backbone.trunk, photos, batch=1), maps(backbone.trunk, photos))


def test_nothing_in_it_can_overflow_or_be_rounded(backbone: Backbone) -> None:
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in backbone.graph().graph.initializer}
    steps = [value for name, value in values.items() if name.endswith(".step")]
    biases = [value for name, value in values.items() if name.endswith(".bias.steps")]
    weights = {n: v.astype(int) for n, v in values.items() if n.endswith(".steps") and ".bias." not in n}
    assert len(steps) == len(biases) == len(weights) == 48
    highest = max(int(np.abs(value).max()) for value in weights.values())
    assert highest <= LARGEST_WEIGHT
    assert 2 * LEVELS * highest < 2**15  # two products, added in 16 bits
    assert max(int(np.abs(value).max()) for value in biases) <= LARGEST_BIAS
    for step in steps:
        whole = np.ldexp(np.frexp(step.astype(np.float64))[0], STEP_BITS)
        assert np.array_equal(whole, np.round(whole))


def test_no_sum_of_the_first_layer_is_rounded(backbone: Backbone) -> None:
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in backbone.graph().graph.initializer}
    for weight, bias in zip(values[f"{FIRST}.weight"], values[f"{FIRST}.bias"], strict=True):
        whole = [int(value * 2.0**60) for value in (*weight.astype(float).flat, float(bias))]
        step = min(value & -value for value in whole if value)
        assert LARGEST_COLOUR * sum(map(abs, whole[:-1])) + abs(whole[-1]) <= 2**24 * step


def test_every_level_of_a_map_below_zero_comes_in_an_even_number(backbone: Backbone) -> None:
    graph: ModelProto = backbone.graph()
    zeros = [
        numpy_helper.to_array(tensor) for tensor in graph.graph.initializer if tensor.name.startswith("zero.")
    ]
    assert len(zeros) > 1
    assert all(int(zero) % 2 == 0 for zero in zeros)


def test_in_a_model_file_no_weight_has_the_name_of_another(backbone: Backbone) -> None:
    """ONNX Runtime would take the last of them; in a browser it says so on the console."""
    row, square = np.ones((2, 1280), np.float32), np.ones((1280, 1280), np.float32)
    scores = np.ones(2, np.float32)
    known = Familiarity(row, square, row, scores, scores, scores, scores)
    file = _graph(backbone, Classifier(row, scores), known)
    names = [tensor.name for tensor in file.graph.initializer]
    assert sorted(names) == sorted(set(names))
    outputs = [output for node in file.graph.node for output in node.output]
    assert not set(names) & set(outputs)
    assert len(outputs) == len(set(outputs))


def test_features_point_where_those_in_float32_do(backbone: Backbone, photos: Photos) -> None:
    whole, floats = (
        feature_engine(own, RULE, precision="f32")
        for own in (backbone, load_backbone(EFFICIENTNET_LITE0.name))
    )
    one, two = (
        np.concatenate([engine(photos[i : i + 8])["pooled"] for i in (0, 8)]) for engine in (whole, floats)
    )
    cosines = (one * two).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert cosines.min() > 0.9
    assert np.median(cosines) > 0.97
    assert not np.array_equal(one, two)


def test_features_of_either_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backbone: Backbone
) -> None:
    floats = load_backbone(EFFICIENTNET_LITE0.name)
    monkeypatch.setenv("FIELDMARK_CACHE", str(tmp_path))
    feature_cache(backbone, RULE, "f32").add(["00" * 32], np.ones((1, 1280), np.float32))
    assert "00" * 32 in feature_cache(backbone, RULE, "f32")
    assert "00" * 32 not in feature_cache(floats, RULE, "f32")


def test_around_it_nothing_is_coarser_than_float32_on_any_cpu(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldmark.features.native_precision", lambda: "bf16")
    assert trusted_precision(backbone, RULE) == "f32"


def test_what_is_trained_on_is_the_network_in_floats() -> None:
    assert in_floats(EFFICIENTNET_LITE0_8BIT) is EFFICIENTNET_LITE0
    assert in_floats(EFFICIENTNET_LITE0) is EFFICIENTNET_LITE0
