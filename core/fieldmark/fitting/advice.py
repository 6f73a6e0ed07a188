"""Advice: after a fit, what fine-tuning would cost on this machine and whether it is likely to pay.

The cost is measured (tuningcost.py). Whether it pays is judged by the fit's out-of-fold error, which needs no
held-out photo, and by how many steps the photos are good for. Nothing is trained; importing this needs no torch,
asking does.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from fieldmark.callbacks import Callback, Progress, silent
from fieldmark.finetuning.schedule import FineTuneConfig, Precision, cut
from fieldmark.fitting.tuningcost import measured_cost
from fieldmark.learner import Learner
from fieldmark.stats import Interval, wilson

Verdict = Literal["little_to_gain", "too_few_photos", "may_help"]

LITTLE_ERROR = 0.03
"""Out-of-fold error up to which frozen features were as good as fine-tuning (bears, both ways: 0–1 of 83)."""
ENOUGH_STEPS = 30
"""Steps in which everything learns. Photos of hands, far from ImageNet, held out: with 12 steps the fit stayed
better; with 40 to 68, in three runs, the loss fell by 24, 41 and 41 %, and 38 of 580 came out wrong, 44 before."""


@dataclass(frozen=True)
class Advice:
    """What to tell somebody who asks whether to fine-tune."""

    verdict: Verdict
    n_wrong: int
    """Training photos that a head which never saw them got wrong."""
    n: int
    minutes: float
    """What fine-tuning would take here, as far as a few steps and judged photos tell."""
    photo_ms: float
    """A photo's share of a training step."""
    precision: Precision
    epochs: int
    """In which everything learns."""

    @property
    def error_ci(self) -> Interval:
        """95 % interval of the out-of-fold error."""
        return wilson(self.n_wrong, self.n)

    @property
    def sentence(self) -> str:
        """The advice in words."""
        low, high = self.error_ci
        time = f"about {self.minutes:.0f} min" if self.minutes >= 1.5 else f"about {60 * self.minutes:.0f} s"
        return (
            f"Cross-validated, {self.n_wrong} of {self.n} photos came out wrong ({100 * low:.1f} to "
            f"{100 * high:.1f} %). Fine-tuning would take {time} here. {_REASONS[self.verdict]}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "error_ci": list(self.error_ci), "sentence": self.sentence}


_REASONS = {
    "little_to_gain": "There is little left for it to gain.",
    "too_few_photos": "These are probably too few photos for it to learn from: collect more, or look for wrong "
    "labels first.",
    "may_help": "It may help, most where the photos look unlike the everyday things that the backbone knows: "
    "surer answers, and perhaps fewer errors. Look for wrong labels first: it would learn them too.",
}


def auto_advice(
    learner: Learner, config: FineTuneConfig | None = None, *, callback: Callback = silent
) -> Advice:
    """Say what fine-tuning a fitted learner would cost and whether it is likely to help; trains nothing.

    Raises:
        NotTrainedError: the learner was not fitted.
        Cancelled: the callback asked to stop.
    """
    chosen, step = config or FineTuneConfig(), Progress("Measuring this machine", 0, 1)
    cost = measured_cost(learner, chosen, pulse=lambda: callback(step))
    place = {label: index for index, label in enumerate(learner.vocab)}
    targets = np.array([place[item.label] for item in learner.train_items])
    n, n_wrong = len(targets), int((learner.oof_probs.argmax(axis=1) != targets).sum())
    return Advice(
        verdict=judged(n_wrong, n, chosen),
        n_wrong=n_wrong,
        n=n,
        minutes=round(cost.seconds(n, len(learner.valid.items), chosen) / 60, 2),
        photo_ms=round(1000 * cost.learn_s, 1),
        precision=cost.precision,
        epochs=chosen.epochs,
    )


def judged(n_wrong: int, n: int, config: FineTuneConfig) -> Verdict:
    """Tell whether fine-tuning is likely to help, by the out-of-fold errors of the fit."""
    if n_wrong <= LITTLE_ERROR * n:
        return "little_to_gain"
    steps = config.epochs * len(cut(n, config.batch_size))
    return "may_help" if steps >= ENOUGH_STEPS else "too_few_photos"
