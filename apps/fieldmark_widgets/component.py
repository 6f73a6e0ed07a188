"""What all components have in common."""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget
import traitlets

from fieldmark_widgets.assets import stylesheet


class Component(anywidget.AnyWidget):
    """A component with the look of Fieldmark, and a place for what went wrong."""

    _css = stylesheet()

    set_by_page: ClassVar[frozenset[str]] = frozenset()
    """Traits that a page may set. Any other is for the kernel alone, limits above all: a visitor can send anything."""

    problem = traitlets.Unicode("").tag(sync=True)
    """What went wrong, as a sentence; empty when nothing did."""

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take over what a page has set, as far as it may."""
        super().set_state({name: value for name, value in sync_data.items() if name in self.set_by_page})
