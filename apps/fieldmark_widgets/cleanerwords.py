"""What the cleaner says about decisions, acts and trainings, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from unicodedata import bidirectional

from fieldmark.catalog import Catalog, Change
from fieldmark.catalog.decisions import Decision, Kind, StagedDecision
from fieldmark.catalog.journal import Act
from fieldmark.heldout import KEY_LENGTH
from fieldmark.issues.issue import KINDS as ISSUES
from fieldmark.issues.issue import IssueKind
from fieldmark.project import Project
from fieldmark.results.comparison import Comparison, compare_rounds
from fieldmark.rounds import Round
from fieldmark_widgets.strings.cleaner import CLEANER

KINDS: tuple[Kind, ...] = ("relabel", "delete", "keep", "unsure")
"""In the order in which they are counted."""
ACTS = ("import", "apply", "relabel", "delete", "quarantine", "restore", "split")


def count_decisions(decisions: Iterable[Decision], prefix: str = "n") -> str:
    """Count decisions: "3 relabel, 1 delete" with the prefix "n", "3 relabelled, …" with "applied"."""
    counts = Counter(decision.kind for decision in decisions)
    parts = [(f"{prefix}_{kind}", counts[kind]) for kind in KINDS if counts[kind]]
    return ", ".join(CLEANER[key].format(n=f"{n:,}") for key, n in parts if key in CLEANER)


def say_headline(n: int, n_left: int, *, is_ranked: bool) -> str:
    """The answer to "what needs me?"."""
    if not is_ranked:
        return say_photos(n)
    if not n_left:
        return CLEANER["nothing_left"]
    return CLEANER["left_one" if n_left == 1 else "left"].format(n=f"{n_left:,}")


def say_summary(n_shown: int, n: int, n_decided: int, *, is_ranked: bool) -> str:
    """How many photos are shown, in which order, and how many were decided about."""
    said = CLEANER["ranked" if is_ranked else "unranked"].format(shown=f"{n_shown:,}", n=f"{n:,}")
    return " ".join([said, CLEANER["decided"].format(n=f"{n_decided:,}")]) if n_decided else said


def describe_kinds(left: Sequence[Sequence[IssueKind]], chosen: str) -> list[dict[str, Any]]:
    """How many photos are left of each kind of issue; the chosen kind also where none is."""
    counts = Counter(kind for kinds in left for kind in kinds)
    return [{"kind": kind, "n": counts[kind]} for kind in ISSUES if counts[kind] or kind == chosen]


def say_change(change: Change) -> str:
    """One line of a photo's history: "black → grizzly, by anna at 14:02"."""
    by = CLEANER["act_by"].format(who=change.who, at=say_time(change.at))
    old, new = (value or CLEANER["nowhere"] for value in (change.old, change.new))
    return f"{old} → {new}, {by}"


def tag_of(decision: Decision) -> str:
    """The word that a thumbnail carries."""
    return CLEANER[f"tag_{decision.kind}"].format(to=decision.to)


def diff_of(staged: StagedDecision, given: str) -> str:
    """What a decision will do: "grizzly → black"."""
    to = isolate(staged.decision.to or "")
    return CLEANER[f"diff_{staged.decision.kind}"].format(given=isolate(given) or CLEANER["no_label"], to=to)


def isolate(label: str) -> str:
    """A label as a part of a sentence: one that is written from right to left must not turn the arrow beside it.

    Before it stands a mark that the sentence goes from left to right: pages judge that by its first letter.
    """
    is_turned = any(bidirectional(letter) in ("R", "AL") for letter in label)
    return f"\u200e\u2068{label}\u2069" if is_turned else label


def say_who(staged: StagedDecision) -> str:
    """By whom and when: "decided by anna at 14:02"."""
    return CLEANER["decided_by"].format(who=staged.who, at=say_time(staged.at))


def say_surprise(replaced: StagedDecision, name: str, now: Decision) -> str:
    """Say that somebody else had decided about a photo while this page did not know."""
    return CLEANER["surprise"].format(
        who=replaced.who, at=say_time(replaced.at), name=name, what=_what(replaced.decision), now=_what(now)
    )


def _what(decision: Decision) -> str:
    return CLEANER[f"what_{decision.kind}"].format(to=decision.to)


def say_time(at: datetime) -> str:
    """The time here; with the day where it is not today."""
    here = at.astimezone()
    return here.strftime("%H:%M" if here.date() == datetime.now().date() else "%d %b %H:%M")


def say_time_of(at: str) -> str:
    """As `say_time`, of a moment in ISO 8601."""
    return say_time(datetime.fromisoformat(at))


def say_photos(n: int) -> str:
    """A number of photos in words."""
    return CLEANER["photo_one" if n == 1 else "photos"].format(n=f"{n:,}")


def name_act(act: Act) -> str:
    """Name an act for "undo …": "the cleaning of 4 photos"."""
    kind = act.kind if act.kind in ACTS else "other"
    return CLEANER[f"act_{kind}"].format(n=say_photos(act.changed))


def describe_act(act: Act | None, what: str) -> dict[str, str]:
    """What a button for undo or redo says of its act; empty without one."""
    if act is None:
        return {}
    confirm = act.kind == "import" and what == "undo"
    return {
        "title": CLEANER[f"{what}_what"].format(act=name_act(act)),
        "note": " · ".join(
            part for part in (act.why, CLEANER["act_by"].format(who=act.who, at=say_time(act.at))) if part
        ),
        "confirm": CLEANER["confirm"].format(n=say_photos(act.changed)) if confirm else "",
    }


def act_to_undo(acts: Sequence[Act]) -> Act | None:
    """The act that `Catalog.undo` would undo, of acts with the latest first."""
    return next((act for act in acts if act.state == "done" and act.changed), None)


def act_to_redo(acts: Sequence[Act]) -> Act | None:
    """The act that `Catalog.redo` would do again."""
    return next((act for act in reversed(acts) if act.state == "undone"), None)


def say_progress_made(project: Project) -> str:
    """Compare the last two trainings: "Was 2 of 83 wrong, now 1 of 83 …"; empty where there are not two."""
    rounds = project.rounds()
    if len(rounds) < 2:
        return ""
    after, before = rounds[:2]
    comparison = compare_rounds(before, after)
    if comparison is None:
        return CLEANER["other_photos"].format(
            before=len(before.wrong), n_before=before.n_valid, after=len(after.wrong), n=after.n_valid
        )
    said = CLEANER["compared"].format(
        before=comparison.before, after=comparison.after, n=comparison.n, verdict=_verdict(comparison)
    )
    corrected = _count_corrected(project.catalog, comparison, before)
    if corrected:
        said += " " + CLEANER["corrected_one" if corrected == 1 else "corrected"].format(n=corrected)
    return said


def _verdict(comparison: Comparison) -> str:
    if comparison.verdict != "undecided":
        return CLEANER[f"verdict_{comparison.verdict}"].format(p=f"{comparison.p:.2g}")
    if comparison.before == comparison.after:
        return CLEANER["undecided_same"]
    return CLEANER["undecided" if comparison.after < comparison.before else "undecided_worse"]


def _count_corrected(catalog: Catalog, comparison: Comparison, before: Round) -> int:
    """Photos that changed sides because their own label did: that is no progress of the model."""
    changed = {*comparison.mended, *comparison.spoilt}
    since = datetime.fromisoformat(before.at)
    return sum(
        any(change.what == "label" and change.at >= since for change in catalog.history(photo.id))
        for photo in catalog.photos()
        if photo.hash[:KEY_LENGTH] in changed
    )
