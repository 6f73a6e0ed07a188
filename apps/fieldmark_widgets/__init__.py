"""Components for notebooks: each is shown with `display` and used through its traits."""

from __future__ import annotations

from fieldmark_widgets.classified import ClassifiedPhoto
from fieldmark_widgets.classifier import Classifier
from fieldmark_widgets.notice import Notice, build_or_explain
from fieldmark_widgets.settings import Settings, from_environment
from fieldmark_widgets.transfer import Upload
from fieldmark_widgets.uploader import Uploader

__all__ = [
    "ClassifiedPhoto",
    "Classifier",
    "Notice",
    "Settings",
    "Upload",
    "Uploader",
    "build_or_explain",
    "from_environment",
]
