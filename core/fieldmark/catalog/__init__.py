"""A dataset folder: plain files, and beside them a database of all that is known of them, changed by acts with undo."""

from __future__ import annotations

from fieldmark.catalog.catalog import Catalog, CatalogPhoto, Change, is_catalog

__all__ = ["Catalog", "CatalogPhoto", "Change", "is_catalog"]
