"""Videos, deployments, boxes of a detector, groups of events that look alike, and the end of a frame's keeping."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldmark.station.tables import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add tables and columns; columns without constraints, so that SQLite need not copy a table that others refer to."""
    op.create_table(
        "clip",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("length_s", sa.Double(), nullable=False),
        sa.Column("frames_per_s", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_clip_camera_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clip")),
        sa.UniqueConstraint("camera_id", "sha256", name=op.f("uq_clip_camera_id_sha256")),
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("begin", Utc(), nullable=True),
        sa.Column("end", Utc(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_deployment_camera_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
        sa.UniqueConstraint("camera_id", "name", name=op.f("uq_deployment_camera_id_name")),
    )
    op.add_column("frame", sa.Column("clip_id", sa.Integer(), nullable=True))
    op.add_column("frame", sa.Column("clip_frame", sa.Integer(), nullable=True))
    op.add_column("frame", sa.Column("boxes", sa.JSON(), nullable=True))
    op.add_column("frame", sa.Column("dropped_at", Utc(), nullable=True))
    op.add_column("event", sa.Column("alike", sa.Integer(), nullable=True))
