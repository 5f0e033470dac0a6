"""Columns of the two tables that each of two paired databases has; see `store.py`."""

from sqlmodel import SQLModel

from sweepd_kernel.sql.model import column


class IdentityColumns(SQLModel):
    """Identity of a database, in one row. `number`: of its newest commit."""

    id: int = column(key=True)
    database_id: str
    number: int
    peer_id: str | None
    peer_generation: str | None
    peer_number: int | None


class GenerationColumns(SQLModel):
    """Start of a service that has committed something, and the number of its first commit."""

    id: int = column(key=True)
    token: str
    first_number: int
