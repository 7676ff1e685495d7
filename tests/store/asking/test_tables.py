"""Tables as somebody asks for them: several shares of the mass, differences, and tables that are turned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erfsweep import Store, open_store
from pipeline.errors import InputError
from store.asking.columns import differing
from store.asking.pivot import pivoted
from store.asking.table import Table

GRID = {"kernel": [3, 5], "depth": [1, 2], "features": 2, "activation": "linear", "seed": [0, 1]}


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Uniform kernels, linear layers: every map is known. One layer is a box, two are a triangle along each axis."""
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('grid')}/grid.db", create=True)
    spec = {"name": "boxes", "grid": GRID, "input": 21, "init": {"kind": "normal"}}
    store.submit(spec)
    store.submit({"name": "uniform", "grid": {**GRID, "seed": 0}, "input": 21, "init": {"kind": "uniform_kernel"}})
    store.work(engine="sync")
    return store


def test_several_shares_of_the_mass_have_a_column_each(grid: Store) -> None:
    """Box of 3: the middle holds 1/3, all of it 1. Triangle 1 2 3 2 1 over 9: 3/9, 7/9, 1."""
    found = grid.table("uniform", columns="kernel,depth,eff_rf,luo", mass=[0.3, 0.7, 0.9], where="kernel == 3")
    assert found.columns == ("kernel", "depth", "eff_rf@0.3", "eff_rf@0.7", "eff_rf@0.9", "luo")
    assert [row[:5] for row in found.rows] == [(3, 1, 1, 3, 3), (3, 2, 1, 3, 5)]


def test_shares_are_what_each_of_them_alone_is(grid: Store) -> None:
    masses = [0.25, 0.5, 0.99]
    together = grid.rows("boxes", columns="id,sizes", mass=masses, center="plane")
    for mass in masses:
        alone = grid.rows("boxes", columns="id,eff_rf,eff_square,ratio_y,radial,hdr,luo", mass=mass, center="plane")
        for one, all_ in zip(alone, together, strict=True):
            assert {name: all_.get(f"{name}@{mass:g}", all_.get(name)) for name in one} == one


def test_shares_are_sorted_by_and_averaged(grid: Store) -> None:
    found = grid.table("uniform", columns="depth", sort="-depth", limit=1, mass=None)
    assert list(found.rows) == [(2,)]
    table = grid.table("uniform", columns="kernel,depth,hdr", sort="-hdr@0.5,kernel", limit=2, mass=(0.5, 0.9))
    assert [row[:2] for row in table.rows] == [(5, 2), (5, 1)]
    (group, *_) = grid.rows("boxes", columns="kernel,depth,eff_rf", over="seed", mass=(0.5, 0.9))
    assert (group["n"], group["eff_rf@0.9"], group["eff_rf@0.9_n"], group["eff_rf@0.9_sd"]) == (2, 3, 2, 0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"mass": [0.5, 0.9], "columns": "id,luo"}, "--mass changes none of these columns"),
        ({"mass": [0.5, 2]}, "--mass 2 is not a share of the mass"),
        ({"mass": [0.5, 0.9], "over": "seed", "map": "mean"}, "--map takes one share of the mass"),
        ({"pivot": "depth,kernel"}, "--pivot depth,kernel and --value eff_rf go together"),
        ({"value": "ratio"}, "--pivot depth,kernel and --value eff_rf go together"),
        ({"pivot": "depth", "value": "ratio"}, "--pivot takes two columns at least"),
        ({"pivot": "depth,kernel", "value": "ratio", "diff": True}, "leave out --columns and --diff"),
        ({"pivot": "depth,kernel", "value": "ratio"}, "several rows have depth 1 and kernel 3; name what else differs"),
        ({"pivot": "seed,kernel", "value": "ratio", "over": "seed"}, "--over seed averages over 'seed', so that no"),
        ({"columns": "depth,init.seed,ratio", "over": "seed"}, "--over seed averages over 'init.seed', so that no"),
        ({"pivot": "depth,kernel", "value": "ratioo"}, "there is no column 'ratioo'; did you mean ratio"),
        ({"pivot": "depth,kernel", "value": "luo_sd", "where": "seed == 0"}, "the table has no column 'luo_sd'"),
    ],
)
def test_what_does_not_go_together_is_told(grid: Store, asked: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        grid.table("boxes", **asked)


def test_a_table_is_turned(grid: Store) -> None:
    """theo_rf = 1 + depth (kernel - 1)."""
    found = grid.table("uniform", pivot="depth,kernel", value="theo_rf")
    assert (found.columns, list(found.rows)) == (("depth", "kernel=3", "kernel=5"), [(1, 3, 5), (2, 5, 9)])
    found = grid.table(
        "boxes", pivot=("init.seed", "depth", "kernel"), value="theo_rf,macs", where="kernel == 3 or depth == 1"
    )
    assert found.columns == (
        *("seed", "depth", "theo_rf kernel=3", "theo_rf kernel=5", "macs kernel=3", "macs kernel=5"),
    )
    of = [18 * 441, 50 * 441, (18 + 36) * 441]
    assert list(found.rows) == [
        *((0, 1, 3, 5, of[0], of[1]), (0, 2, 5, None, of[2], None)),
        *((1, 1, 3, 5, of[0], of[1]), (1, 2, 5, None, of[2], None)),
    ]
    found = grid.table("boxes", over="seed", pivot="depth,kernel", value="eff_rf,eff_rf_sd")
    assert next(iter(found.rows)) == (1, 3, 5, 0, 0)


_VALUES = st.one_of(st.none(), st.integers(-3, 3), st.booleans(), st.floats(-2, 2), st.text("ab", max_size=1))


@given(st.dictionaries(st.tuples(_VALUES, _VALUES), st.integers(), max_size=9))
def test_every_value_stands_where_its_row_and_its_column_meet(cells: dict[tuple[object, object], int]) -> None:
    found = pivoted(Table(("a", "b", "v"), [(*key, value) for key, value in cells.items()]), ["a", "b"], ["v"])
    assert len(found.rows) == len({side for side, _ in cells})
    assert len(found.columns) == 1 + len({top for _, top in cells})
    assert sorted(value for row in found.rows for value in row[1:] if value is not None) == sorted(cells.values())
    for row in found.rows:
        mine = sorted(value for (side, _), value in cells.items() if side == row[0])
        assert sorted(value for value in row[1:] if value is not None) == mine


def test_differences_are_the_columns_that_differ(grid: Store) -> None:
    table = Table(("a", "b", "c", "d"), [(1, None, "x", 0), (1, None, "x", False), (1, 2, "x", 0)])
    assert differing(table).columns == ("b",)
    assert differing(Table(("a",), [(1,)])).columns == ("a",)
    found = grid.table("uniform", diff=True, where="depth == 1")
    assert {"id", "config", "stem", "kernel", "params", "macs", "theo_rf", "eff_rf"} <= set(found.columns)
    assert not {"depth", "features", "height", "seed", "state", "ratio", "reasons", "spec"} & set(found.columns)


def test_groups_of_columns_have_no_mean_where_they_are_text(grid: Store) -> None:
    (row, *_) = grid.rows("boxes", columns="all", over="seed")
    assert {"stem", "kernel", "luo_sd", "erf_seconds_sd"} <= set(row)
    assert not {"blas", "numpy_version", "reasons", "spec", "digest", "id"} & set(row)
    with pytest.raises(InputError, match="column 'blas' is text and has no mean"):
        grid.rows("boxes", columns="blas", over="seed")
