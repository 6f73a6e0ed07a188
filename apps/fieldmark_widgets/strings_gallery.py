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
        "position": "{i} of {n}",
        "whole": "The whole photo",
        "previous": "Previous photo",
        "next": "Next photo",
        "close": "Close",
        "loading": "Loading",
        "keys": "Arrows move, space shows the whole photo, shift and arrows choose several, Ctrl-A all.",
    }
)
