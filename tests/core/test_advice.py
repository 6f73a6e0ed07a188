"""Whether to fine-tune: measured cost, and a verdict that says why."""

from __future__ import annotations

import pytest

from fieldmark.callbacks import Progress
from fieldmark.dataset import read_dataset
from fieldmark.errors import Cancelled, NotTrainedError
from fieldmark.finetune import FineTuneConfig
from fieldmark.fitting.advice import Advice, auto_advice, judged
from fieldmark.fitting.trainconfig import TrainConfig
from fieldmark.fitting.tuningcost import FIXED_S, TuningCost
from fieldmark.imaging.resize import ResizeRule
from fieldmark.learner import Learner
from fieldmark.sources.sample import write_sample
from fieldmark.splitfile import given_split


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    dataset = read_dataset(write_sample(tmp_path_factory.mktemp("sample")))
    return Learner(dataset, given_split(dataset), TrainConfig(rule=ResizeRule(64))).fit()


def test_the_advice_tells_errors_nobody_saw_in_training_and_the_time_it_would_take(learner: Learner) -> None:
    said = auto_advice(learner)
    right = [
        learner.vocab[i] == item.label
        for i, item in zip(learner.oof_probs.argmax(1), learner.train_items, strict=True)
    ]
    assert (said.n_wrong, said.n) == (right.count(False), len(learner.train_items))
    assert said.photo_ms > 0
    assert said.minutes * 60 > said.n * 4 * said.photo_ms / 1000
    assert f"{said.n_wrong} of {said.n} photos came out wrong" in said.sentence
    assert said.as_dict()["sentence"] == said.sentence


def test_the_time_is_that_of_learning_and_of_judging_each_epoch() -> None:
    cost = TuningCost("f32", learn_s=0.06, ready_s=1.0, judge_s=0.02)
    four, five = (cost.seconds(300, 100, FineTuneConfig(epochs=epochs)) for epochs in (4, 5))
    assert five - four == pytest.approx(300 * 0.06 + 1.0 + 100 * 0.02)
    assert four == pytest.approx(FIXED_S + 300 * 0.06 * (4 + 1 / 3) + 7 * 1.0 + (6 * 100 + 400) * 0.02)


@pytest.mark.parametrize(
    ("n_wrong", "n", "verdict"),
    [
        (3, 333, "little_to_gain"),
        (0, 10, "little_to_gain"),
        (40, 200, "too_few_photos"),
        (60, 640, "may_help"),
    ],
)
def test_it_is_said_to_help_only_with_errors_to_mend_and_photos_to_learn_from(
    n_wrong: int, n: int, verdict: str
) -> None:
    assert judged(n_wrong, n, FineTuneConfig()) == verdict


def test_every_verdict_has_its_words() -> None:
    said = {
        v: Advice(v, 9, 100, 3.2, 30.0, "f32", 4).sentence
        for v in ("little_to_gain", "too_few_photos", "may_help")
    }  # type: ignore[arg-type]
    assert len(set(said.values())) == 3
    assert all("about 3 min" in sentence for sentence in said.values())
    assert "about 30 s" in Advice("may_help", 9, 100, 0.5, 30.0, "f32", 4).sentence


def test_an_unfitted_learner_gets_none(learner: Learner) -> None:
    with pytest.raises(NotTrainedError):
        auto_advice(Learner(learner.dataset, learner.split))


def test_measuring_can_be_cancelled(learner: Learner) -> None:
    def stop(_: Progress) -> None:
        raise Cancelled("Enough.")

    with pytest.raises(Cancelled):
        auto_advice(learner, callback=stop)
