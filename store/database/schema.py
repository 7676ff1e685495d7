"""The tables: sweeps, configs with their place in the queue, attempts, results and their arrays.

Ids are given out by the process that holds the lock for changes of the queue
(`store.database.connection.Store.reshape`), never by the database, so that a copy between SQLite and PostgreSQL keeps
them. Times are seconds since the epoch.
"""

from typing import Any, get_args

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, MetaData, Table, UniqueConstraint

from pipeline.result import Arrays, Axes, Costs, OutcomeKind, Provenance, Result, Sizes, Theory
from store.database.types import BYTES, INTEGER, REAL, TEXT, TRUTH, columns, declared, declared_some

REVISION = "0005"
"""The head of `store/migrations/versions`."""

STATES = ("queued", "running", "done", "failed", "killed")
UNMEASURED = ("queued", "failed", "killed")
"""The states of configs without a result that no process holds."""
FREED: dict[str, str | None] = {"state": "queued", "owner": None, "lease_until": None}
"""The columns of a config that waits for a process to claim it."""
OUTCOMES: tuple[str, ...] = get_args(OutcomeKind)
VIEW = "results"
"""Shows it all in one wide table; `store.database.view` makes it."""

AXES = declared(Axes)
COSTS = declared(Costs)
MEASURED = declared_some(Result, "dead", "n_zero", "n_nan") + declared(Theory) + declared(Sizes) + declared(Provenance)

metadata = MetaData(
    naming_convention={  # every constraint has a name that a migration can call it by
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")


def _key(name: str, target: str) -> Column[Any]:
    """A column of the primary key that points to `table.column` and goes with it."""
    return Column(name, INTEGER, ForeignKey(target, ondelete="CASCADE"), primary_key=True, autoincrement=False)


version = Table("erfsweep_version", metadata, Column("version_num", TEXT, primary_key=True))

sweep = Table(
    "sweep",
    metadata,
    Column("id", INTEGER, primary_key=True, autoincrement=False),
    Column("name", TEXT, nullable=False, unique=True),
    Column("spec", TEXT, nullable=False),  # JSON, as written
    Column("argv", TEXT, nullable=False),  # JSON list, passwords of URLs masked
    Column("versions", TEXT, nullable=False),  # JSON object, by package
    Column("git_commit", TEXT),
    Column("git_dirty", TRUTH),
    Column("host", TEXT, nullable=False),
    Column("created_at", REAL, nullable=False),
)

config = Table(
    "config",
    metadata,
    Column("id", INTEGER, primary_key=True, autoincrement=False),
    Column("digest", TEXT, nullable=False, unique=True),
    Column("json", TEXT, nullable=False),  # canonical
    Column("stem", TEXT, nullable=False),  # in canonical notation, as in the JSON
    Column("cost", REAL, nullable=False),  # expected seconds
    Column("state", TEXT, nullable=False),
    Column("attempts", INTEGER, nullable=False),
    Column("owner", TEXT),
    Column("lease_until", REAL),
    *columns(AXES),
    *columns(COSTS),
    _one_of("state", STATES),
    Index(None, "state", "owner", "cost"),  # covers the counts of `status`: rows with their JSON are wide
)

sweep_config = Table(
    "sweep_config",
    metadata,
    _key("sweep_id", "sweep.id"),
    Column("position", INTEGER, primary_key=True, autoincrement=False),
    Column("config_id", INTEGER, ForeignKey("config.id", ondelete="CASCADE"), nullable=False),
    Column("label", TEXT),  # what this sweep calls the config, where it says so
    UniqueConstraint("config_id", "sweep_id"),
    sqlite_with_rowid=False,
)

attempt = Table(
    "attempt",
    metadata,
    _key("config_id", "config.id"),
    Column("number", INTEGER, primary_key=True, autoincrement=False),  # from 1
    Column("started", REAL, nullable=False),
    Column("finished", REAL, nullable=False),
    Column("worker", TEXT, nullable=False),
    Column("outcome", TEXT, nullable=False),
    Column("error_type", TEXT),
    Column("message", TEXT),
    Column("traceback", TEXT),
    _one_of("outcome", OUTCOMES),
    Index(None, "finished"),
)

result = Table(
    "result",
    metadata,
    _key("config_id", "config.id"),
    *columns(MEASURED),
    Column("cautions", TEXT),  # words of `store.queue.cautions` between commas
    # Whoever counts them reads no result that has none. Not a partial index: with `postgresql_where` every start loads
    # SQLAlchemy's dialect of PostgreSQL, for 25 ms.
    Index(None, "cautions"),
)

map_ = Table(
    "map",
    metadata,
    _key("config_id", "result.config_id"),
    *(Column(field, TEXT if field == "checksum" else BYTES, nullable=False) for field in Arrays.__struct_fields__),
)

TABLES = (sweep, config, sweep_config, attempt, result, map_)
"""Those that hold something, each after those it points to."""
