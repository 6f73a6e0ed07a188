"""Saving a model: the file answers as the trainer did, in any runtime, or it is not saved (FAULTS T72, T78)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from fieldmark.cachefolder import CACHE_VARIABLE, cache_folder
from fieldmark.dataset import read_dataset
from fieldmark.errors import ModelFileError
from fieldmark.features import feature_engine, probe_features
from fieldmark.fitting.head import Head
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.modelfile import MAX_BYTES, read_model_file
from fieldmark.models.card import calibration_of, flagged_by
from fieldmark.models.export import Classifier, write_model
from fieldmark.models.familiarity import Familiarity, _bank_size, unit_length
from fieldmark.models.freshcheck import FreshCheck
from fieldmark.models.probes import probe_photos
from fieldmark.predictor import Predictor
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split

Outputs = dict[str, npt.NDArray[np.float32]]
SIZE = 96
SMALL = TrainConfig(rule=ResizeRule(SIZE))


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample")))
    return Learner(dataset, given_split(dataset), SMALL).fit()


@pytest.fixture(scope="module")
def path(learner: Learner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("model") / "textures.onnx"
    learner.export(target)
    return target


@pytest.fixture(scope="module")
def trained(learner: Learner) -> Outputs:
    """What the trainer's own arithmetic says of the probes, from float32 features."""
    features = probe_features(learner._done.backbone, learner.config.rule)
    unit, known = unit_length(features), learner._familiar
    nearest = np.sort(unit @ known.bank.T, axis=1)[:, -5:]
    white = unit @ known.whitening
    squares = [np.square(white - mean).sum(axis=1) for mean in known.means]
    return {
        "probs": learner._done.head.head.probs(features),
        "logits": learner._done.head.head.logits(features),
        "features": unit,
        "knn": 1 - nearest.mean(axis=1),
        "mahalanobis": np.min(squares, axis=0),
    }


@pytest.fixture(scope="module")
def served(path: Path) -> Outputs:
    """What the file's graph says in float32."""
    return dict(Predictor.load(path, precision="f32")._one(probe_photos(SIZE)[:1]))


@pytest.fixture(scope="module")
def elsewhere(path: Path) -> Outputs:
    """What it says in a runtime that has nothing to do with us."""
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"images": probe_photos(SIZE)}), strict=True))


@pytest.mark.parametrize(
    ("output", "tolerance"), [("probs", 1e-4), ("features", 1e-4), ("knn", 1e-3), ("mahalanobis", None)]
)
def test_the_graph_says_what_the_trainer_says(
    trained: Outputs, served: Outputs, output: str, tolerance: float | None
) -> None:
    """Scores to the precision of their float16 bank; a Mahalanobis distance of thousands to a thousandth."""
    bound = tolerance if tolerance is not None else 2e-3 * float(trained[output][0])
    assert np.abs(served[output][0] - trained[output][0]).max() < bound


@pytest.mark.parametrize("output", ["probs", "features", "knn", "cam"])
def test_onnx_runtime_says_the_same(served: Outputs, elsewhere: Outputs, output: str) -> None:
    assert np.abs(served[output][0] - elsewhere[output][0]).max() < 1e-3


def test_onnx_runtime_measures_the_same_distance(served: Outputs, elsewhere: Outputs) -> None:
    assert served["mahalanobis"][0] == pytest.approx(elsewhere["mahalanobis"][0], rel=1e-3)


def test_the_activation_map_averages_to_the_evidence_of_the_photo(
    learner: Learner, served: Outputs, trained: Outputs
) -> None:
    """Global average pooling is linear: the map is the logit, spread over the places it came from."""
    head = learner._done.head.head
    assert served["cam"][0].mean(axis=(1, 2)) + head.bias == pytest.approx(trained["logits"][0], abs=0.02)


def test_the_card_says_how_often_sure_answers_were_right(learner: Learner, path: Path) -> None:
    info = read_model_file(path).info
    sure = info.card.sureness
    assert sure is not None
    top = learner.oof_probs.max(axis=1)
    right = np.array([learner.vocab[i] for i in learner.oof_probs.argmax(axis=1)]) == [
        item.label for item in learner.train_items
    ]
    assert (sure.n, sure.right) == ((top >= sure.prob_min).sum(), right[top >= sure.prob_min].sum())
    assert info.prob_min == sure.prob_min
    assert (info.card.n_valid, info.card.n_wrong) == (48, learner.valid.n_wrong)


def test_the_card_says_how_many_known_photos_were_flagged(learner: Learner, path: Path) -> None:
    info, known = read_model_file(path).info, learner._familiar
    assert info.calibration is not None
    assert info.card.flagged == flagged_by(info.calibration.limits, known)
    assert info.card.flagged is not None
    assert f"{info.card.flagged.apart} of 120 (" in info.card.limits[-1]


