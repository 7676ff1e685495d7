"""Comparisons of results that are made up: what is larger, by how much, and how sure that is."""

import numpy as np
import pytest
from scipy import stats
from sqlalchemy import update

from pipeline.config import Config, Init
from pipeline.errors import InputError
from pipeline.sizes.replicates import CONFIDENCE, RESAMPLES, SEED
from pipeline.stem import Plane
from pipeline.sweep.names import Labelled
from store.asking.comparison import compare
from store.asking.sides import side
from store.database.connection import Store
from store.database.schema import result
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from tests.store.fakes import ORIGIN, done


def config(kernel: int, seed: int, depth: int = 2) -> Config:
    return Config(f"{depth}x{kernel}x{kernel}", Plane(21, 21), init=Init(seed=seed))


def measured(store: Store, name: str, sizes: dict[Config, float | None], label: str | None = None) -> None:
    """A sweep of configs that have this eff_rf."""
    submit(store, name, {"name": name}, [Labelled(each, label) for each in sizes], ORIGIN)
    of = {each.digest: size for each, size in sizes.items()}
    me = this_owner()
    while found := claim(store, me, name, limit=50):
        save(store, me, [done(each.digest, eff_rf=of[each.digest]) for each in found])


A = [5.0, 7.0, 9.0, 11.0, 5.0, 13.0]
B = [7.0, 9.0, 9.0, 17.0, 11.0, 13.0]


@pytest.fixture
def both(store: Store) -> Store:
    """`a` and `b` with kernels 3 and 5: seeds 0 to 5 on both sides, 6 in `a` alone, and one of `b` without a size."""
    measured(store, "a", {config(3, seed): size for seed, size in enumerate([*A, 99.0, 3.0])})
    measured(store, "b", {config(5, seed): size for seed, size in enumerate(B)} | {config(5, 7): None})
    return store


def test_the_difference_of_pairs_is_the_paired_bootstrap_of_scipy(both: Store) -> None:
    found = compare(both, "a", "b", ["eff_rf"])
    (size,) = found.sizes

    def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(b - a, axis=axis)

    options = {"n_resamples": RESAMPLES, "confidence_level": CONFIDENCE, "method": "percentile", "paired": True}
    expected = stats.bootstrap((A, B), difference, rng=np.random.default_rng(SEED), **options).confidence_interval
    assert (size.low, size.high) == pytest.approx(tuple(expected), rel=1e-12)
    assert (size.a, size.b, size.difference) == pytest.approx((50 / 6, 66 / 6, 16 / 6), rel=1e-15)
    assert (size.pairs, size.n_a, size.n_b, size.larger, size.reason, size.unit) == (6, 6, 6, "b", None, "px")
    assert (found.pairs, found.paired_by, [each.axis for each in found.differs]) == (7, ("init.seed",), ["kernel"])
    assert (found.a.results, found.b.results, found.b.only) == (8, 7, ())
    ((only, label),) = found.a.only
    assert (only, label) == ("g" + config(3, 6).digest[:12], "2x3x3")


def test_the_sides_change_places(both: Store) -> None:
    (there,), (back,) = (compare(both, *names, ["eff_rf"]).sizes for names in (("a", "b"), ("b", "a")))
    assert (back.a, back.b, back.larger) == (there.b, there.a, "a")
    assert back.difference == -there.difference
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), rel=0.1)


@pytest.mark.parametrize(
    ("a", "b", "larger", "interval"),
    [
        ([5.0, 7.0], [5.0, 7.0], "equal", (0, 0)),
        ([5.0, 7.0, 9.0], [7.0, 9.0, 11.0], "b", (2, 2)),
        ([7.1, 9.1], [5.1, 7.1], "a", None),
        ([5.0, 9.0], [9.0, 5.0], "unclear", (-4, 4)),  # a quarter of all resamples has twice the one, or the other
        ([5.0], [7.0], "b", None),
        ([7.0], [7.0], "equal", None),
    ],
)
def test_closed_cases(
    store: Store, a: list[float], b: list[float], larger: str, interval: tuple[float, float] | None
) -> None:
    for name, kernel, sizes in (("a", 3, a), ("b", 5, b)):
        measured(store, name, {config(kernel, seed): size for seed, size in enumerate(sizes)})
    (size,) = compare(store, "a", "b", ["eff_rf"]).sizes
    assert size.larger == larger
    if interval:
        assert (size.low, size.high) == interval
    assert size.reason == ("one pair" if len(a) == 1 else None)
    assert (size.low is None) == (size.high is None) == (len(a) == 1)


