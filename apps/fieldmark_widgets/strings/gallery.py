"""The English of the gallery."""

from __future__ import annotations

from types import MappingProxyType

GALLERY = MappingProxyType(
    {
        "region": "Photos",
        "empty": "No photos here.",
        "unreadable": "cannot be read",
        "selected_one": "1 photo chosen",
        "selected_many": "{n} photos chosen",
        "select_none": "Choose none",
        "choose": "Choose this photo",
        "chosen": "chosen",
        "position": "{i} of {n}",
        "announce": "photo {i} of {n}, {what}",
        "whole": "The whole photo",
        "previous": "Previous photo",
        "next": "Next photo",
        "close": "Close",
        "zoom_in": "Show every detail",
        "zoom_out": "Show all of it",
        "closeup": "About this photo",
        "looking": "Looking closely …",
        "bars": "How likely each class is",
        "given": "{label} (its label)",
        "map": "Where it looked for {label}",
        "neighbours": "Most like it",
        "page": "Found on",
        "silent": "No answer yet: the notebook is busy, or it has ended. What you see stays; if it has ended, reload "
        "the page or run the cell again.",
        "keys": "Arrows move, Enter or space shows the whole photo, Ctrl and space chooses it, shift and arrows "
        "choose several, Ctrl and A all.",
    }
)
