"""Damage is told: a store is damaged by hand, value by value; the row is named, and the others are answered."""

import io
import json
import sqlite3
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pipeline.config import Config, Init, Probes, encode
from pipeline.errors import StoreError
from pipeline.result import Sizes, Theory, checksum
from pipeline.stem import Plane
from pipeline.task import collect, measure
from store.asking.health import health
from store.asking.heatmaps import each_arrays
from store.asking.query import rows, status, sweeps
from store.asking.reading import read
from store.asking.records import find
from store.asking.selection import Selection
from store.database.connection import Store
from store.database.opening import open_store
from store.database.schema import result
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from store.upkeep.check import check
from store.upkeep.mending import mend
from store.upkeep.transfer import copy
from tests.store.fakes import ORIGIN, unlabelled

CONFIGS = [Config("2x3x3", Plane(9, 9), init=Init(seed=seed)) for seed in range(4)]
DIGESTS = [config.digest for config in CONFIGS]


def measure_queued(store: Store) -> None:
    """Measures what is queued, in this process: what is held against heatmaps needs real ones."""
    while held := claim(store, this_owner()):
        save(store, this_owner(), collect([measure(each.digest, each.config, 10**9, None) for each in held]))


@pytest.fixture
def filled(store: Store) -> Iterator[Store]:
    """A measured sweep of four configs, with the keys 1 to 4."""
    submit(store, "four", {}, unlabelled(CONFIGS), ORIGIN, cost=lambda config: 0.5)
    measure_queued(store)
    return store


def damage(store: Store, *statements: str) -> None:
    with store.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


def only_sqlite(store: Store) -> None:
    if store.dialect != "sqlite":
        pytest.skip("a server keeps types by itself")


def told(store: Store) -> list[tuple[str, str, str]]:
    return [(each.table, each.row, each.column) for each in store.damages]


WRONG_TYPES = [
    ("UPDATE result SET eff_rf = 'seven' WHERE config_id = 2", "result", "eff_rf", ["eff_rf"]),
    ("UPDATE result SET luo = x'00ff' WHERE config_id = 2", "result", "luo", ["config", "luo"]),
    ("UPDATE result SET luo = 9e999 WHERE config_id = 2", "result", "luo", ["luo"]),
    ("UPDATE result SET theo_rf = 5.5 WHERE config_id = 2", "result", "theo_rf", ["theo_rf"]),
    ("UPDATE result SET dead = 'maybe' WHERE config_id = 2", "result", "dead", ["dead"]),
    ("UPDATE result SET dead = 2 WHERE config_id = 2", "result", "dead", ["dead"]),
    ("UPDATE result SET blas = x'fffe' WHERE config_id = 2", "result", "blas", ["blas"]),
    ("UPDATE result SET blas = CAST(x'fffe' AS TEXT) WHERE config_id = 2", "result", "blas", ["blas"]),
    ("UPDATE result SET reasons = '[1' WHERE config_id = 2", "result", "reasons", ["reasons"]),
    ("UPDATE result SET reasons = '[1]' WHERE config_id = 2", "result", "reasons", ["reasons"]),
    ("UPDATE config SET height = 'tall' WHERE id = 2", "config", "height", ["height", "width"]),
    ("UPDATE config SET cost = 'dear' WHERE id = 2", "config", "cost", ["cost"]),
    ("UPDATE config SET json = '{\"stem\": 3' WHERE id = 2", "config", "json", ["spec"]),
    ("UPDATE config SET json = '{}' WHERE id = 2", "config", "json", ["spec"]),
    ("UPDATE config SET json = replace(json, '2x3x3', 'no stem') WHERE id = 2", "config", "json", ["spec"]),
]


@pytest.mark.parametrize(("statement", "table", "column", "columns"), WRONG_TYPES)
def test_a_wrong_value_leaves_its_row_out_and_names_it(
    filled: Store, statement: str, table: str, column: str, columns: list[str]
) -> None:
    if column not in ("reasons", "json"):
        only_sqlite(filled)
    damage(filled, statement)
    assert [row[0] for row in rows(filled, "four", columns=["seed"]).rows] == [0, 1, 2, 3]  # asks for nothing damaged
    assert told(filled) == []
    assert [row[0] for row in rows(filled, "four", columns=["seed", *columns]).rows] == [0, 2, 3]
    assert told(filled) == [(table, "2", column)]
    (said,) = map(str, filled.damages)
    assert f"row 2 (g{DIGESTS[1][:12]}) of table {table}, column {column}: " in said
    with pytest.raises(StoreError, match=f"of table {table}, column {column}: "):
        find(filled, "four:1")
    assert find(filled, "four:2").config == CONFIGS[2]
    found = [finding.damage for finding in check(filled)]
    assert (table, "2", column) in [(each.table, each.row, each.column) for each in found]
    assert {each.row for each in found} == {"2"}


