"""A classifier of one's own for others: as a repository with a Binder badge, or as a page that needs no server.

The modules are loaded when their names are first asked for: the command line imports this package for every command,
and what writes a notebook takes seconds to load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fieldmark_share.page import write_page
    from fieldmark_share.repository import write_repository

__all__ = ["write_page", "write_repository"]


def __getattr__(name: str) -> Any:
    """Load the module of a name (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{name.removeprefix('write_')}"), name)


def __dir__() -> list[str]:
    """List what can be imported."""
    return __all__
