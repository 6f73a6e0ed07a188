"""The few files that pages of ours load: the style sheet of the widgets and the page's own script."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tornado import web

TYPES = {".css": "text/css", ".js": "text/javascript"}
FOREVER_S = 365 * 24 * 3600


@cache
def asset_files() -> dict[str, Path]:
    """Every file that is served, by its name."""
    widgets = find_spec("fieldmark_widgets")  # finds it without importing it: the server runs no widget
    if widgets is None or widgets.origin is None:
        raise ModuleNotFoundError("fieldmark_widgets is not installed", name="fieldmark_widgets")
    return {
        "fieldmark.css": Path(widgets.origin).parent / "static" / "fieldmark.css",
        **{name: Path(__file__).parent / "static" / name for name in ("page.js", "host.js")},
    }


def asset_url(base_url: str, name: str) -> str:
    """The address of a file; it changes with the content, so browsers may keep it."""
    digest = hashlib.sha256(asset_files()[name].read_bytes()).hexdigest()[:12]
    return f"{base_url}assets/{name}?v={digest}"


class AssetHandler(web.RequestHandler):
    """Serves these files and no other."""

    def get(self, name: str) -> None:
        """Give one file."""
        path = asset_files().get(name)
        if path is None:
            raise web.HTTPError(404)
        self.set_header("Content-Type", f"{TYPES[path.suffix]}; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        keep = FOREVER_S if self.get_argument("v", "") else 0
        self.set_header("Cache-Control", f"public, max-age={keep}")
        self.finish(path.read_bytes())
