"""The apps as web pages, served by Voilà: `fieldmark_server.app.App`, and the command `fieldmark serve`."""

from __future__ import annotations

__all__: list[str] = []