@pytest.mark.parametrize("question", ["eff_rf > 0", "eff_rf < 1e9", "not (eff_rf == 3)", "dead or eff_rf is None"])
def test_a_row_whose_number_is_asked_is_told_whatever_the_answer(filled: Store, question: str) -> None:
    only_sqlite(filled)
    expected = [row[0] for row in rows(filled, "four", columns=["seed"], where=question).rows if row[0] != 1]
    damage(filled, "UPDATE result SET eff_rf = 'seven' WHERE config_id = 2")
    assert [row[0] for row in rows(filled, "four", columns=["seed"], where=question).rows] == expected
    assert told(filled) == [("result", "2", "eff_rf")]
    filled.damages.taken()
    assert [row[0] for row in rows(filled, "four", columns=["seed"], sort=["-eff_rf", "seed"]).rows].count(1) == 0
    assert told(filled) == [("result", "2", "eff_rf")]


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_number_of_a_server_that_is_none_is_told(postgres_url: str, number: str) -> None:
    store = open_store(postgres_url)
    submit(store, "four", {}, unlabelled(CONFIGS), ORIGIN)
    measure_queued(store)
    damage(store, f"UPDATE result SET luo = '{number}' WHERE config_id = 2")
    assert [row[0] for row in rows(store, "four", columns=["seed", "luo"]).rows] == [0, 2, 3]
    assert told(store) == [("result", "2", "luo")]
    store.close()


MAPS = {
    "another checksum": "UPDATE map SET checksum = 'x' WHERE config_id = 2",
    "no heatmap": "DELETE FROM map WHERE config_id = 2",
    "other curves": "UPDATE map SET curves = (SELECT heatmap FROM map WHERE config_id = 3) WHERE config_id = 2",
}


@pytest.mark.parametrize("name", MAPS)
def test_sizes_are_never_those_that_are_stored_where_the_heatmap_is_gone(filled: Store, name: str) -> None:
    damage(filled, MAPS[name])
    asked = Selection("four", mass=0.5)
    assert [row[0] for row in read(filled, asked, ["seed", "eff_rf"]).rows] == [0, 2, 3]
    assert told(filled) == [("map", "2", "heatmap")]
    assert [digest for digest, _ in each_arrays(filled, DIGESTS)] == [DIGESTS[i] for i in (0, 2, 3)]
    assert [(each.damage.row, each.cure) for each in check(filled)] == [("2", "measure")]


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def forge(store: Store, heatmap: bytes) -> None:
    """Puts a heatmap into row 2 whose checksum holds."""
    (curves,) = store.reading(lambda c: c.execute(text("SELECT curves FROM map WHERE config_id = 2")).one())
    changed = text("UPDATE map SET heatmap = :heatmap, checksum = :sum WHERE config_id = 2")
    with store.write() as connection:
        connection.execute(changed, {"heatmap": heatmap, "sum": checksum(heatmap, bytes(curves))})


