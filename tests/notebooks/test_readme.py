"""The snippets of the README that others paste into their notebooks, in a real kernel."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image
from skimage.data import chelsea

ROOT = Path(__file__).parents[2]
SNIPPETS = [
    code
    for code in re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
    if "display(" in code
]


def run_in_kernel(notebook: NotebookNode, folder: Path, model: Path) -> list[NotebookNode]:
    """Run every cell in a kernel that works in `folder`; all outputs, after any error was raised."""
    environment = os.environ | {"FIELDMARK_MODEL": str(model)}
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute(env=environment)
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def shown_widgets(outputs: list[NotebookNode]) -> int:
    return sum("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)


def test_the_readme_shows_how_to_use_a_component() -> None:
    assert SNIPPETS


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_of_the_readme_shows_a_component_that_answers(
    snippet: str, cat_model: Path, tmp_path: Path
) -> None:
    shutil.copy(cat_model, tmp_path / "model.onnx")
    Image.fromarray(chelsea()).save(tmp_path / "photo.jpg")
    use = """
from pathlib import Path
classifier.add("photo.jpg", Path("photo.jpg").read_bytes())
classifier.wait()
classifier.predictions[0].label
"""
    cells = [nbformat.v4.new_code_cell(code) for code in (snippet, use)]
    outputs = run_in_kernel(nbformat.v4.new_notebook(cells=cells), tmp_path, cat_model)
    assert shown_widgets(outputs) == 1
    assert outputs[-1]["data"]["text/plain"] == "'cat'"
