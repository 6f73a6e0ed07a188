"""Reads the browser's side of a component: plain files, no build step, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def stylesheet(*components: str) -> str:
    """The style sheet that all components share, with the rules of single components behind it.

    Args:
        components: such as "gallery", for the rules in gallery.css.
    """
    return "\n".join(_read(f"{name}.css") for name in ("fieldmark", *components))


PARTS = {
    "checker": ("follow", "progress"),
    "classifier": ("correction",),
    "cleaner": ("follow", "over", "deciding"),
    "collector": ("progress",),
    "exporter": ("follow",),
    "gallery": ("ranges", "whole"),
    "importer": ("follow", "progress"),
    "monitor": ("who", "office", "rules", "field", "week", "place"),
    "labeller": ("follow", "over", "deciding"),
    "recorder": ("camera",),
    "results": ("follow", "plots"),
    "trainer": ("follow",),
    "uploader": ("camera",),
}
"""Files that a component consists of besides its own; they export nothing."""


@cache
def module(name: str) -> str:
    """The JavaScript module of a component, with the helpers of dom.js in front.

    anywidget gives each component a module of its own that cannot import a neighbour, so the files are
    joined here; dom.js exports nothing.
    """
    return "\n".join(_read(f"{part}.js") for part in ("dom", *PARTS.get(name, ()), name))


def _read(name: str) -> str:
    return resources.files("fieldmark_widgets").joinpath("static", name).read_text("utf-8")