FORGED = {
    "a negative pixel": zlib.compress(npy(np.full((9, 9), -1.0))),
    "no number": zlib.compress(npy(np.full((9, 9), np.nan))),
    "an infinity": zlib.compress(npy(np.full((9, 9), np.inf))),
    "another plane": zlib.compress(npy(np.ones((9, 10)))),
    "a bomb": zlib.compress(npy(np.broadcast_to(0.0, (9000, 9000)))[:128] + bytes(2**26)),
    "a bomb behind its plane": zlib.compress(npy(np.ones((9, 9))) + bytes(2**26)),
    "no zlib": b"heat",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_heatmap_is_told_and_never_unpacked_further_than_its_plane(filled: Store, name: str) -> None:
    forge(filled, FORGED[name])
    asked = Selection("four", mass=0.5)
    read(filled, asked, ["eff_rf"])  # what is imported is none of its memory
    tracemalloc.start()
    assert [row[0] for row in read(filled, asked, ["seed", "eff_rf"]).rows] == [0, 2, 3]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22
    assert told(filled) == [("map", "2", "heatmap")]


def test_a_heatmap_of_another_config_is_found_by_its_sizes(filled: Store) -> None:
    other = "(SELECT {} FROM map WHERE config_id = 3)"
    parts = ", ".join(f"{name} = {other.format(name)}" for name in ("heatmap", "curves", "checksum"))
    damage(filled, f"UPDATE map SET {parts} WHERE config_id = 2")
    found = [*check(filled)]
    assert {finding.cure for finding in found} <= {"sizes", "measure"}
    assert {finding.damage.row for finding in found} == {"2"}


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("UPDATE result SET cautions = 'dead,of_one_channel' WHERE config_id = 2", ["cautions"]),
        ("UPDATE result SET cautions = 'colourful' WHERE config_id = 2", ["cautions"]),
        ("UPDATE result SET saturated = NOT saturated WHERE config_id = 2", ["saturated", "cautions"]),
    ],
)
def test_cautions_are_held_against_the_result_and_computed_anew(
    filled: Store, statement: str, columns: list[str]
) -> None:
    before = health(filled, None, status(filled).states)
    damage(filled, statement)
    found = [*check(filled)]
    assert [(each.damage.row, each.damage.column) for each in found] == [("2", column) for column in columns]
    assert "none" not in mend(filled, found)
    assert [*check(filled)] == []
    assert health(filled, None, status(filled).states) == before


SCALARS = ["eff_rf", "luo", "sigma_x", "gauss_r2", "area_50", "pred_luo", "theo_rf", "center_x", "replknet_99"]


OF_EVERY_KIND = [
    CONFIGS[0],
    Config("3x5 dw3x3 gap", Plane(9, 11)),
    Config("3x3=relu 3x3/2=relu max2x2", Plane(12, 9), init=Init(seed=3)),
    Config("res(3x3 3x3)", Plane(7, 7), probes=Probes(count=3)),
]


@pytest.fixture(scope="module")
def of_every_kind() -> Iterator[Store]:
    """Measured configs of several shapes; a test that damages one mends it."""
    store = open_store("sqlite://")
    submit(store, "all", {}, unlabelled(OF_EVERY_KIND), ORIGIN, cost=lambda config: 0.5)
    measure_queued(store)
    assert [*check(store)] == []
    yield store
    store.close()


_CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "FLOAT": st.none() | st.floats(-1e9, 1e9) | st.integers(-(2**40), 2**40) | st.text(max_size=3),
    "BIGINT": st.none() | st.integers(-(2**40), 2**40) | st.floats(-10, 10) | st.text(max_size=3),
    "BOOLEAN": st.none() | st.booleans() | st.integers(2, 9),
    "TEXT": st.none() | st.dictionaries(st.sampled_from(["luo", "hdr"]), st.text(max_size=3)).map(json.dumps),
}
"""What else a column may be made to hold, by its type."""
COLUMNS = ("dead", *Theory.__struct_fields__, *Sizes.__struct_fields__)


@pytest.mark.parametrize("column", COLUMNS)
@given(data=st.data())
@settings(max_examples=8)
def test_a_change_to_any_column_of_sizes_and_theory_is_found(of_every_kind: Store, column: str, data: Any) -> None:
    key = data.draw(st.integers(1, len(OF_EVERY_KIND)))
    before = _value(of_every_kind, column, key)
    changes = _CHANGES[str(result.c[column].type)]
    if isinstance(before, float):
        changes |= st.floats(1e-4, 0.5).flatmap(lambda part: st.sampled_from([before * (1 + part), before - part]))
    try:
        _set(of_every_kind, column, key, data.draw(changes))
    except StoreError:  # NULL in a column that may not have it
        reject()
    try:
        after = _value(of_every_kind, column, key)
        found = {(each.damage.table, each.damage.row, each.damage.column) for each in check(of_every_kind)}
    finally:
        _set(of_every_kind, column, key, before)
    if isinstance(before, float) and isinstance(after, float):
        assume(abs(after - before) > 1e-5 * max(abs(before), abs(after), 1))  # well above what may differ
    assume(after != before)
    assert ("result", str(key), column) in found


def _value(store: Store, column: str, key: int) -> Any:
    """What a column of the table `result` holds, as SQLite brings it."""
    found = f"SELECT {column} FROM result WHERE config_id = {key}"
    return store.reading(lambda connection: connection.exec_driver_sql(found).scalar())


