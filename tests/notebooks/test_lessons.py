"""The notebooks run from start to end, in a real kernel, as somebody who opens them would run them."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

APPS = Path(__file__).parents[2] / "apps"


def run(name: str, folder: Path) -> list[Any]:
    """Run a notebook with its data below `folder`; gives the code cells."""
    notebook = nbformat.read(APPS / f"{name}.ipynb", as_version=4)
    environment = {
        **os.environ,
        "FIELDMARK_DATASETS": str(folder / "datasets"),
        "FIELDMARK_CACHE": os.environ.get("FIELDMARK_CACHE", ""),
    }
    client = NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(folder)}})
    client.execute(env={key: value for key, value in environment.items() if value})
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def said(cells: list[Any]) -> str:
    return "".join(output.text for cell in cells for output in cell.outputs if output.output_type == "stream")


def shown(cells: list[Any]) -> list[str]:
    kinds = ("display_data", "execute_result")
    return [
        key for cell in cells for output in cell.outputs if output.output_type in kinds for key in output.data
    ]


def test_the_book_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    cells = run("book", tmp_path)
    text = said(cells)
    assert "168 photos imported" in text
    assert "5 photos relabelled" in text
    assert "unfamiliar" in text
    assert shown(cells).count("application/vnd.jupyter.widget-view+json") == 4


def test_each_code_cell_of_the_book_follows_words() -> None:
    kinds = [cell.cell_type for cell in nbformat.read(APPS / "book.ipynb", as_version=4).cells]
    assert all(before == "markdown" for before, kind in pairwise(kinds) if kind == "code")


def test_the_studio_opens_without_any_photo(tmp_path: Path) -> None:
    assert "application/vnd.jupyter.widget-view+json" in shown(run("studio", tmp_path))
