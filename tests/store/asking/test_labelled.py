"""Heatmaps and curves as labelled arrays: those that the store has, on their plane or about their units."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import erfsweep
from tests.cli.command import good

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`same`: two seeds of two stems on 17x21. `planes`: one stem on 15x15 and 21x17, and one config to do."""
    path = tmp_path_factory.mktemp("labelled") / "l.db"
    url = f"sqlite:///{path}"
    good("run", "3x3x3,5x5", "-s", "seed=0,1", "-s", "input=17x21", "--name", "same", "--db", url)
    good("run", "3x3x3", "-s", "input=15,21x17", "-s", "readout.channel=sum", "--name", "planes", "--db", url)
    good("submit", "3x3x3", "-s", "input=15", "-s", "seed=9", "--name", "planes", "--append", "--db", url)
    with erfsweep.open_store(url) as opened:
        yield opened


def test_heatmaps_and_curves_are_those_of_the_store(store: Any) -> None:
    found = store.table("same").to_xarray()
    assert found.heatmap.dims == ("config", "y", "x")
    assert found.curves.dims == ("config", "curve", "radius")
    assert found.heatmap.shape == (4, 17, 21)
    for place in range(4):
        assert (found.heatmap[place].values == store.heatmap(f"same:{place}")).all()
        curves = store.curves(f"same:{place}")
        if curves is None:
            assert np.isnan(found.curves[place].values).all()
            continue
        assert (found.curves[place].values[:, : curves.shape[1]] == curves).all()
        assert (found.curves[place].values[:, curves.shape[1] :] == 1).all()
    assert found.config.values.tolist() == ["3x3x3", "3x3x3", "5x5", "5x5"]
    assert found.seed.values.tolist() == [0, 1, 0, 1]
    sizes = [np.nan if row["eff_rf"] is None else row["eff_rf"] for row in store.rows("same")]
    assert np.array_equal(found.eff_rf.values, sizes, equal_nan=True)
    assert "eff_rf" in found.data_vars
    assert "seed" in found.coords
    assert found.eff_rf.attrs["units"] == "px"


@pytest.mark.parametrize(
    "part",
    [
        {"config": 2},
        {"config": [3, 0, 0], "y": slice(2, 9, 3)},
        {"config": slice(1, None), "x": [20, 0], "y": 8},
        {"y": slice(None, None, -1)},
        {"config": []},
    ],
)
def test_a_part_is_that_part_of_the_whole(store: Any, part: dict[str, Any]) -> None:
    found = store.table("same", columns="config").to_xarray().heatmap
    whole = found.copy(data=found.values)
    assert (found.isel(part).values == whole.isel(part).values).all()
    assert found.isel(part).shape == whole.isel(part).shape


def test_nothing_is_read_before_it_is_used(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from store.asking import lazy

    read: list[str] = []
    actual = lazy.each_arrays

    def each_arrays(of: Any, digests: Any) -> Any:
        read.extend(digests)
        return actual(of, digests)

    monkeypatch.setattr(lazy, "each_arrays", each_arrays)
    found = store.table("same", columns="config").to_xarray()
    chosen = found.sel(config="5x5").isel(x=slice(5, 9))
    assert read == []
    assert chosen.heatmap[0].sum() >= 0
    assert read == [store.record("same:2").digest]


def test_dask_reads_it_in_chunks(store: Any) -> None:
    found = store.table("same", columns="config").to_xarray().heatmap
    assert found.chunk({"config": 1}).sum().compute() == pytest.approx(float(found.sum()), rel=1e-12)


def test_several_planes_are_refused_or_laid_by_their_units(store: Any) -> None:
    answer = store.table("planes", columns="config,height")
    with pytest.raises(erfsweep.InputError, match=r"several planes, such as 15x15 and 21x17; .* align='unit'"):
        answer.to_xarray()
    found = answer.to_xarray(align="unit")
    assert found.y.values.tolist() == list(range(-10, 11))
    assert found.x.values.tolist() == list(range(-8, 9))
    small, large = store.heatmap("planes:0"), store.heatmap("planes:1")
    laid = found.heatmap.values
    assert (laid[1] == large).all()
    assert (laid[0, 3:18, 1:16] == small).all()
    assert np.isnan(laid[0]).sum() == 21 * 17 - 15 * 15
    # The centre of both units is at (0, 0); what is not measured is not known.
    assert found.heatmap.sel(y=0, x=0).values[:2].tolist() == [small[7, 7], large[10, 8]]
    assert np.isnan(laid[2]).all()
    assert np.isnan(found.curves.values[2]).all()
    assert store.table("planes", where="height == 15").to_xarray().heatmap.shape == (2, 15, 15)


def test_what_cannot_be_laid_upon_each_other_is_refused(store: Any, tmp_path: Path) -> None:
    with pytest.raises(erfsweep.InputError, match="without over"):
        store.table("same", over="seed").to_xarray()
    with pytest.raises(erfsweep.InputError, match="align is plane or unit, not 'units'"):
        store.table("same").to_xarray(align="units")
    assert store.table("same", where="seed > 5").to_xarray(align="unit").heatmap.shape == (0, 0, 0)
    url = f"sqlite:///{tmp_path}/even.db"
    good("run", "2x2,3x3", "-s", "input=16", "--name", "even", "--db", url)
    with erfsweep.open_store(url) as even:
        assert even.table("even").to_xarray().heatmap.shape == (2, 16, 16)
        with pytest.raises(erfsweep.InputError, match="on pixels and between pixels"):
            even.table("even").to_xarray(align="unit")


def test_a_damaged_heatmap_is_an_error_when_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    url = f"sqlite:///{path}"
    good("run", "3x3", "-s", "seed=0,1", "-s", "input=9", "--name", "two", "--db", url)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE map SET heatmap = x'00' WHERE config_id = 2")
    with erfsweep.open_store(url) as store:
        found = store.table("two").to_xarray()
        assert found.heatmap[0].values.shape == (9, 9)
        with pytest.raises(erfsweep.StoreError, match="damaged"):
            _ = found.heatmap[1].values
