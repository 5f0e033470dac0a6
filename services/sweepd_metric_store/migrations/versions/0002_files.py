"""Files of runs: contents that several may share, in pieces, and how far each attempt has delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "file_blob",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("size", sa.Integer, nullable=False),
        sa.UniqueConstraint("digest"),
        # A number is used once: who reads a content that goes meanwhile must not be given another one.
        sqlite_autoincrement=True,
    )
    op.create_table(
        "file_piece",
        sa.Column("blob_id", sa.Integer, primary_key=True),
        sa.Column("first_offset", sa.Integer, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "file",
        sa.Column(
            "attempt_id", sa.Integer, sa.ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
        sa.Column("blob_id", sa.Integer),
        sa.Column("left_out", sa.Text, nullable=False),
    )
    op.create_index("file_of_blob", "file", ["blob_id"])
    op.create_table(
        "file_upload",
        sa.Column(
            "attempt_id", sa.Integer, sa.ForeignKey("attempt.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("blob_id", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("next_offset", sa.Integer, nullable=False),
    )