def test_draws_of_other_seeds_are_two_samples(store: Store) -> None:
    measured(store, "a", {config(3, seed): size for seed, size in enumerate(A)})
    measured(store, "b", {config(5, 10 + seed): size for seed, size in enumerate(B[:4])})

    def difference(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.mean(b, axis=axis) - np.mean(a, axis=axis)

    options = {"n_resamples": RESAMPLES, "confidence_level": CONFIDENCE, "method": "percentile"}
    expected = stats.bootstrap((A, B[:4]), difference, rng=np.random.default_rng(SEED), **options).confidence_interval
    found = compare(store, "a", "b", ["eff_rf"])
    (size,) = found.sizes
    assert (size.low, size.high) == pytest.approx(tuple(expected), rel=1e-12)
    assert (size.pairs, size.n_a, size.n_b, found.paired_by) == (1, 6, 4, ())
    assert size.difference == pytest.approx(42 / 4 - 50 / 6, rel=1e-15)


def test_replicates_of_a_pair_count_as_their_mean(store: Store) -> None:
    """Two depths; the seeds of the sides differ, so that a pair is the means of two draws and of one."""
    measured(store, "a", {config(3, s, depth): 10.0 * depth + s for depth in (1 + 1, 3) for s in (0, 1)})
    measured(store, "b", {config(5, 9, depth): 40.0 for depth in (2, 3)})
    (size,) = compare(store, "a", "b", ["eff_rf"]).sizes
    assert (size.a, size.b, size.difference) == (25.5, 40, 14.5)  # of (20.5, 30.5) and (40, 40)
    assert (size.low, size.high) == (9.5, 19.5)
    assert (size.pairs, size.n_a, size.n_b) == (2, 4, 2)


def test_a_size_that_no_pair_has_is_null_with_its_reason(both: Store) -> None:
    (size,) = compare(both, "a:7", "b:6", ["eff_rf"]).sizes
    assert (size.a, size.b, size.difference, size.low, size.larger, size.pairs) == (None,) * 5 + (0,)
    assert size.reason == "no pair has it"


def test_of_dead_results_the_comparison_says_that_they_are_dead(store: Store) -> None:
    for name, kernel, size in (("a", 3, None), ("b", 5, 5.0), ("c", 7, None)):
        measured(store, name, {config(kernel, 0): size})
    with store.write() as connection:
        connection.execute(update(result).where(result.c.eff_rf.is_(None)).values(reasons='{"eff_rf":"dead"}'))
    reasons = [compare(store, "a", other, ["eff_rf"]).sizes[0].reason for other in "bc"]
    assert reasons == ["no pair has it (dead in A)", "no pair has it (dead in A and B)"]


def test_what_is_kept_by_where_is_compared(both: Store) -> None:
    found = compare(both, "a", "b", ["eff_rf", "ratio"], where="seed < 2")
    assert [(each.size, each.pairs, each.difference) for each in found.sizes] == [
        ("eff_rf", 2, 2),
        ("ratio", 2, pytest.approx(2 / 9)),
    ]
    with pytest.raises(InputError, match=r"no result of 'a' meets --where 'seed > 50'"):
        compare(both, "a", "b", where="seed > 50")


def test_configs_are_named_by_id_place_label_stem_and_sweep(store: Store) -> None:
    configs = [config(3, 0), config(3, 1), config(5, 0)]
    measured(store, "mine", dict.fromkeys(configs, 3.0), "a name")
    of = [each.digest for each in configs]
    assert side(store, " mine ").sweep == "mine"
    assert side(store, "a name").digests == tuple(of)
    assert side(store, "2x3x3:4").digests == (*of[:2],)  # 4 features are the default
    assert side(store, "mine:2").digests == (of[2],)
    assert side(store, of[1][:9]).digests == side(store, "g" + of[1][:12]).digests == (of[1],)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mien", "called 'mien'; did you mean mine?"),
        ("mine:9", "no position 9"),
        ("7x7", "called '7x7'"),
        ("ffffffffff", "no config 'ffffffffff'"),
    ],
)
def test_what_names_nothing_is_refused(store: Store, text: str, message: str) -> None:
    measured(store, "mine", {config(3, 0): 3.0})
    with pytest.raises(InputError, match=message):
        side(store, text)


def test_what_cannot_be_compared_is_refused(both: Store) -> None:
    submit(both, "queued", {}, [Labelled(config(9, 0))], ORIGIN)
    with pytest.raises(InputError, match="no result of 'queued' yet"):
        compare(both, "a", "queued")
    for size in ("config", "dead", "seed", "reasons"):
        with pytest.raises(InputError, match=f"'{size}' is no size"):
            compare(both, "a", "b", [size])
    measured(both, "deeper", {config(3, 0, 2): 3.0, config(3, 1, 3): 5.0})
    measured(both, "deep", {config(5, 1, 2): 3.0, config(5, 0, 3): 5.0})
    with pytest.raises(InputError, match=r"no result of 'deeper' has a partner .* the same depth and init.seed"):
        compare(both, "deeper", "deep")


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_what_differs_by_rounding_alone_is_equal(store: Store, scale: float) -> None:
    """Sums of tenths are rounded: 0.1 + 0.2 - 0.3 is 5.6e-17, which no interval may take for a difference above 0."""
    ones = [0.1, 0.2, 0.3]
    measured(store, "a", {config(3, seed): 0.1 * scale * 3 for seed in range(2)})
    measured(store, "b", {config(5, seed): sum(ones[:2]) * scale for seed in range(2)})
    (size,) = compare(store, "a", "b", ["eff_rf"]).sizes
    assert (size.difference, size.low, size.high, size.larger) == (0, 0, 0, "equal")
