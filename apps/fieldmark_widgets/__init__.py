"""Components for notebooks: each is shown with `display` and used through its traits.

A component's module is loaded when its name is first asked for: a page that only classifies never loads what
training needs, which halves its start.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldmark_widgets.bridge import PageBridge
    from fieldmark_widgets.checker import Checker
    from fieldmark_widgets.classified import ClassifiedPhoto
    from fieldmark_widgets.classifier import Classifier
    from fieldmark_widgets.cleaner import Cleaner
    from fieldmark_widgets.collector import Collector
    from fieldmark_widgets.exporter import Exporter
    from fieldmark_widgets.gallery import Gallery, GalleryRow
    from fieldmark_widgets.importer import Importer
    from fieldmark_widgets.labeller import Labeller
    from fieldmark_widgets.monitor import Monitor
    from fieldmark_widgets.notice import Notice, build_or_explain
    from fieldmark_widgets.recorder import Recorder
    from fieldmark_widgets.results import Results
    from fieldmark_widgets.settings import Settings, from_environment
    from fieldmark_widgets.stagedchanges import StagedChanges
    from fieldmark_widgets.studio import Studio
    from fieldmark_widgets.trainer import Trainer
    from fieldmark_widgets.transfer import Upload
    from fieldmark_widgets.uploader import Uploader
    from fieldmark_widgets.workspace import Workspace

__all__ = [
    "Checker",
    "ClassifiedPhoto",
    "Classifier",
    "Cleaner",
    "Collector",
    "Exporter",
    "Gallery",
    "GalleryRow",
    "Importer",
    "Labeller",
    "Monitor",
    "Notice",
    "PageBridge",
    "Recorder",
    "Results",
    "Settings",
    "StagedChanges",
    "Studio",
    "Trainer",
    "Upload",
    "Uploader",
    "Workspace",
    "build_or_explain",
    "from_environment",
]

_ELSEWHERE = {
    "ClassifiedPhoto": "classified",
    "GalleryRow": "gallery",
    "PageBridge": "bridge",
    "Upload": "transfer",
    "build_or_explain": "notice",
    "from_environment": "settings",
}
"""Names whose module is not called after them."""


def __getattr__(name: str) -> Any:
    """Load the module of a component (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, name.lower())}"), name)


def __dir__() -> list[str]:
    """List what can be imported."""
    return __all__
