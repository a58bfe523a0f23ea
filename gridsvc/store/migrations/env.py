"""Alembic's entry: runs inside the transaction that gridsvc.store.migrate has begun and locked."""

from alembic import context

from gridsvc.store.migrate import autogenerate_options
from gridsvc.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # On SQLite too: all the migrations or none of them.
    transactional_ddl=True,
    **autogenerate_options(connection.dialect.name),
)
with context.begin_transaction():
    context.run_migrations()
