"""Each component alone, in a bare notebook and a real kernel: five lines, and it shows itself and what it knows."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from fieldmark.importing import import_photos
from fieldmark.sources.sample import write_sample

WIDGET = "application/vnd.jupyter.widget-view+json"
COMPONENTS = {
    "Importer": ('Importer("ground")', "print(len(component.gallery.rows), component.state)", "168 ready"),
    "Checker": ('Checker("ground")', "component.wait(); print(component.report.files)", "168"),
    "Trainer": (
        'Trainer("ground")',
        "component.train(); component.wait(); print(len(component.learner.valid.items))",
        "48",
    ),
    "Results": ('Results("ground")', "component.wait(); print(component.state)", "ready"),
    "Cleaner": ('Cleaner("ground")', "component.wait(); print(component.state)", "ready"),
    "Gallery": ('Gallery.of_folder("ground")', "print(len(component.rows))", "168"),
    "Exporter": (
        'Exporter("ground")',
        "component.save(); component.wait(); print(component.path.suffix)",
        ".onnx",
    ),
    "Labeller": ('Labeller("ground")', "component.wait(); print(component.state)", "empty"),
    "Recorder": ('Recorder("desk")', "print(component.state)", "empty"),
    "Collector": ("Collector()", "print(component.state)", "empty"),
    "Monitor": ('Monitor("station")', "print(component.state)", "empty"),
    "Uploader": ("Uploader()", "print(len(component.files))", "0"),
    "Studio": ('Studio(".")', "print(component.dataset)", "ground"),
}
"""How each is made, what is asked of it, and the answer."""


def test_each_component_works_alone_in_a_bare_notebook(tmp_path: Path) -> None:
    import_photos(write_sample(tmp_path / "sample"), tmp_path / "ground", who="test")
    cells = []
    for name, (made, asked, _) in COMPONENTS.items():
        code = f"from fieldmark_widgets import {name}\ncomponent = {made}\ndisplay(component)\n{asked}\ncomponent.close()"
        cells.append(nbformat.v4.new_code_cell(code))
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for cell, (name, (_, _, answer)) in zip(notebook.cells, COMPONENTS.items(), strict=True):
        said = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        assert said.strip() == answer, name
        assert any(WIDGET in output.get("data", {}) for output in cell.outputs), name
