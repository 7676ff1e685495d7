"""Rows of the wide table: places, costs, and what sorting and cutting by the database come to."""

import sqlite3
from typing import Any

import pytest
from sqlalchemy import func, select

from pipeline.config import Config, Init
from pipeline.stem import Plane
from pipeline.sweep.names import Labelled
from store.asking.fields import fields
from store.asking.query import rows
from store.database.connection import Store
from store.database.schema import map_
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from tests.store.fakes import ORIGIN, done

CONFIGS = [Config(f"{depth}x3x3", Plane(21, 21), init=Init(seed=depth)) for depth in (2, 3, 4, 5)]


@pytest.fixture
def two(store: Store) -> Store:
    """Two sweeps: `one` has the first three configs, `two` the second and the fourth, of which it names the second."""
    submit(store, "one", {}, [Labelled(each) for each in CONFIGS[:3]], ORIGIN)
    submit(store, "two", {}, [Labelled(CONFIGS[1], "a name"), Labelled(CONFIGS[3])], ORIGIN)
    me = this_owner()
    save(store, me, [done(each.digest) for each in claim(store, me, "one", limit=2)])
    return store


def asked(store: Store, *columns: str, **how: Any) -> list[tuple[Any, ...]]:
    return list(rows(store, columns=columns, **how).rows)


def test_a_config_has_a_row_for_each_place_where_places_are_asked_for(two: Store) -> None:
    assert asked(two, "sweep", "position", "depth", "config", "label") == [
        ("one", 0, 2, "2x3x3", None),
        ("one", 1, 3, "3x3x3", None),
        ("one", 2, 4, "4x3x3", None),
        ("two", 0, 3, "a name", "a name"),
        ("two", 1, 5, "5x3x3", None),
    ]
    assert asked(two, "depth", "config") == [(2, "2x3x3"), (3, "a name"), (4, "4x3x3"), (5, "5x3x3")]


@pytest.mark.parametrize("limit", [None, 9])
def test_places_are_filtered_and_sorted_by(two: Store, limit: int | None) -> None:
    assert asked(two, "depth", where="sweep == 'two'", limit=limit) == [(3,), (5,)]
    assert asked(two, "depth", sort=["-sweep", "-position"], limit=limit) == [(5,), (3,), (4,), (3,), (2,)]
    assert asked(two, "depth", where="label is not None", limit=limit) == [(3,)]
    assert asked(two, "depth", where="like(config, 'a*')", limit=limit) == [(3,)]
    assert asked(two, "sweep", "config", sweep="one", where="depth == 3", limit=limit) == [("one", "3x3x3")]
    assert asked(two, "sweep", "label", sweep="two", sort=["-label", "depth"], limit=limit)[0] == ("two", "a name")


def test_a_config_of_no_sweep_has_a_row_without_a_place(two: Store) -> None:
    submit(two, "two", {"other": 1}, [Labelled(CONFIGS[0])], ORIGIN, mode="replace")
    submit(two, "one", {"other": 1}, [Labelled(CONFIGS[0])], ORIGIN, mode="replace")
    orphan = (None, None, 3)  # what was measured stays
    assert asked(two, "sweep", "position", "depth") == [("one", 0, 2), ("two", 0, 2), orphan]
    assert asked(two, "sweep", "position", "depth", limit=3) == [("one", 0, 2), ("two", 0, 2), orphan]
    assert asked(two, "depth", where="sweep is None", limit=3) == [(3,)]


def test_costs_are_known_before_anything_is_measured(two: Store) -> None:
    """4 features: 36 weights in the first layer, 144 in each of the others; each is used for 441 pixels."""
    weights = [180, 324, 468, 612]
    assert asked(two, "params", "macs", "layer") == [
        (n, 441 * n, depth - 1) for n, depth in zip(weights, (2, 3, 4, 5), strict=True)
    ]
    assert asked(two, "depth", where="params > 200 and macs < 441 * 612", sort=["-macs"], limit=1) == [(4,)]


def test_bytes_are_the_lengths_of_the_arrays(two: Store) -> None:
    with two.read() as connection:
        total = select(func.sum(func.length(map_.c.heatmap) + func.length(map_.c.curves)))
        expected = connection.execute(total).scalar_one()
    assert expected == 2 * (len(b"heat") + len(b"curves"))
    assert asked(two, "bytes") == [(10,), (10,), (None,), (None,)]
    assert asked(two, "depth", where="bytes > 9", sort=["-bytes", "-depth"], limit=1) == [(3,)]


def test_a_column_is_named_by_its_path_too(two: Store) -> None:
    found = rows(two, columns=["init.seed", "probes.count"], where="init.seed > 3", sort=["-init.seed"])
    assert found.columns == ("seed", "probes_count")
    assert list(found.rows) == [(5, 16), (4, 16)]
    assert asked(two, "depth", where="like(probes.kind, 'uni*') and readout.channel == '0'", limit=1) == [(2,)]


_KEYS = ["depth", "luo", "state", "config", "bytes", "sweep", "error", "macs", "dead"]


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_the_first_rows_are_those_of_the_whole_table(two: Store, key: str, limit: int) -> None:
    for sort in ([key], [f"-{key}"], [key, "-depth"]):
        for sweep in (None, "two"):
            whole = asked(two, "id", "config", key, sweep=sweep, sort=sort)
            assert asked(two, "id", "config", key, sweep=sweep, sort=sort, limit=limit) == whole[:limit]


def test_no_array_is_read_for_a_table(two: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only SQL that names an array takes its length."""
    read = []

    def seen(statement: str) -> None:
        read.append(statement.replace("length(map.heatmap)", "").replace("length(map.curves)", ""))

    with two.read() as connection:
        driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        pytest.skip("a server does not tell its statements")
    driver.set_trace_callback(seen)
    try:
        asked(two, *(each.name for each in fields()), where="bytes > 1", sort=["-bytes"], limit=2)
    finally:
        driver.set_trace_callback(None)
    assert any("bytes" in statement for statement in read)
    assert not any("heatmap" in statement or "curves" in statement for statement in read)
