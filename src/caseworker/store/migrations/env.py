"""Run by alembic, inside the connection that `store.upgrade` hands over."""

from alembic import context

from caseworker.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
