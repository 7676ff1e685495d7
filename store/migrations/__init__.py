"""The revisions of the schema, one file each in `versions`; `store.upgrade` runs them."""
