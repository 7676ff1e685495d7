"""What Alembic runs to upgrade a store: the revisions, on the connection and in the transaction of the caller.

`store.database.upgrade` hands both over in the attributes of Alembic's config, with the table that holds the revision.
"""

from alembic import context

given = context.config.attributes
context.configure(connection=given["connection"], version_table=given["version_table"])
context.run_migrations()
