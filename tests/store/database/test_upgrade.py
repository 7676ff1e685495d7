"""Revisions of the schema: the models and the migrations agree, and a store of any revision can be used."""

import shutil
import sqlite3
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Connection, MetaData, NullPool, create_engine, delete, insert, inspect, text

from pipeline.config import Config, Readout, axes, encode
from pipeline.config.config import Plane
from pipeline.errors import StoreError
from store.asking.health import health
from store.asking.heatmaps import arrays
from store.asking.query import rows, status
from store.asking.records import find
from store.database import schema, upgrade
from store.database.address import address
from store.database.connection import Store
from store.database.opening import open_store
from store.database.view import COLUMNS, create_view
from store.upkeep.transfer import info
from tests.store.fakes import configs, measure_all, queue, result

GOLDEN = Path(__file__).with_name("golden")


def described(connection: Connection) -> dict[str, Any]:
    """The schema as the database itself tells it, types as it spells them.

    Columns are compared by name: a revision adds them at the end of a table, and no statement depends on their order.
    """
    found = inspect(connection)
    described: dict[str, Any] = {}
    for table in sorted(found.get_table_names()):
        described[table] = {
            "columns": {column["name"]: {**column, "type": str(column["type"])} for column in found.get_columns(table)},
            "pk": found.get_pk_constraint(table),
            "fk": sorted(found.get_foreign_keys(table), key=str),
            "unique": sorted(found.get_unique_constraints(table), key=str),
            "check": sorted(found.get_check_constraints(table), key=str),
            "index": sorted(found.get_indexes(table), key=str),
            "options": found.get_table_options(table) if connection.dialect.name == "sqlite" else {},
        }
    described["views"] = {view: found.get_view_definition(view) for view in found.get_view_names()}
    return described


def test_the_code_has_the_head_of_the_revisions() -> None:
    assert ScriptDirectory(str(upgrade.LOCATION)).get_heads() == [schema.REVISION]


def test_a_new_store_and_an_upgraded_one_have_the_same_schema(url: str) -> None:
    store = open_store(url)
    with store.read() as connection:
        made = described(connection)
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": schema.version.name}), schema.metadata
        )
    assert differences == []
    with store.write() as connection:
        connection.execute(text("DROP VIEW results"))
        schema.metadata.drop_all(connection)
        schema.version.create(connection)
        upgrade.migrate(connection)
    with store.read() as connection:
        assert described(connection) == made
        assert connection.execute(text("SELECT version_num FROM erfsweep_version")).scalars().all() == [schema.REVISION]
    store.close()


def put_on_server(path: Path, url: str) -> None:
    """Makes a PostgreSQL store of the revision that a golden file has, by the revisions' own code, with its rows."""
    engine = create_engine(address(url).url, poolclass=NullPool)
    old = sqlite3.connect(path)
    old.row_factory = sqlite3.Row
    with engine.begin() as connection:
        schema.version.create(connection)
        upgrade.run_revisions(connection, path.stem)
        connection.execute(delete(schema.version))  # the file's own row follows
        if path.stem == schema.REVISION:
            create_view(connection)
        there = MetaData()
        there.reflect(connection)
        for table in there.sorted_tables:
            listed = [dict(row) for row in old.execute(f"SELECT * FROM {table.name}")]
            for column in table.columns:
                for row in listed:
                    if isinstance(column.type, Boolean) and row[column.name] is not None:
                        row[column.name] = bool(row[column.name])
            connection.execute(insert(table), listed)
    old.close()
    engine.dispose()


LABELLED = sorted(GOLDEN.glob("*.db"))[1:]
"""Golden databases of the revisions that have a label for each place of a sweep."""


@pytest.fixture(params=sorted(GOLDEN.glob("*.db")), ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest) -> Any:
    """The golden file of a revision."""
    return request.param


@pytest.fixture(params=["file", "postgres"])
def golden(request: pytest.FixtureRequest, old: Path, tmp_path: Path) -> Iterator[Store]:
    """A store as an older version left it, opened by this one: a file as it is, a server after `db upgrade`."""
    if request.param == "file":
        url = f"sqlite:///{shutil.copy(old, tmp_path / 'sweeps.db')}"
    else:
        url = request.getfixturevalue("postgres_url")
        put_on_server(old, url)
        assert upgrade.upgrade(url) == upgrade.Upgrade(old.stem, schema.REVISION, None)
    store = open_store(url)
    yield store
    store.close()


def test_every_revision_has_its_golden_database() -> None:
    revisions = {script.revision for script in ScriptDirectory(str(upgrade.LOCATION)).walk_revisions()}
    assert {path.stem for path in GOLDEN.glob("*.db")} == revisions


