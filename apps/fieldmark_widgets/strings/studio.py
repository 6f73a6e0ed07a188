"""The English of the studio."""

from __future__ import annotations

from types import MappingProxyType

STUDIO = MappingProxyType(
    {
        "region": "Studio",
        "dataset": "Dataset",
        "new": "New dataset",
        "no_dataset": "No dataset yet",
        "steps": "Steps",
        "photos": "Photos",
        "label": "Label",
        "check": "Check",
        "train": "Train",
        "results": "Results",
        "clean": "Clean",
        "export": "Export",
        "counts_one": "1 photo",
        "counts_one_class": "{n} photos in 1 class",
        "counts": "{n} photos in {classes} classes",
        "not_yet": "Not yet",
        "go_there": "Go to {step}",
        "next": "Next: {step}",
        "waiting": "{n} without a label",
        "no_labels": "No photo has a label yet. Label some first.",
        "to_label": "{n} to go",
        "no_photos": "There are no photos yet. Import some first.",
        "trained": "{wrong} of {n} wrong",
        "staged": "{n} staged",
        "stale": "changed since",
        "opening": "Opening",
    }
)

STEP_HINTS = MappingProxyType(
    {
        "photos": "Bring photos in: a folder, a zip, a table, or the sample.",
        "label": "Say what photos show that have no label yet; the most useful ones first.",
        "check": "Broken, doubled, dark and blurred photos.",
        "train": "Choose how, and train: seconds.",
        "results": "How good it is, and what it mistakes for what.",
        "clean": "The photos whose label surprises the model most.",
        "export": "One file that answers anywhere.",
    }
)
"""What each step is for, beneath its name."""
