"""The apps as web pages, served by Voilà: `fieldmark_server.app.App`, and the command `fieldmark serve`.

In a Jupyter server: `fieldmark_server.extension.Extension`, which it loads by itself.
"""

from __future__ import annotations

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell Jupyter servers what to load."""
    from fieldmark_server.extension import Extension

    return [{"module": "fieldmark_server.extension", "app": Extension}]
