"""The revisions of the schema, one file each in `versions`; `store.database.upgrade` runs them."""
