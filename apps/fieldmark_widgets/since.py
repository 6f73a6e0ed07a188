"""What changed since a training, in a sentence: for every component that shows what a learner said."""

from __future__ import annotations

from fieldmark.learner import Learner
from fieldmark.project import Project
from fieldmark_widgets.photolist import photos_to_clean
from fieldmark_widgets.strings.results import SINCE


def changed_since(project: Project, learner: Learner) -> str:
    """Say what changed since a learner was fitted; empty when nothing did."""
    before = {(item.hash, item.label) for item in learner.dataset.items}
    now = {(photo.hash, photo.label) for photo in photos_to_clean(project.catalog)}
    hashes_before, hashes_now = {key for key, _ in before}, {key for key, _ in now}
    counts = {
        "relabelled": len({key for key, _ in now - before} & hashes_before),
        "added": len(hashes_now - hashes_before),
        "gone": len(hashes_before - hashes_now),
    }
    parts = [SINCE[f"{what}_one" if n == 1 else what].format(n=f"{n:,}") for what, n in counts.items() if n]
    rounds = project.rounds()
    if rounds and rounds[0].choices != project.choices.as_dict():
        parts.append(SINCE["choices"])
    return SINCE["sentence"].format(changes=", ".join(parts)) if parts else ""
