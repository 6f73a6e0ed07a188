"""In which order, and under which heading, `--help` lists commands: as the job goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer
    from typer.models import CommandInfo, TyperInfo

Sections = Mapping[str, Sequence[str]]

MAIN: Sections = {
    "Photos": ("collect", "import", "label", "check", "snapshot", "undo"),
    "Model": ("train", "predict", "issues", "field-check", "ledger", "open-test", "pretrained"),
    "For others": ("app", "serve", "share", "deploy-check", "user", "corrections"),
    "Cameras": ("station",),
}
STATION: Sections = {
    "Begin": ("demo", "simulate", "init", "camera", "person", "zone", "rules"),
    "Watch": ("run", "import", "look", "log", "alerts", "stage"),
    "Look back": ("report", "export", "verify", "backtest"),
    "Models": ("model", "dataset"),
}


def arrange(cli: typer.Typer, sections: Sections) -> None:
    """Sort the commands of a command line, and give each its heading; what no section names comes last."""
    order = [name for names in sections.values() for name in names]
    heading = {name: title for title, names in sections.items() for name in names}
    cli.registered_commands.sort(key=lambda info: (*order, name_of(info)).index(name_of(info)))
    for info in commands_of(cli):
        info.rich_help_panel = heading.get(name_of(info), info.rich_help_panel)


def commands_of(cli: typer.Typer) -> list[CommandInfo | TyperInfo]:
    """List its commands and groups of commands."""
    return [*cli.registered_commands, *cli.registered_groups]


def name_of(info: CommandInfo | TyperInfo) -> str:
    """What is typed for it."""
    return info.name or getattr(info.callback, "__name__", "").replace("_", "-")