def test_the_file_is_small_and_has_no_path_of_this_machine(learner: Learner, path: Path) -> None:
    """30 MB are allowed for 5,000 photos: that leaves 3.5 KB a photo beside the network and the whitening."""
    content = path.read_bytes()
    assert len(content) < 12e6 + 120 * 3500 < MAX_BYTES
    assert str(learner.dataset.root.parent).encode() not in content


@pytest.mark.parametrize("classes", [3, 1000])
def test_the_file_of_5000_photos_has_at_most_30_mb_and_loads(
    learner: Learner, tmp_path: Path, classes: int
) -> None:
    """Made-up numbers, as many as there would be; with many classes fewer photos are kept (FAULTS T73)."""
    rng, path, n = np.random.default_rng(0), tmp_path / "m.onnx", np.arange(5000)
    bank, means = (rng.random((rows, 1280), np.float32) for rows in (_bank_size(n % classes), classes))
    scores = rng.random(len(n), np.float32)
    known = Familiarity(bank, bank[:1280], means, scores, scores, scores, scores)
    vocab = tuple(f"class {number:03}" for number in range(classes))
    info = replace(learner._info(), vocab=vocab, calibration=calibration_of(known))
    probes = probe_features(learner.backbone, learner.config.rule)
    with FreshCheck() as fresh:
        write_model(
            path, learner.backbone, Classifier(means / 20, np.zeros(classes, np.float32)), info,
            familiarity=known, fresh=fresh, probes=probes,
        )  # fmt: skip
    assert path.stat().st_size < 30e6
    (answer,) = Predictor.load(path).predict([learner.train_items[0].path])
    assert tuple(answer.probs) == vocab  # type: ignore[union-attr]


AGAIN = """
import sys
from pathlib import Path
from fieldmark.dataset import read_dataset
from fieldmark.learner import Learner
from fieldmark.splitfile import given_split
from test_export import SMALL
dataset = read_dataset(Path(sys.argv[1]))
Learner(dataset, given_split(dataset), SMALL).fit().export(sys.argv[2])
"""


def test_a_fresh_process_that_knows_no_features_makes_the_same_file(
    learner: Learner, path: Path, tmp_path: Path
) -> None:
    cache, again = tmp_path / "cache", tmp_path / "again.onnx"
    shutil.copytree(cache_folder("backbones"), cache / "backbones")
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {CACHE_VARIABLE: str(cache), "PYTHONPATH": paths, "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", AGAIN, str(learner.dataset.root), str(again)]
    subprocess.run(command, check=True, env=environment)
    assert again.read_bytes() == path.read_bytes()


# --- What must not be saved -----------------------------------------------------------------------------------


def save(learner: Learner, path: Path, classifier: Classifier, probes: npt.NDArray[np.float32]) -> None:
    with FreshCheck() as fresh:
        write_model(
            path, learner._done.backbone, classifier, learner._info(), familiarity=learner._familiar,
            fresh=fresh, probes=probes,
        )  # fmt: skip


def test_weights_that_are_no_numbers_are_not_saved(learner: Learner, tmp_path: Path) -> None:
    head = learner._done.head.head
    broken = Classifier(np.full_like(head.weight, np.nan), head.bias)
    probes = np.zeros((3, 1280), np.float32)
    with pytest.raises(ModelFileError, match="not finite"):
        save(learner, tmp_path / "m.onnx", broken, probes)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_answers_otherwise_than_the_trainer_leaves_the_old_one(
    learner: Learner, path: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m.onnx"
    target.write_bytes(path.read_bytes())
    head = learner._done.head.head
    probes = probe_features(learner._done.backbone, learner.config.rule)[::-1]
    with pytest.raises(ModelFileError, match="not saved"):
        save(learner, target, Classifier(head.weight, head.bias), probes)
    assert target.read_bytes() == path.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]


def test_f32_and_the_precision_served_agree_on_real_patches(learner: Learner) -> None:
    """Where there is no bfloat16 the two are the same; where there is, features differ by a hundredth."""
    rule, backbone = learner.config.rule, learner._done.backbone
    photos = probe_photos(SIZE)
    exact = feature_engine(backbone, rule, precision="f32")(photos)["pooled"]
    native = feature_engine(backbone, rule)(photos)["pooled"]
    cosine = (unit_length(exact) * unit_length(native)).sum(axis=1)
    assert cosine.min() > 0.995


def test_a_classifier_of_members_sums_its_kinds() -> None:
    weight, bias = np.eye(4, dtype=np.float32), np.zeros(4, np.float32)
    members = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    features = np.array([[2, 1, 0, 0]], np.float32)
    probs = Classifier(weight, bias, members).probs(features)
    kinds = Head(weight, bias).probs(features)
    assert probs == pytest.approx(np.array([[kinds[0, :2].sum(), kinds[0, 2:].sum()]]))


def test_the_metadata_is_json_that_anybody_can_read(path: Path) -> None:
    info = read_model_file(path).info
    raw = json.loads(replace(info).as_json())
    assert raw["vocab"] == ["brick", "grass", "gravel"]
    assert raw["rule"] == {"size_px": SIZE, "method": "crop"}
