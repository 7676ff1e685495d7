"""Which configs of two lists are pairs, and by what: small lists whose pairs can be seen."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from pipeline.config import KERNEL_VERSION, Config, Init, Probes, Readout, encode
from pipeline.stem import Plane
from store.asking.pairing import pairing
from store.asking.table import Table


def stack(kernel: int, depth: int, seed: int = 0, side: int = 21, **more: Any) -> Config:
    stem = f"{depth}x{kernel}x{kernel}" if depth > 1 else f"{kernel}x{kernel}"
    return Config(stem, Plane(side, side), init=Init(seed=seed), **more)


def table(
    configs: Sequence[Config], labels: Sequence[str | None] | None = None, version: int | None = KERNEL_VERSION
) -> Table:
    columns = ("stem", "spec", "kernel_version", *(("label",) if labels else ()))
    rows = [(each.stem, encode(each).decode(), version) for each in configs]
    if labels:
        rows = [(*row, label) for row, label in zip(rows, labels, strict=True)]  # type: ignore[misc]
    return Table(columns, rows)


def numbers(found: Any) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return list(found.pairs)


def differing(found: Any) -> dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]:
    return {each.axis: (each.a, each.b) for each in found.differs}


def test_two_configs_are_one_pair_whatever_they_differ_in() -> None:
    found = pairing(table([stack(3, 4, 1)]), table([stack(5, 2, 7, side=33, dtype="float64")]))
    assert numbers(found) == [((0,), (0,))]
    assert found.paired_by == ()
    assert differing(found) == {
        "depth": ((4,), (2,)),
        "kernel": ((3,), (5,)),
        "input.height": ((21,), (33,)),
        "input.width": ((21,), (33,)),
        "init.seed": ((1,), (7,)),
        "dtype": (("float32",), ("float64",)),
    }


def test_sweeps_of_another_kernel_are_paired_by_depth_and_seed() -> None:
    a = [stack(3, depth, seed) for depth in (1, 2) for seed in (0, 1)]
    b = [stack(5, depth, seed) for seed in (1, 2) for depth in (2, 1, 4)]
    found = pairing(table(a), table(b))
    assert found.paired_by == ("depth", "init.seed")
    assert numbers(found) == [((1,), (1,)), ((3,), (0,))]
    assert (found.only_a, found.only_b) == ((0, 2), (2, 3, 4, 5))
    assert differing(found) == {"kernel": ((3,), (5,))}


def test_like_configs_are_pairs_and_differ_in_nothing() -> None:
    same = [stack(3, depth) for depth in (1, 2, 3)]
    found = pairing(table(same), table(same[::-1]))
    assert numbers(found) == [((0,), (2,)), ((1,), (1,)), ((2,), (0,))]
    assert (found.paired_by, found.differs, found.only_a, found.only_b) == (("depth",), (), (), ())


def test_seeds_that_both_sides_have_none_of_in_common_make_replicates() -> None:
    found = pairing(table([stack(3, 4, seed) for seed in (0, 1)]), table([stack(5, 4, seed) for seed in (5, 6, 7)]))
    assert numbers(found) == [((0, 1), (0, 1, 2))]
    assert differing(found) == {"kernel": ((3,), (5,)), "init.seed": ((0, 1), (5, 6, 7))}


def test_a_plane_that_follows_the_stem_keeps_nothing_apart() -> None:
    a = [stack(3, 2, side=21), stack(3, 20, side=41)]
    b = [stack(5, 2, side=21), stack(5, 20, side=81)]
    found = pairing(table(a), table(b))
    assert numbers(found) == [((0,), (0,)), ((1,), (1,))]
    assert differing(found)["input.height"] == ((21, 41), (21, 81))


def test_a_plane_that_is_an_axis_keeps_configs_apart() -> None:
    a = [stack(3, 2, side=side) for side in (21, 33)]
    b = [stack(5, 2, side=side) for side in (33, 41)]
    found = pairing(table(a), table(b))
    assert numbers(found) == [((1,), (0,))]
    assert found.paired_by == ("input.height", "input.width")
    assert (found.only_a, found.only_b) == ((0,), (1,))
    # With one stem on both sides the plane is an axis like any other.
    of_one_stem = pairing(table([stack(3, 2, side=21), stack(3, 4, side=33)]), table([stack(3, 2, side=33)]))
    assert numbers(of_one_stem) == []


def test_stems_that_are_no_stacks_are_paired_by_their_notation_or_their_labels() -> None:
    plane = Plane(33, 33)
    a = [Config("3x3 max2x2/2 3x3", plane), Config("5x5", plane)]
    b = [Config("3x3=gelu max2x2/2 3x3=gelu", plane), Config("5x5=gelu", plane)]
    assert numbers(pairing(table(a), table(a[::-1]))) == [((0,), (1,)), ((1,), (0,))]
    named = pairing(table(a, ["deep", "flat"]), table(b, ["flat", "deep"]))
    assert (named.paired_by, numbers(named)) == (("label",), [((0,), (1,)), ((1,), (0,))])
    assert differing(named) == {"stem": ((a[0].stem, "5x5"), (b[0].stem, "5x5=gelu"))}
    # A label that is missing on one side, or a stem that is shared, leaves labels out.
    assert numbers(pairing(table(a, ["deep", None]), table(b, ["flat", "deep"]))) == [((0, 1), (0, 1))]
    assert numbers(pairing(table(a, ["deep", "flat"]), table(a, ["flat", "deep"]))) == [((0,), (0,)), ((1,), (1,))]


@pytest.mark.parametrize(
    ("changed", "axis", "values"),
    [
        ({"init": Init("he_normal")}, "init.kind", (("lecun_uniform",), ("he_normal",))),
        ({"probes": Probes(count=4)}, "probes.count", ((16,), (4,))),
        ({"readout": Readout(channel="sum")}, "readout.channel", ((0,), ("sum",))),
        ({"readout": Readout(position=(3, 3))}, "readout.position", (("center",), ((3, 3),))),
        ({"stem": "4x3x3:8"}, "features", ((4,), (8,))),
        ({"stem": "4x3x3p0"}, "padding", ((None,), (0,))),
        ({"stem": "4x3x3=tanh"}, "activation", (("relu",), ("tanh",))),
    ],
)
def test_every_field_of_a_config_may_be_what_differs(changed: dict[str, Any], axis: str, values: Any) -> None:
    a = [stack(3, 4), stack(3, 4, probes=Probes(seed=1))]
    b = [msgspec.structs.replace(each, **changed) for each in a]
    found = pairing(table(a), table(b))
    if "probes" not in changed:
        assert (found.paired_by, numbers(found)) == (("probes.seed",), [((0,), (0,)), ((1,), (1,))])
    assert differing(found)[axis] == values


def test_where_a_file_lies_decides_nothing() -> None:
    def of_file(path: str, content: str) -> Config:
        return stack(3, 1, probes=Probes("file", path=path, sha256=64 * content))

    found = pairing(table([of_file("a.npy", "0")]), table([of_file("b.npy", "0")]))
    assert (numbers(found), found.differs) == ([((0,), (0,))], ())
    assert [*differing(pairing(table([of_file("a.npy", "0")]), table([of_file("b.npy", "1")])))] == [
        "probes.path",
        "probes.sha256",
    ]


def test_versions_of_the_kernel_differ_as_an_axis_does() -> None:
    configs = [stack(3, 1), stack(3, 2)]
    found = pairing(table(configs, version=KERNEL_VERSION - 1), table(configs))
    assert differing(found) == {"kernel_version": ((KERNEL_VERSION - 1,), (KERNEL_VERSION,))}
    assert numbers(found) == [((0,), (0,)), ((1,), (1,))]
