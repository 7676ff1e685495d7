"""Pareto fronts: against their definition, on rows that are made up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import Config, Init
from pipeline.errors import InputError
from pipeline.stem import Plane
from store.asking.pareto import Objective, front, objectives, unbeaten
from store.asking.selection import Selection
from store.database.connection import Store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from tests.store.fakes import ORIGIN, done, failed, unlabelled

WANTED = objectives(["eff_rf"], ["depth"])


def config(depth: int, seed: int = 0) -> Config:
    return Config(f"{depth}x3x3", Plane(21, 21), init=Init(seed=seed))


def measured(store: Store, sizes: dict[Config, float | None]) -> None:
    """A sweep `s` of configs that have this eff_rf; those of NaN failed."""
    submit(store, "s", {"name": "s"}, unlabelled(sizes), ORIGIN)
    of = {each.digest: size for each, size in sizes.items()}
    me = this_owner()
    while found := claim(store, me, "s", limit=50):
        outcomes = [(each.digest, of[each.digest]) for each in found]
        save(store, me, [failed(one) if size != size else done(one, eff_rf=size) for one, size in outcomes])


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=30), st.integers(1, 3))
def test_a_row_is_on_the_front_if_none_is_as_good_in_all_and_better_in_one(
    rows: list[tuple[int, int, int]], count: int
) -> None:
    values = np.array(rows, dtype=np.float64).reshape(len(rows), 3)[:, :count]
    beaten = [any((other <= row).all() and (other < row).any() for other in values) for row in values]
    found = unbeaten(values).tolist()
    assert sorted(found) == [i for i, is_beaten in enumerate(beaten) if not is_beaten]
    assert found == sorted(found, key=lambda i: (*values[i], i))


def test_equal_rows_are_on_the_front_together() -> None:
    assert unbeaten(np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0], [1.0, 3.0]])).tolist() == [1, 0, 2]


def test_the_front_of_a_sweep_leaves_out_what_has_no_size(store: Store) -> None:
    sizes = {config(1): 3.0, config(2): 7.0, config(3): 5.0, config(4): 9.0, config(5): None, config(6): float("nan")}
    measured(store, sizes)
    found = front(store, Selection("s"), WANTED, ["depth"])
    assert [*found.table().dicts()] == [{"depth": d, "eff_rf": e} for d, e in ((4, 9.0), (2, 7.0), (1, 3.0))]
    assert (len(found.candidates.rows), found.rows, found.lacking) == (4, 6, {"eff_rf": 2})
    assert [row[0] for row in found.table(["depth"], 2).rows] == [1, 2]
    kept = front(store, Selection("s", "depth != 2"), WANTED, ["depth"])
    assert [row[0] for row in kept.table().rows] == [4, 3, 1]


def test_groups_are_compared_by_their_means(store: Store) -> None:
    draws = {1: (3.0, 9.0), 2: (5.0, 5.0), 3: (7.0, 9.0)}
    measured(store, {config(depth, seed): size for depth, sizes in draws.items() for seed, size in enumerate(sizes)})
    rows = [*front(store, Selection("s"), WANTED, ["depth"], "seed").table().dicts()]
    assert [(row["depth"], row["eff_rf"], row["eff_rf_n"]) for row in rows] == [(3, 8.0, 2), (1, 6.0, 2)]


def test_one_objective_finds_the_largest_or_the_least(store: Store) -> None:
    measured(store, {config(1): 3.0, config(2): 7.0, config(3): 7.0})
    largest = front(store, Selection("s"), objectives(["eff_rf"], ()), ["depth"])
    assert [row[0] for row in largest.table().rows] == [2, 3]
    assert [row[0] for row in front(store, Selection("s"), objectives((), ["depth"]), []).table().rows] == [1]


def test_nothing_has_an_empty_front(store: Store) -> None:
    measured(store, {config(1): None})
    found = front(store, Selection("s"), WANTED)
    assert (len(found.table().rows), found.best, found.lacking) == (0, (), {"eff_rf": 1})
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize(
    ("most", "least", "named"),
    [
        ([], [], "needs an objective"),
        (["luo"], ["luo"], "'luo' is an objective twice"),
        (["probes.count", "probes_count"], [], "'probes_count' is an objective twice"),
        (["stem"], [], "'stem' holds no numbers"),
        (["dead"], [], "'dead' holds no numbers"),
        (["lou"], [], "did you mean luo"),
    ],
)
def test_objectives_that_cannot_be_used_are_named(most: list[str], least: list[str], named: str) -> None:
    with pytest.raises(InputError, match=named):
        objectives(most, least)


def test_objectives_have_the_names_of_columns() -> None:
    assert objectives(["luo"], ["probes.count"]) == (Objective("luo", "max"), Objective("probes_count", "min"))
