"""What the command line shows: progress and sentences on stderr, results on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from fieldmark.callbacks import Callback, Progress
from fieldmark.errors import FieldmarkError

P = ParamSpec("P")

errors = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
output = Console(highlight=False, markup=False, soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout, and nothing else there."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")


class _Left(TimeRemainingColumn):
    """Time left: what the work says of it, else what its speed so far says."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["left"]) if task.fields["left"] else super().render(task)


@contextmanager
def progress_bars() -> Iterator[Callback]:
    """Show each step as a bar on a terminal; elsewhere stay silent."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Left())
    with Bar(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def show(progress: Progress) -> None:
            if progress.step not in tasks:
                tasks[progress.step] = bar.add_task(progress.step, total=progress.total or None, left="")
            bar.update(
                tasks[progress.step],
                completed=progress.done,
                total=progress.total or None,
                left=progress.left,
            )

        yield show


def command(run: Callable[P, None]) -> Callable[P, None]:
    """Turn what a user can cause into a sentence and exit code 1; with --json into JSON as well."""

    @wraps(run)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            run(*args, **kwargs)
        except FieldmarkError as error:
            if kwargs.get("json_output"):
                print_json({"error": {"code": error.code, "reason": str(error)}})
            errors.print(str(error))
            raise typer.Exit(1) from error
        except OSError as error:
            name = f"{error.filename}: " if error.filename else ""
            errors.print(f"{name}{error.strerror or error}.")
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            errors.print("Stopped. What was computed so far is kept; the same command goes on from there.")
            raise typer.Exit(1) from None

    return wrapped
