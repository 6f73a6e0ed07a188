"""A classifier as a link: a repository to push (`write_repository`), or a page without a server (`write_page`)."""

from __future__ import annotations

from fieldmark_share.page import write_page
from fieldmark_share.repository import write_repository

__all__ = ["write_page", "write_repository"]
