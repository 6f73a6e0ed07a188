"""Fieldmark: from a folder of photos to an image classifier you can share and supervise."""

from __future__ import annotations

__all__: list[str] = []
