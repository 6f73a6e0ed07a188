"""How Alembic reaches the store; `store.open_store` runs it, with its own connection."""

from __future__ import annotations

from alembic import context

from fieldmark.station.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
