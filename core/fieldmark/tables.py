"""CSV cells that stay what they are, in a spreadsheet too."""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell instead of showing it."""
GUARD = "'"


def neutral_cell(text: str) -> str:
    """Make a text harmless to spreadsheets; `plain_cell` takes it back, for every text."""
    return GUARD + text if text.startswith((*FORMULA_STARTS, GUARD)) else text


def plain_cell(text: str) -> str:
    """Take back what `neutral_cell` did."""
    return text.removeprefix(GUARD)
