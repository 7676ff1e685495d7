"""What a page asks of a store: pages of rows, their number, families, origins; and a store that only reads."""

from collections.abc import Iterator

import pytest

import erfsweep
from pipeline.errors import StoreError
from store.asking.families import FAMILIES_FROM, families
from store.asking.origins import origins
from store.asking.query import count, rows
from store.asking.records import digests_of
from store.database.connection import Store
from store.database.opening import open_store
from tests.postgres import schema


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with the sweep `growth`: kernels 3 and 5, depths 1 and 2, three seeds, and these of a branched stem."""
    context = schema() if request.param == "postgresql" else None
    url = f"sqlite:///{tmp_path_factory.mktemp('pages')}/own.db" if context is None else context.__enter__()
    with erfsweep.open_store(url, create=True) as made:
        grid = {"kernel": [3, 5], "depth": [1, 2], "seed": [0, 1, 2]}
        made.submit({"name": "growth", "grid": grid, "stems": ["res(2x3x3)"], "input": 21})
    opened = open_store(url, create=False)
    yield opened
    opened.close()
    if context is not None:
        context.__exit__(None, None, None)


def test_pages_are_the_parts_of_the_whole(filled: Store) -> None:
    for how in ({}, {"sort": ("-kernel", "seed")}, {"where": "kernel == 3"}):
        whole = [*rows(filled, "growth", columns=("id", "kernel"), **how).rows]
        pages = [rows(filled, "growth", columns=("id", "kernel"), limit=4, offset=at, **how) for at in range(0, 16, 4)]
        assert [row for page in pages for row in page.rows] == whole
        assert count(filled, "growth", where=how.get("where")) == len(whole)


@pytest.mark.parametrize(
    ("where", "sweep", "expected"),
    [
        ("kernel == 3", None, 6),
        ("kernel == 3 or depth == 2", "growth", 9),
        ("sweep == 'growth'", None, 15),
        (None, None, 15),
    ],
)
def test_rows_that_meet_a_condition_are_counted(
    filled: Store, where: str | None, sweep: str | None, expected: int
) -> None:
    assert count(filled, sweep, where=where) == expected


def test_families_are_alike_in_all_but_depth_and_draws(filled: Store) -> None:
    found = families(rows(filled, "growth", columns=FAMILIES_FROM))
    assert found.names == ("3x3", "5x5")
    kernels = [kernel for (kernel,) in rows(filled, "growth", columns=("kernel",)).rows]
    assert [None if of is None else found.names[of] for of in found.of] == [
        None if kernel is None else f"{kernel}x{kernel}" for kernel in kernels
    ]


def test_a_sweep_comes_with_its_origin(filled: Store) -> None:
    (found,) = origins(filled)
    assert (found.sweep, found.specs[0]["stems"]) == ("growth", ["res(2x3x3)"])
    assert origins(filled, "growth") == [found]
    assert "numpy" in found.origin.versions


def test_ids_lead_to_digests(filled: Store) -> None:
    listed = [*rows(filled, "growth", columns=("id", "digest"), limit=2).rows]
    assert digests_of(filled, [listed[1][0], "g000000000000", "no id", listed[0][0]]) == [listed[1][1], listed[0][1]]


def test_a_store_that_only_reads_is_held_to_it_by_the_database(filled: Store) -> None:
    reader = open_store(filled.address.url.render_as_string(hide_password=False), create=False)
    reader.forbid_writing()
    assert count(reader) == 15
    with pytest.raises(StoreError), reader.write() as connection:
        connection.exec_driver_sql("UPDATE config SET state = 'failed'")
    reader.close()
    with filled.write() as connection:
        connection.exec_driver_sql("UPDATE config SET state = 'queued'")
