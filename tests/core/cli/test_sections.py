"""Help lists the commands as the job goes."""

from __future__ import annotations

from importlib.metadata import entry_points
from itertools import chain

import typer
from typer.testing import CliRunner

from fieldmark.cli.main import PLUGINS, cli
from fieldmark.cli.sections import MAIN, STATION, arrange, commands_of, name_of
from fieldmark.cli.station import cli as station


def test_every_command_stands_in_one_section_and_each_section_names_only_commands() -> None:
    plugins = [point.name for point in entry_points(group=PLUGINS)]
    for has, sections in (
        ([*map(name_of, commands_of(cli)), *plugins], MAIN),
        (map(name_of, commands_of(station)), STATION),
    ):
        assert sorted(set(has)) == sorted(chain(*sections.values()))


def test_commands_are_listed_in_the_order_of_the_sections_and_unknown_ones_last() -> None:
    small = typer.Typer()
    for name in ("strange", "second", "first"):
        small.command(name)(lambda: None)
    arrange(small, {"Begin": ("first",), "Go on": ("second",)})
    assert [(name_of(info), info.rich_help_panel) for info in small.registered_commands[:2]] == [
        ("first", "Begin"),
        ("second", "Go on"),
    ]
    assert name_of(small.registered_commands[2]) == "strange"


def test_every_command_explains_itself() -> None:
    for words in (
        ["--help"],
        ["station", "--help"],
        *([name, "--help"] for name in chain(*MAIN.values()) if name in map(name_of, commands_of(cli))),
    ):
        helped = CliRunner().invoke(cli, words)
        assert (helped.exit_code, "Usage" in helped.stdout) == (0, True), words
