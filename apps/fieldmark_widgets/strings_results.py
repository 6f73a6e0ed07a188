"""The English of the results."""

from __future__ import annotations

from types import MappingProxyType

SINCE = MappingProxyType(
    {
        "sentence": "Changed since this training: {changes}. The figures are those from before.",
        "relabelled_one": "1 photo has another label",
        "relabelled": "{n} photos have another label",
        "added_one": "1 photo came",
        "added": "{n} photos came",
        "gone_one": "1 photo left",
        "gone": "{n} photos left",
        "choices": "how to train was chosen anew",
    }
)

RESULTS = MappingProxyType(
    {
        "region": "Results",
        "question": "How good is it?",
        "headline_one": "{wrong} of 1 photo wrong",
        "headline": "{wrong} of {n} photos wrong",
        "headline_none": "No photo was held out",
        "error": "error {error} %, 95 % {low}–{high}",
        "basis": "Judged on {n} photos it never saw; learned from {n_train}, in {seconds} s.",
        "basis_none": "Learned from {n_train} photos; none was held out, so nothing says how good it is.",
        "matrix": "What is mistaken for what",
        "axes": "Rows: what the photo is. Columns: what the model said. Choose a cell to see its photos.",
        "actual": "is",
        "said": "said",
        "n": "n",
        "cell": "{actual}, called {said}: {count} of {n}",
        "cell_right": "{actual}, called {actual}, which is right: {count} of {n}",
        "pairs": "Most often mistaken",
        "pair": "{actual} taken for {said}",
        "pair_count": "{count} of {n}",
        "no_mistakes": "Nothing was mistaken for anything else.",
        "all_pairs": "Show all {n}",
        "too_many": "{n} classes: too many for a table on a screen. The table of classes below has them all.",
        "whole": "The whole table",
        "losses": "Look at these first",
        "losses_note": "Held-out photos whose label surprised the model most. It may be wrong, or the label.",
        "cell_title": "{actual}, called {said}",
        "cell_right_title": "{actual}, called {said}: right",
        "count_one": "1 photo",
        "count": "{n} photos",
        "back": "Back to the most surprising",
        "clean": "Clean these",
        "classes": "Class by class",
        "class": "Class",
        "found": "Found",
        "precision": "Right when it says so",
        "share": "{hits} of {n}",
        "interval": "{low}–{high} %",
        "never": "never said",
        "no_photo": "none held out",
        "left_out_one": "1 photo was left out",
        "left_out": "{n} photos were left out",
        "left_out_more": "… and {n} more",
        "notes": "About the photos held out",
        "train_again": "Train again",
        "cancel": "Cancel",
        "progress": "{step}: {done} of {total}",
        "fitting": "Looking at the photos again",
        "training": "Training",
        "empty_title": "No results yet",
        "no_project": "No dataset is open. Import some photos first.",
    }
)
