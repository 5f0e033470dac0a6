"""Runs migrations on the connection that `sweepd_kernel.sql.migration` hands in."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