def _set(store: Store, column: str, key: int, value: Any) -> None:
    with store.write() as connection:
        connection.exec_driver_sql(f"UPDATE result SET {column} = ? WHERE config_id = ?", (value, key))


@pytest.mark.parametrize("column", SCALARS)
def test_a_changed_scalar_is_found_and_mended(filled: Store, column: str) -> None:
    before = rows(filled, "four").rows
    damage(filled, f"UPDATE result SET {column} = coalesce({column}, 0) + 1 WHERE config_id = 2")
    (finding,) = check(filled)
    assert (finding.damage.table, finding.damage.row, finding.damage.column) == ("result", "2", column)
    assert sum(mend(filled, [finding]).values()) == 1
    assert [*check(filled)] == []
    assert rows(filled, "four").rows == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE config SET stem = '3x3' WHERE id = 2",
        "UPDATE config SET seed = 17, depth = NULL, kernel = 5 WHERE id = 2",
        "UPDATE result SET dead = NOT dead WHERE config_id = 2",
        "UPDATE result SET n_zero = 99 WHERE config_id = 2",
        "UPDATE result SET n_nan = -1 WHERE config_id = 2",
        "UPDATE result SET saturated = NOT saturated, is_global = NOT is_global WHERE config_id = 2",
        "UPDATE result SET n_nan = (SELECT probes_count FROM config WHERE id = 2) WHERE config_id = 2",
        "DELETE FROM result WHERE config_id = 2",
        "DELETE FROM map WHERE config_id = 2",
        "UPDATE config SET state = 'queued' WHERE id = 2",
        "UPDATE result SET reasons = '{' WHERE config_id = 2",
        *MAPS.values(),
    ],
)
def test_what_follows_from_the_config_is_mended(filled: Store, statement: str) -> None:
    columns = ["id", "stem", "seed", "depth", "kernel", "dead", "n_zero", "n_nan", "state", "reasons", "eff_rf"]
    before = [*rows(filled, "four", columns=columns).rows]
    damage(filled, statement)
    found = [*check(filled)]
    assert found
    assert {finding.damage.row for finding in found} == {"2"}
    assert "none" not in mend(filled, found)
    measure_queued(filled)
    assert [*check(filled)] == []
    assert [*rows(filled, "four", columns=columns).rows] == before
    assert status(filled).states["done"].configs == 4


def test_a_sound_store_has_no_findings(filled: Store) -> None:
    assert [*check(filled)] == []
    submit(filled, "more", {}, unlabelled([Config("3x3", Plane(9, 9))]), ORIGIN)
    assert [*check(filled)] == []


def test_what_cannot_be_mended_is_said_so_and_the_rest_is(filled: Store) -> None:
    damage(
        filled,
        "UPDATE config SET json = '{' WHERE id = 2",
        "UPDATE result SET eff_rf = eff_rf + 1 WHERE config_id = 3",
    )
    cures = mend(filled, check(filled))
    assert cures == {"none": 1, "sizes": 1}
    assert [(finding.damage.row, finding.damage.column) for finding in check(filled)] == [("2", "json")]


def test_rows_that_point_to_nothing_are_dropped(file_url: str) -> None:
    store = open_store(file_url)
    submit(store, "four", {}, unlabelled(CONFIGS), ORIGIN)
    measure_queued(store)
    path = store.address.path
    store.close()
    raw = sqlite3.connect(str(path))
    raw.execute("PRAGMA foreign_keys = OFF")
    raw.execute("DELETE FROM config WHERE id = 2")
    raw.commit()
    raw.close()
    found = [*check(store)]
    assert {(each.damage.table, each.cure) for each in found} == {
        ("sweep_config", "drop"),
        ("attempt", "drop"),
        ("result", "drop"),
    }
    mend(store, found)
    mend(store, check(store))
    assert [*check(store)] == []
    assert [row[0] for row in rows(store, "four", columns=["seed"]).rows] == [0, 2, 3]
    store.close()


