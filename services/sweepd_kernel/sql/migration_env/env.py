"""Alembic environment that runs migrations on the connection of `sweepd_kernel.sql.migration`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
