"""What a fine-tuning would take on this machine: a few of its steps and a few judged photos, measured; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from fieldmark.finetuning.allocation import freed_memory_kept
from fieldmark.finetuning.finetuned import served_features
from fieldmark.finetuning.finetunerun import initial_weights, learning_rule
from fieldmark.finetuning.schedule import UNFROZEN_COST, FineTuneConfig, Precision
from fieldmark.imaging.pixelcache import square_side
from fieldmark.learner import Learner
from fieldmark.models.engine import BATCH_SIZE, warm_up

FEW, MORE = BATCH_SIZE, 4 * BATCH_SIZE
"""Photos that are judged, in full batches, to measure how long one takes."""
FIXED_S = 4.0
"""Starting, decoding what is learned from, and saving the model."""


@dataclass(frozen=True)
class TuningCost:
    """Seconds of each part."""

    precision: Precision
    """That was measured to be faster here, or asked for."""
    learn_s: float
    """A photo's share of a step in which everything learns."""
    ready_s: float
    """Until weights can be asked: their graph is written and compiled, and sees its first photos."""
    judge_s: float
    """Each photo, when there are many."""

    def seconds(self, n: int, n_valid: int, config: FineTuneConfig) -> float:
        """Of a whole run whose fit is cached: learning from `n` photos, judging the fit and each epoch by `n_valid`,
        and in the end looking at all of them once with the best weights."""
        passes = config.epochs + config.frozen_epochs / UNFROZEN_COST
        judgings = config.all_epochs + 1
        looks = judgings * n_valid + n + n_valid
        return FIXED_S + passes * n * self.learn_s + (judgings + 1) * self.ready_s + looks * self.judge_s


def measured_cost(learner: Learner, config: FineTuneConfig, pulse: Callable[[], None]) -> TuningCost:
    """Measure the parts, for a fitted learner.

    Args:
        pulse: called many times a second; what it raises ends the measuring.
    Raises:
        NotTrainedError: the learner was not fitted.
    """
    from fieldmark.finetuning.tuner import Tuner, faster_precision

    rule = learning_rule(learner)
    tuner = Tuner(initial_weights(learner), size_px=rule.size_px, pulse=pulse)
    with freed_memory_kept():
        seconds = tuner.probe(square_side(rule))
    precision = faster_precision(seconds) if config.precision == "auto" else config.precision
    warm_up()
    few, more = (_judging_s(learner, n, pulse) for n in (FEW, MORE))
    return TuningCost(
        precision=precision,
        learn_s=seconds.get(precision, seconds["f32"]),
        ready_s=few,
        judge_s=max(0.0, more - few) / (MORE - FEW),
    )


def _judging_s(learner: Learner, n: int, pulse: Callable[[], None]) -> float:
    """How long it takes to ask weights that were never asked before about up to `n` photos."""
    started = perf_counter()
    backbone = initial_weights(learner).backbone(learner.backbone)
    served_features(backbone, learner.config.rule, learner.train_items[:n], callback=lambda _: pulse())
    return perf_counter() - started
