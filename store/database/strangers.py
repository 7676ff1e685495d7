"""What a database of a store may not hold: triggers, rules and views that the schema does not know.

They run SQL of whoever made them in transactions of whoever reads or writes the store, so that a store which was handed
over is looked through before anything else is asked of it.
"""

from sqlalchemy import Connection, text

from pipeline.errors import StoreError, quote
from store.database.faults import RESTORE
from store.database.schema import TABLES, VIEW, version

_OURS = frozenset({version.name, *(table.name for table in TABLES)})

_SQLITE = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_RELATIONS = """
SELECT c.relkind::text, c.relname::text FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
"""
_ACTIVE = """
SELECT 'trigger', t.tgname::text, c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
UNION ALL
SELECT 'rule', r.rulename::text, c.relname::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE r.rulename <> '_RETURN' AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(:names)
"""


def refuse_strangers(connection: Connection) -> None:
    """Raises StoreError for a trigger, a rule or a view that erfsweep did not make, and for a table that is none."""
    if connection.dialect.name == "sqlite":
        for kind, name, table, sql in connection.execute(text(_SQLITE)):
            if kind == "trigger":
                raise _unknown(kind, name, table, f"DROP TRIGGER {_quoted(name)}")
            if name in _OURS and kind != "index" and (kind != "table" or _is_virtual(sql)):
                raise _no_table(name)
            if kind == "view" and name != VIEW:
                raise _unknown(kind, name, None, f"DROP VIEW {_quoted(name)}")
        return
    names = {"names": [*_OURS, VIEW]}
    for kind, name in connection.execute(text(_RELATIONS), names):
        if name in _OURS and kind not in ("r", "p"):
            raise _no_table(name)
    for kind, name, table in connection.execute(text(_ACTIVE), names):
        raise _unknown(kind, name, table, f"DROP {kind.upper()} {_quoted(name)} ON {_quoted(table)}")


def _is_virtual(sql: str) -> bool:
    return sql.upper().split()[1:2] == ["VIRTUAL"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unknown(kind: str, name: str, table: str | None, statement: str) -> StoreError:
    on = f" on {table}" if table else ""
    return StoreError(
        f"the store has a {kind} {quote(name)}{on} that erfsweep did not make, and nothing is run with it; "
        f"ask whoever gave you the store, or remove it: {statement}"
    )


def _no_table(name: str) -> StoreError:
    return StoreError(
        f"{quote(name)} is not a table in this store, as erfsweep makes it; {RESTORE}, or name another with --db"
    )
