"""What the studio's bar of steps says: what each is called, what was done there, what is missing before one can go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fieldmark.project import Project
from fieldmark_widgets.strings.studio import STEP_HINTS, STUDIO

STEPS = ("photos", "label", "check", "train", "results", "clean", "export")


@dataclass(frozen=True)
class Standing:
    """How far a dataset is; read from its catalog once for all steps."""

    counts: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    """Photos without a label."""
    train: Sequence[str] = ()
    """What is missing before it can be trained."""
    result: Sequence[str] = ()
    """What is missing before there are results."""
    latest: str = ""
    """What came of the latest training, in words; empty before the first."""
    is_stale: bool = False
    """Whether photos, labels or choices have changed since."""


def standing_of(project: Project) -> Standing:
    """Read how far a project is."""
    rounds = project.rounds()
    latest = STUDIO["trained"].format(wrong=len(rounds[0].wrong), n=rounds[0].n_valid) if rounds else ""
    return Standing(
        project.catalog.counts(),
        project.catalog.n_unlabelled(),
        project.train_blockers(),
        project.result_blockers(),
        latest,
        project.is_stale,
    )


def say_counts(standing: Standing) -> str:
    """How many photos there are, and how many wait for a label."""
    n, waiting = sum(standing.counts.values()), f"{standing.waiting:,}"
    key = "counts_one" if n == 1 else "counts_one_class" if len(standing.counts) == 1 else "counts"
    counted = STUDIO[key].format(n=f"{n:,}", classes=len(standing.counts)) if n else ""
    waits = STUDIO["waiting"].format(n=waiting) if standing.waiting else ""
    return ", ".join(part for part in (counted, waits) if part)


def describe_steps(standing: Standing | None, current: str, staged: int) -> list[dict[str, str]]:
    """What the bar shows of each step; None stands for no dataset.

    Args:
        staged: decisions that wait.
    """
    shown = [
        step for step in STEPS if step != "label" or current == "label" or (standing and standing.waiting)
    ]
    return [_step(step, standing, staged) for step in shown]


def _step(step: str, standing: Standing | None, staged: int) -> dict[str, str]:
    """A name, a line beneath it, and what is missing before one can go there."""
    blockers = _blockers(step, standing)
    note, done = ("", False) if blockers or standing is None else _note(step, standing, staged)
    return {
        "name": step,
        "title": STUDIO[step],
        "hint": STEP_HINTS[step],
        "blocker": " ".join(blockers),
        "needs": _first_to_do(standing) if blockers else "",
        "note": note,
        "state": "blocked" if blockers else "done" if done else "open",
    }


def _blockers(step: str, standing: Standing | None) -> Sequence[str]:
    if step == "photos" or (step == "label" and standing is not None):
        return ()
    if standing is None or not standing.counts:
        return [STUDIO["no_labels" if standing is not None and standing.waiting else "no_photos"]]
    if step in ("results", "export"):
        return standing.result
    return standing.train if step == "train" else ()


def _first_to_do(standing: Standing | None) -> str:
    """The step at which what is missing is done."""
    if not _blockers("train", standing):
        return "train"
    return "label" if standing is not None and standing.waiting else "photos"


def _note(step: str, standing: Standing, staged: int) -> tuple[str, bool]:
    """What is to be said of a step that can be gone to, and whether it is done."""
    if step == "photos":
        return "", bool(standing.counts or standing.waiting)
    if step == "label":
        return (STUDIO["to_label"].format(n=f"{standing.waiting:,}") if standing.waiting else ""), (
            not standing.waiting
        )
    if step == "clean":
        return (STUDIO["staged"].format(n=staged) if staged else ""), False
    if not standing.latest or step not in ("train", "results"):
        return "", False
    return (STUDIO["stale"], False) if standing.is_stale else (standing.latest, True)
