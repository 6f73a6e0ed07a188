"""The classify app's notebook, as anybody runs it: from start to end, in a kernel of its own."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "apps" / "classify.ipynb"

# What somebody might type below the last cell.
ONE_MORE_CELL = """
from skimage.data import chelsea
from PIL import Image
import io
buffer = io.BytesIO()
Image.fromarray(chelsea()).save(buffer, "JPEG")
classifier.add("cat.jpg", buffer.getvalue())
classifier.wait()
print(classifier.predictions[0].label, classifier.state)
"""


def run_notebook(folder: Path, *more: str, **environment: str) -> nbformat.NotebookNode:
    """Every cell in order; a cell that raises fails the test."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in more]
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}})
    client.execute(env=os.environ | environment)
    return notebook


def outputs_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.filterwarnings("ignore:Proactor event loop:RuntimeWarning")  # Windows only
def test_the_notebook_shows_a_classifier_that_answers(cat_model: Path, tmp_path: Path) -> None:
    notebook = run_notebook(tmp_path, ONE_MORE_CELL, FIELDMARK_MODEL=str(cat_model))
    shown, _bridge, printed = outputs_of(notebook)
    assert "application/vnd.jupyter.widget-view+json" in shown["data"]
    assert printed["text"] == "cat ready\n"


def test_without_a_model_the_notebook_says_what_to_do(tmp_path: Path) -> None:
    notebook = run_notebook(
        tmp_path, "print(classifier.title)", FIELDMARK_MODEL=str(tmp_path / "missing.onnx")
    )
    *_shown, printed = outputs_of(notebook)
    assert printed["text"] == "There is no model here yet\n"
