"""Signs of life of the worker."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fieldmark.station.tables.base import Base


class Beat(Base):
    """When a part of the worker last said that it lives."""

    __tablename__ = "beat"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text)