def test_an_owner_and_a_lease_that_are_none_keep_nothing_from_work(filled: Store) -> None:
    submit(filled, "fifth", {}, unlabelled([Config("3x3", Plane(9, 9))]), ORIGIN)
    damage(filled, "UPDATE config SET state = 'running', owner = 'nobody', lease_until = 9e99 WHERE id = 5")
    assert status(filled).states["running"].configs == 1
    assert [finding.damage.column for finding in check(filled)] == ["owner"]
    mend(filled, check(filled))
    measure_queued(filled)
    assert [*check(filled)] == []
    assert status(filled).states["done"].configs == 5


def test_a_view_that_was_changed_is_made_anew(file_store: Store) -> None:
    damage(file_store, "DROP VIEW results", "CREATE VIEW results AS SELECT 1 AS one")
    (finding,) = check(file_store)
    assert mend(file_store, [finding]) == {"view": 1}
    assert [*check(file_store)] == []


def test_a_sweep_with_a_time_that_is_none_is_told_and_the_others_are_listed(filled: Store) -> None:
    only_sqlite(filled)
    submit(filled, "more", {}, unlabelled(CONFIGS[:1]), ORIGIN)
    damage(filled, "UPDATE sweep SET created_at = 'yesterday' WHERE name = 'more'")
    assert [each.name for each in sweeps(filled)] == ["four"]
    assert told(filled) == [("sweep", "2", "created_at")]


def test_a_copy_of_damage_is_refused(filled: Store) -> None:
    damage(filled, "UPDATE result SET reasons = '{' WHERE config_id = 2")
    target = open_store("sqlite://")
    with pytest.raises(StoreError, match=r"row 2 of table result, column reasons: .*db check --mend"):
        copy(filled, target)
    assert status(target).configs == 0
    target.close()


STRANGERS = {
    "trigger": "CREATE TRIGGER evil AFTER UPDATE ON config BEGIN DELETE FROM result; END",
    "trigger on the view": "CREATE TRIGGER evil INSTEAD OF UPDATE ON results BEGIN DELETE FROM result; END",
    "view": "CREATE VIEW evil AS SELECT * FROM config",
}


@pytest.mark.parametrize("kind", STRANGERS)
def test_sql_of_others_is_refused_before_anything_is_asked(file_url: str, kind: str) -> None:
    store = open_store(file_url)
    damage(store, STRANGERS[kind])
    store.close()
    for create in (True, False):
        with pytest.raises(
            StoreError, match=rf"has a {kind.split()[0]} 'evil'.*: DROP {kind.split()[0].upper()} \"evil\""
        ):
            open_store(file_url, create=create)


@pytest.mark.parametrize("table", ["config", "erfsweep_version", "map"])
def test_a_table_that_is_a_view_is_refused(file_url: str, table: str) -> None:
    store = open_store(file_url)
    damage(store, f'ALTER TABLE "{table}" RENAME TO kept', f'CREATE VIEW "{table}" AS SELECT * FROM kept')
    store.close()
    with pytest.raises(StoreError, match=f"'{table}' is not a table in this store"):
        open_store(file_url)


def test_sql_of_others_on_a_server_is_refused(postgres_url: str) -> None:
    cases = {
        "trigger": "CREATE TRIGGER evil AFTER UPDATE ON config EXECUTE FUNCTION evil()",
        "rule": "CREATE RULE evil AS ON UPDATE TO config DO ALSO DELETE FROM result",
    }
    store = open_store(postgres_url)
    damage(store, "CREATE FUNCTION evil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    for kind, statement in cases.items():
        damage(store, statement)
        with pytest.raises(StoreError, match=f"has a {kind} 'evil' on config") as caught:
            open_store(postgres_url)
        damage(store, str(caught.value).rpartition(": ")[2])
        open_store(postgres_url).close()
    damage(store, "ALTER TABLE map RENAME TO kept", "CREATE VIEW map AS SELECT * FROM kept")
    with pytest.raises(StoreError, match="'map' is not a table in this store"):
        open_store(postgres_url)
    store.close()


def test_an_older_store_with_a_trigger_is_refused_before_it_is_upgraded(file_url: str) -> None:
    store = open_store(file_url)
    damage(store, STRANGERS["trigger"], "UPDATE erfsweep_version SET version_num = '0001'")
    store.close()
    with pytest.raises(StoreError, match="has a trigger 'evil'"):
        open_store(file_url)


def test_encoding_of_a_config_is_what_is_stored(filled: Store) -> None:
    specs = [row[0] for row in rows(filled, "four", columns=["spec"]).rows]
    assert specs == [encode(config).decode() for config in CONFIGS]
