"""What came of the last import: kept with the photos, so that a page that is opened anew shows it again."""

from __future__ import annotations

from typing import Any

from fieldmark.catalog import Catalog
from fieldmark.project import Project
from fieldmark.sources.importreport import ImportReport

KEPT = "import"
"""Its key in the catalog's settings."""


def keep_import(report: ImportReport, shown: dict[str, Any]) -> None:
    """Keep what a page shows of an import with the photos."""
    if report.dataset.is_dir():
        Catalog.open(report.dataset).set_setting(KEPT, shown)


def kept_import(project: Project | None) -> dict[str, Any]:
    """What a page shows of the last import, as long as it is what was done last; empty otherwise."""
    shown: Any = project.catalog.setting(KEPT, {}) if project else {}
    return shown if is_last(project, shown.get("act")) else {}


def is_last(project: Project | None, act_id: int | None) -> bool:
    """Whether an act is what `undo` would take back."""
    done = [act.id for act in project.catalog.acts() if act.state == "done"] if project else []
    return bool(done) and done[0] == act_id
