"""Components for notebooks: each is shown with `display` and used through its traits."""

from __future__ import annotations

from fieldmark_widgets.checker import Checker
from fieldmark_widgets.classified import ClassifiedPhoto
from fieldmark_widgets.classifier import Classifier
from fieldmark_widgets.gallery import Gallery, GalleryRow
from fieldmark_widgets.importer import Importer
from fieldmark_widgets.notice import Notice, build_or_explain
from fieldmark_widgets.settings import Settings, from_environment
from fieldmark_widgets.trainer import Trainer
from fieldmark_widgets.transfer import Upload
from fieldmark_widgets.uploader import Uploader
from fieldmark_widgets.workspace import Workspace

__all__ = [
    "Checker",
    "ClassifiedPhoto",
    "Classifier",
    "Gallery",
    "GalleryRow",
    "Importer",
    "Notice",
    "Settings",
    "Trainer",
    "Upload",
    "Uploader",
    "Workspace",
    "build_or_explain",
    "from_environment",
]
