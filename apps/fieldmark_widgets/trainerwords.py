"""What the trainer says about data, choices, results and rounds, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fieldmark.catalog import CatalogPhoto
from fieldmark.checkreport import UNEVEN
from fieldmark.finetuning.sofar import SoFar
from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark.rounds import Round
from fieldmark.stats import wilson
from fieldmark_widgets.since import changed_since
from fieldmark_widgets.strings.trainer import TRAINER

NATIVE_PX = 224
"""The size that the backbone learned at; what others cost is said against it."""


def describe_size(px: int) -> dict[str, Any]:
    """A size and what it costs: the time grows with the number of pixels."""
    times = (px / NATIVE_PX) ** 2
    key = "size_slower" if times > 1 else "size_text"
    return {"value": px, "text": TRAINER[key].format(px=px, times=f"{times:.1f}")}


def describe_share(share: float) -> dict[str, Any]:
    """A share of photos to hold out."""
    return {"value": share, "text": _percent(share)}


def describe_splits(photos: Sequence[CatalogPhoto]) -> dict[str, Any]:
    """Which ways to hold photos out there are here, and why not the others."""
    undated = sum(photo.captured is None for photo in photos)
    ungrouped = sum(photo.group is None for photo in photos)
    return {
        "given": any(photo.split in ("valid", "test") for photo in photos),
        "methods": [
            "random",
            *(["by_date"] if not undated else []),
            *(["by_group"] if not ungrouped else []),
        ],
        "why_not": [
            *([TRAINER["no_dates"].format(n=f"{undated:,}")] if undated else []),
            *([TRAINER["no_groups"].format(n=f"{ungrouped:,}")] if ungrouped else []),
        ],
    }


def say_wrong(wrong: int, n: int) -> str:
    """Say how many were wrong: "1 of 83 photos wrong"."""
    return TRAINER["wrong_one" if wrong == 1 else "wrong"].format(k=f"{wrong:,}", n=f"{n:,}")


def say_error(wrong: int, n: int) -> str:
    """Say the error with its interval: "error 1.2 %, 95 % 0.2–6.5"."""
    low, high = wilson(wrong, n)
    rate, low_text, high_text = (f"{100 * share:.1f}" for share in (wrong / max(n, 1), low, high))
    return TRAINER["error"].format(rate=rate, low=low_text, high=high_text)


def describe_result(latest: Round, compared: str) -> dict[str, str]:
    """The result of a training; `compared` says how it stands against the one before."""
    wrong, n = len(latest.wrong), latest.n_valid
    learned = TRAINER["held_out"].format(n=f"{latest.n_train:,}", seconds=f"{latest.seconds:.1f}")
    return {
        "headline": say_wrong(wrong, n),
        "error": say_error(wrong, n),
        "note": f"{learned} {latest.note}".strip(),
        "compared": compared,
    }


def describe_rounds(rounds: Sequence[Round]) -> list[dict[str, str]]:
    """The trainings, the latest first: how good, when, and what was different from the one before."""
    befores = [*rounds, None][1:]
    return [_describe_round(entry, before, rounds[0]) for entry, before in zip(rounds, befores, strict=True)]


def _describe_round(entry: Round, before: Round | None, latest: Round) -> dict[str, str]:
    at = datetime.fromisoformat(entry.at).astimezone().strftime("%d %b %H:%M")
    tuned = [TRAINER["tuned"]] if entry.mode == "fine-tune" else []
    notes = [*tuned, at, TRAINER["round_learned"].format(n=f"{entry.n_train:,}")]
    if entry.held_out != latest.held_out:
        notes.append(TRAINER["round_other"])
    changes = _say_changes(entry, before) if before else []
    return {
        "text": TRAINER["round"].format(wrong=f"{len(entry.wrong):,}", n=f"{entry.n_valid:,}"),
        "note": " · ".join(notes),
        "changes": TRAINER["round_changes"].format(changes=", ".join(changes)) if changes else "",
    }


def _say_changes(entry: Round, before: Round) -> list[str]:
    """What was different from the training before: the data, and each choice."""
    data = [TRAINER["changed_data"]] if entry.data != before.data else []
    changed = [name for name, value in entry.choices.items() if before.choices.get(name) != value]
    return data + [_say_choice(name, entry.choices[name]) for name in changed]


def _say_choice(name: str, value: Any) -> str:
    """A choice in words; one that this version does not know, by its name."""
    if name in ("resize", "split", "view_kind"):
        value = TRAINER.get(f"{name}_{value}", value)
    elif name == "valid_pct":
        value = _percent(value)
    elif name in ("views", "balanced"):
        return TRAINER.get(f"chose_{name}_{int(value)}", name)
    return TRAINER.get(f"chose_{name}", name).format(value=value)


def say_uneven(counts: Mapping[str, int]) -> str:
    """Say that one class has many times the photos of another; empty when none has."""
    if len(counts) < 2:
        return ""
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    times = counts[most] / counts[least]
    return TRAINER["uneven"].format(most=most, least=least, times=f"{times:.1f}") if times > UNEVEN else ""


def say_unfinished(so_far: SoFar | None) -> str:
    """Say where a fine-tuning stands that was stopped, and whether there is anything to take; None, where it had hardly begun."""
    if so_far is None or not so_far.done:
        return TRAINER["tune_unfinished_early"]
    said = TRAINER["tune_unfinished"].format(done=so_far.done, all=so_far.epochs)
    return f"{said} {TRAINER['tune_best' if so_far.best else 'tune_none_better'].format(best=so_far.best)}"


def say_stale(project: Project, learner: Learner | None) -> str:
    """Say what changed since the last training; empty when nothing did."""
    if not project.is_stale:
        return ""
    return (changed_since(project, learner) if learner is not None else "") or TRAINER["stale"]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
