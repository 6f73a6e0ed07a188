"""The one place where errors become sentences: visitors get words, the log gets the traceback."""

from __future__ import annotations

import functools
import logging
import secrets
import sys
from collections.abc import Callable
from typing import Any, Protocol

from fieldmark.errors import FieldmarkError
from fieldmark_widgets.strings.classify import PROBLEM

log = logging.getLogger("fieldmark.widgets")


class HasProblem(Protocol):
    """A widget with an area for what went wrong."""

    problem: str


def log_to_console() -> None:
    """Write the log to the server's console, for a kernel that serves a visitor: what it prints is shown nowhere."""
    if not log.handlers:
        log.addHandler(logging.StreamHandler(sys.__stderr__))
        log.propagate = False


def explain_error(error: BaseException) -> str:
    """Give the sentence to show for an error; one that nobody foresaw is logged and gets a number."""
    if isinstance(error, FieldmarkError):
        return str(error)
    number = secrets.token_hex(3)
    log.error("Unexpected error %s", number, exc_info=error)
    return PROBLEM["unexpected"].format(id=number)


def guard(handler: Callable[..., None]) -> Callable[..., None]:
    """Wrap a widget's handler: whatever it raises is shown as `problem`, and never a traceback."""

    @functools.wraps(handler)
    def guarded(self: HasProblem, *args: Any, **kwargs: Any) -> None:
        try:
            handler(self, *args, **kwargs)
        except Exception as error:  # a visitor's page has no other place to learn of it
            self.problem = explain_error(error)

    return guarded
