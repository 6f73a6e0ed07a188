"""A card with a sentence, for when there is nothing else to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import traitlets

from fieldmark_widgets.assets import module
from fieldmark_widgets.component import Component
from fieldmark_widgets.guard import explain_error
from fieldmark_widgets.strings.classify import PROBLEM

Widget = TypeVar("Widget")


class Notice(Component):
    """Says what is the matter and what to do."""

    _esm = module("notice")

    title = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)


def build_or_explain(build: Callable[..., Widget], *args: Any, **kwargs: Any) -> Widget | Notice:
    """Build what a page shows, or the notice that says why it cannot be: for the first line of an app."""
    try:
        return build(*args, **kwargs)
    except Exception as error:  # a visitor must never see a traceback
        code = getattr(error, "code", "")
        title = PROBLEM["no_model_title" if code == "no_model" else "bad_model_title"]
        return Notice(title=title, text=explain_error(error))
