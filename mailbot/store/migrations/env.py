"""Alembic runs this: the migrations go into the transaction that `migrate.migrate` handed over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
