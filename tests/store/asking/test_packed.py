"""Rows kept packed are the rows that were put in, in a fraction of their memory."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.asking import packed
from store.asking.packed import PackedRows
from store.asking.table import Table

values = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary()
)
tables = st.integers(0, 5).flatmap(lambda width: st.lists(st.tuples(*width * [values]), max_size=40))


@pytest.fixture(autouse=True, params=[1, 60, 2**19], ids=["a block a row", "small blocks", "no block"])
def _blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_BLOCK", request.param)


def types(rows):
    return [[type(value) for value in row] for row in rows]


@given(tables)
def test_rows_come_back_as_often_as_one_likes(rows):
    kept = PackedRows(rows)
    assert len(kept) == len(rows)
    for _ in range(2):
        assert [*kept] == rows
        assert types(kept) == types(rows)
    assert kept == rows
    assert kept != [*rows, ()]


@given(tables, st.data())
def test_rows_are_reordered_as_a_list_is(rows, data):
    order = data.draw(st.permutations(range(len(rows))))[: data.draw(st.integers(0, len(rows)))]
    assert [*PackedRows(rows).reordered(order)] == [rows[i] for i in order]


@given(st.lists(st.tuples(values, values, values), max_size=9), st.permutations("abc"), st.integers(0, 3))
def test_a_part_of_a_table_has_the_columns_that_are_asked_for(rows, names, count):
    part = Table(("a", "b", "c"), PackedRows(rows)).only(names[:count])
    places = ["abc".index(name) for name in names[:count]]
    assert [*part.rows] == [tuple(row[i] for i in places) for row in rows]
    assert len(part.rows) == len(rows)
    assert [*part.dicts()] == [dict(zip(names[:count], row, strict=True)) for row in part.rows]


def test_more_rows_than_buckets_are_sorted():
    rows = [(number, str(number)) for number in range(1000)]
    order = random.Random(0).sample(range(1000), 1000)
    assert [*PackedRows(rows).reordered(order)] == [rows[i] for i in order]


@pytest.mark.parametrize("wide", [1, 10_000], ids=["short", "wide"])
def test_memory_is_bounded_by_bytes_whatever_the_width_of_a_row(wide, monkeypatch):
    monkeypatch.setattr(packed, "_BLOCK", 2**19)
    tracemalloc.start()
    kept = PackedRows((number, "x" * 100 * wide) for number in range(20_000 // wide * 10))
    for _ in kept:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(kept) == 20_000 // wide * 10
    assert peak < 8 * 2**20  # of 20 MB of text