def test_a_store_of_any_revision_holds_what_was_put_in(golden: Store) -> None:
    assert info(golden).revision == schema.REVISION
    assert info(golden).tables == {"sweep": 2, "config": 4, "sweep_config": 5, "attempt": 3, "result": 2}
    columns = ["position", "config", "state", "dead", "n_zero", "theo_rf", "saturated", "eff_rf", "ratio", "error"]
    assert rows(golden, "growth", columns=columns).rows == [
        (0, "3x3", "done", False, 2, 9, True, 7.0, 7 / 9, None),
        (1, "2x3x3", "done", True, 2, 9, True, None, None, None),
        (2, "3x3x3", "failed", None, None, None, None, None, None, "Timeout: took longer than 5 s"),
    ]
    record = find(golden, "growth:0")
    assert (record.attempts[0].worker, record.attempts[0].finished) == ("worker-1", 101.5)
    assert record.sweeps[0].origin.argv == ("erfsweep", "run")
    assert record.sweeps[0].specs == ({"count": 3},)
    assert (arrays(golden, record.digest).heatmap, arrays(golden, record.digest).curves) == (b"heat", b"curves")
    with golden.read() as connection:
        view = connection.execute(text("SELECT * FROM results"))
        assert list(view.keys()) == list(COLUMNS)  # a new column of the view needs a revision too
        assert len(view.all()) == 5  # one of the four configs has a place in both sweeps


def test_a_store_of_any_revision_tells_stem_unit_and_id_of_its_configs(golden: Store) -> None:
    listed = rows(golden, columns=["stem", "unit_y", "unit_x", "id", "digest"]).rows
    assert [row[:3] for row in listed] == [("3x3", 10, 10), ("2x3x3", 10, 10), ("3x3x3", 10, 10), ("4x3x3", 10, 10)]
    for *_, known, digest in listed:
        assert known == "g" + digest[:12]
        for written in (known, known[:8], digest[:12], digest[:7].upper(), digest):  # of old stores, hex digits
            assert find(golden, written).digest == digest


def test_a_store_of_any_revision_tells_what_to_be_careful_with(golden: Store) -> None:
    """The fakes have 3 of 16 probes without a gradient, and a window that is said to leave its plane."""
    found = health(golden, "growth", status(golden, "growth").states)
    assert (found.configs, found.dead, found.thin, found.of_one_channel, found.cut_off) == (3, 1, 0, 1, 2)
    assert (found.failed, found.killed, found.off_centre) == (1, 0, 0)
    assert sorted(found.widest) == [("2x3x3", 1, None), ("3x3", 1, None)]
    assert msgspec.structs.replace(health(golden, None, status(golden).states), configs=3) == found


@pytest.mark.parametrize("old", LABELLED, indirect=True, ids=lambda path: path.stem)
def test_labels_belong_to_a_sweep(golden: Store) -> None:
    assert rows(golden, "later", columns=["config", "stem"]).rows == [("the third", "3x3x3"), ("4x3x3", "4x3x3")]
    assert rows(golden, "growth", columns=["config"]).rows == [("3x3",), ("2x3x3",), ("3x3x3",)]
    assert [find(golden, name).label for name in ("later:0", "growth:2")] == ["the third", "3x3x3"]
    assert find(golden, find(golden, "growth:2").id).label == "the third"


def test_the_unit_of_an_old_config_is_where_its_readout_says(url: str) -> None:
    """As revision 0001 kept them: without the columns that 0002 adds, and with a label in the original's spelling."""
    store = open_store(url)
    many = {
        "7x7/2:64 max3x3/2": (Config("7x7/2:64 max3x3/2", Plane(40, 60, 3)), (5, 7)),  # 10 by 15 units
        "1x 3x3": (Config("3x3", Plane(21, 21, 1), readout=Readout(position=(3, 4))), (3, 4)),
        "2x 3x3p0": (Config("2x3x3p0", Plane(9, 6)), (2, 1)),  # 5 by 2 units
    }
    later = {"stem", "unit_y", "unit_x", "layer", "params", "macs", "mark", "probe"}
    old = sorted({column.name for column in schema.config.columns} - later | {"label"})
    statement = text(f"INSERT INTO config ({', '.join(old)}) VALUES ({', '.join(':' + name for name in old)})")
    with store.write() as connection:
        connection.execute(text("DROP VIEW results"))
        schema.metadata.drop_all(connection)
        schema.version.create(connection)
        upgrade.run_revisions(connection, "0001")
        for key, (label, (config, _)) in enumerate(many.items()):
            row = {**msgspec.structs.asdict(axes(config)), "id": key, "digest": str(key), "label": label}
            row |= {"json": encode(config).decode(), "cost": 0.0, "state": "queued", "attempts": 0}
            connection.execute(statement, {name: row.get(name) for name in old})
        upgrade.run_revisions(connection, "0002")
        found = connection.execute(text("SELECT stem, unit_y, unit_x FROM config ORDER BY id")).all()
    assert [tuple(row) for row in found] == [(config.stem, *unit) for config, unit in many.values()]
    store.close()


def test_a_store_of_any_revision_can_be_worked_on(golden: Store) -> None:
    assert len(measure_all(golden, "later")) == 1
    # A config keeps the digest of the kernel that measured it; where that is today's, it is not queued again.
    there = {row[0] for row in rows(golden, columns=["digest"]).rows}
    assert queue(golden, "more", count=9).new == sum(config.digest not in there for config in configs(9))
    assert status(golden, "later").states["failed"].configs == 1


