"""The apps as web pages, served by Voilà: `fieldmark_server.app.App`, and the command `fieldmark serve`.

In a Jupyter server: `fieldmark_server.extension.Extension`, which it loads by itself.
"""

from __future__ import annotations

import sys

# jsonschema, if it finds this one, builds a parser of international addresses as soon as it is imported: two seconds of
# each start of a server, for a check that nothing here asks for.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """Tell Jupyter servers what to load."""
    from fieldmark_server.extension import Extension

    return [{"module": "fieldmark_server.extension", "app": Extension}]
