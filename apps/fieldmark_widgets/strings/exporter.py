"""The English of the exporter."""

from __future__ import annotations

from types import MappingProxyType

EXPORTER = MappingProxyType(
    {
        "region": "Export",
        "empty_title": "Nothing to export yet",
        "no_project": "No dataset is open. Import some photos first.",
        "title": "One file that answers anywhere",
        "intro": "The file holds everything that is needed to answer: it needs no photos and no training, and it contains "
        "no code. Before it counts, it is opened in a fresh process and must answer as it does here.",
        "name": "Name of the model",
        "card": "What will be written in it",
        "card_figures": "The figures come when it is saved: it is trained on what has changed first.",
        "stale": "Photos, labels or choices have changed since the last training. The file is made from what is there now.",
        "save": "Save the model",
        "again": "Save it again",
        "saving": "Training if need be, saving, and trying it out",
        "progress": "{step}: {done} of {total}",
        "progress_open": "{step} …",
        "cancel": "Cancel",
        "stopped": "Stopped. No file was written.",
        "earlier": "Saved before ({n})",
        "learned": "learned from {n}",
        "name_of_file": "{file} · {mb} MB · SHA-256 {sha} …",
        "place": "Kept in {folder}",
        "download": "Download",
        "downloading": "{percent} %",
        "serve": "Use in the classify app",
        "served": "In the classify app",
        "served_now": "The classify app answers with this model within a few seconds.",
        "open_app": "Open the classify app",
        "before": "Go back to the model before",
        "went_back": "The classify app answers with the model before again.",
        "gone": "The file {name} is not there any more. Save the model again.",
        "knows": "What is written in it",
        "kinds": "Kinds it can name",
        "limits": "What it will not do well",
        "how": "Anywhere else",
        "how_python": "In Python",
        "how_command": "In a terminal",
        "code_python": 'from fieldmark import Predictor\nPredictor.load("{name}").predict(["photo.jpg"])',
        "code_command": "fieldmark predict {name} photos/ --csv answers.csv",
    }
)
"""Sentences of the exporter."""