HEAD = schema.REVISION
LATER = f"{int(HEAD) + 1:04}"
"""The revision that a later version would have."""

NEXT = f'''
"""A revision of the tests: alters the table that all others point to, by copying and dropping it."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "{LATER}", "{HEAD}"

def upgrade() -> None:
    with op.batch_alter_table("config") as batch:
        batch.alter_column("stem", existing_type=sa.Text(), nullable=True)
    op.execute("UPDATE config SET stem = 'new ' || stem")
'''


@pytest.fixture
def add_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Adds the revision LATER to the code, as a later version would have."""

    def add(code: str = NEXT) -> None:
        location = tmp_path / "later"
        shutil.copytree(upgrade.LOCATION, location, ignore=shutil.ignore_patterns("__pycache__"))
        (location / "versions" / f"rev_{LATER}.py").write_text(textwrap.dedent(code))
        monkeypatch.setattr(upgrade, "LOCATION", location)
        monkeypatch.setattr(schema, "REVISION", LATER)

    return add


def fill(url: str) -> str:
    store = open_store(url)
    queue(store, count=3)
    digest = measure_all(store)[0]
    store.close()
    return digest


def test_a_local_file_is_upgraded_when_it_is_opened_after_a_copy(
    file_url: str, tmp_path: Path, add_revision: Any
) -> None:
    digest = fill(file_url)
    add_revision()
    store = open_store(file_url)
    assert rows(store, columns=["config", "eff_rf"], limit=1).rows == [("new 3x3", 7.0)]
    assert info(store).tables == {"sweep": 1, "config": 3, "sweep_config": 3, "attempt": 3, "result": 3}
    assert arrays(store, digest) == result().arrays
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM results")).scalar() == 3
    store.close()
    (copy,) = tmp_path.glob(f"sweeps.db.{HEAD}.*.backup")
    raw = sqlite3.connect(copy)
    assert raw.execute("SELECT config FROM results").fetchall() == [("3x3",), ("2x3x3",), ("3x3x3",)]
    assert raw.execute("SELECT version_num FROM erfsweep_version").fetchall() == [(HEAD,)]
    raw.close()
    open_store(file_url).close()
    assert len(list(tmp_path.glob("*.backup"))) == 1


def test_a_server_waits_for_db_upgrade(postgres_url: str, add_revision: Any) -> None:
    fill(postgres_url)
    add_revision()
    with pytest.raises(StoreError, match=f"has the older revision '{HEAD}'; run `erfsweep db upgrade`"):
        open_store(postgres_url)
    assert upgrade.upgrade(postgres_url) == upgrade.Upgrade(HEAD, LATER, None)
    assert upgrade.upgrade(postgres_url) == upgrade.Upgrade(LATER, LATER, None)
    store = open_store(postgres_url)
    assert rows(store, columns=["config"], limit=1).rows == [("new 3x3",)]
    assert info(store).tables["result"] == 3
    store.close()


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("op.execute('SELECT 1 FROM nowhere')", "cannot be used: no such table: nowhere"),
        ("op.execute('DELETE FROM config WHERE id = 1')", "would leave rows that point to nothing; it was undone"),
    ],
    ids=["fails", "orphans"],
)
def test_a_revision_that_goes_wrong_leaves_the_store_as_it_was(
    file_url: str, add_revision: Any, last: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = fill(file_url)
    with monkeypatch.context() as later:
        later.setattr(upgrade, "LOCATION", upgrade.LOCATION)
        add_revision(NEXT + f"    {last}\n")
        with pytest.raises(StoreError, match=said):
            open_store(file_url)
    monkeypatch.undo()
    store = open_store(file_url)
    assert [row[0] for row in rows(store, columns=["config"]).rows] == ["3x3", "2x3x3", "3x3x3"]
    assert arrays(store, digest) == result().arrays
    store.close()


def test_there_is_nothing_to_upgrade_where_there_is_no_store(file_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        upgrade.upgrade(file_url)
    sqlite3.connect(tmp_path / "sweeps.db").close()
    with pytest.raises(StoreError, match="there is no store of erfsweep"):
        upgrade.upgrade(file_url)


def test_a_file_is_upgraded_on_demand_too(file_url: str, add_revision: Any) -> None:
    fill(file_url)
    add_revision()
    done = upgrade.upgrade(file_url)
    assert (done.before, done.after) == (HEAD, LATER)
    assert done.backup is not None
    assert done.backup.exists()


def test_the_backup_of_a_busy_file_has_all_of_its_log(file_url: str, tmp_path: Path) -> None:
    store = open_store(file_url)
    queue(store, count=5)
    assert (tmp_path / "sweeps.db-wal").stat().st_size > 0
    upgrade.copy_file(tmp_path / "sweeps.db", tmp_path / "copy.db")
    raw = sqlite3.connect(tmp_path / "copy.db")
    assert raw.execute("SELECT digest FROM config ORDER BY id").fetchall() == [(each.digest,) for each in configs(5)]
    raw.close()
    store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "sweeps.db"]
