"""Curves for a picture: those of groups, of planes of several sizes, and what has none."""

import numpy as np
import pytest

import erfsweep
from store.asking.mass_curves import mass_curves
from store.asking.selection import Selection

LINEAR = {"init": {"kind": "uniform_kernel"}, "probes": {"count": 1}}


@pytest.fixture
def door(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with erfsweep.open_store("sqlite:///c.db", create=True) as opened:
        yield opened


def test_a_result_without_a_curve_is_counted(door):
    door.submit({"name": "s", "stems": ["2x3x3:1=linear"], "input": 9, **LINEAR})
    door.work("s", engine="sync")
    door.submit({"name": "s", "stems": ["3x3:1=linear"], "input": 9, **LINEAR}, mode="append")
    found = mass_curves(door._store, Selection("s"))
    assert (len(found.curves), found.results, found.without) == (1, 2, 1)
    (curve,) = found.curves
    # The box convolved with itself: (1, 2, 3, 2, 1) / 9 along both axes.
    assert curve.mass[0, :3] == pytest.approx([1 / 9, 49 / 81, 1])
    assert curve.mass[1, :3] == pytest.approx([1 / 3, 7 / 9, 1])
    assert curve.expected == pytest.approx(curve.mass)
    assert (curve.n, curve.sd, curve.name) == (1, None, "2x3x3:1=linear")


def test_draws_have_their_mean_and_deviation(door):
    door.submit("3x3x3", axes={"seed": range(3), "readout.channel": "sum", "input": 11}, name="s")
    door.work("s", engine="sync")
    (found,) = mass_curves(door._store, Selection("s"), "seed").curves
    own = np.stack([door.curves(f"s:{i}") for i in range(3)])
    assert found.mass == pytest.approx(own.mean(axis=0))
    assert found.sd == pytest.approx(own.std(axis=0, ddof=1))
    assert (found.n, len(found.ids)) == (3, 3)


def test_a_shorter_curve_goes_on_at_all_of_the_mass(door):
    grid = {"kernel": [3], "depth": [1, 15], "activation": ["linear"], "features": [1]}
    door.submit({"name": "s", "grid": grid, **LINEAR})  # on planes of 21 and of 31 pixels
    door.work("s", engine="sync")
    (found,) = mass_curves(door._store, Selection("s"), "depth").curves
    first, second = door.curves("s:0"), door.curves("s:1")
    assert first.shape < second.shape == found.mass.shape
    there = first.shape[1]
    assert found.mass[:, :there] == pytest.approx((first + second[:, :there]) / 2)
    assert found.mass[:, there:] == pytest.approx((1 + second[:, there:]) / 2)


def test_names_tell_results_apart(door):
    door.submit("3x3", axes={"seed": [0, 1], "readout.channel": "sum"}, name="s")
    door.work("s", engine="sync")
    names = [each.name for each in mass_curves(door._store, Selection("s")).curves]
    assert names == ["3x3 seed=0", "3x3 seed=1"]
