"""Configs paired by what they share: every axis but those in which the configs of two tables differ throughout."""

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from pipeline.config import KERNEL_VERSION, decode
from store.asking.config_fields import config_fields, stack_fields
from store.asking.table import Table

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers: TypeAlias = npt.NDArray[np.signedinteger[Any]]

COLUMNS = ("stem", "spec", "kernel_version")
"""The columns that configs are paired by; `label` where a sweep may have given them one."""

_LABEL = "label"
_VERSION = "kernel_version"
_PLANE = ("input.height", "input.width")
_FILES = {"init.path": "init.sha256", "probes.path": "probes.sha256"}
"""Where a file lies decides nothing: its contents do."""


class Difference(msgspec.Struct, frozen=True):
    """An axis in which no config of one side is like any of the other, and the values that each side has, in order."""

    axis: str
    a: tuple[Any, ...]
    b: tuple[Any, ...]


class Pairing(msgspec.Struct, frozen=True):
    """Which rows of two tables belong together, by their numbers.

    paired_by: the shared axes that have several values. differs: those in which the sides differ throughout. pairs: the
    rows of each pair, several of one side where nothing that is shared tells them apart. only_a, only_b: the rows
    without a partner.
    """

    paired_by: tuple[str, ...]
    differs: tuple[Difference, ...]
    pairs: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    only_a: tuple[int, ...]
    only_b: tuple[int, ...]


def pairing(a: Table, b: Table) -> Pairing:
    """The pairs of two tables, which have `COLUMNS`.

    A stem is its depth and the fields of its layer if all stems of both tables are plain stacks, and its notation
    otherwise. Where the stems differ throughout, configs that have labels on both sides are paired by these, and the
    plane may follow the stem, as a chosen one does: it tells configs apart only where one of them is on several planes.
    """
    import numpy as np

    configs = _configs(a, b)
    names = tuple(configs.columns)
    values = {name: configs.values_of(name) for name in names}
    apart = {name for name, (of_a, of_b) in values.items() if set(of_a).isdisjoint(of_b)}
    shared = [name for name in names if name not in (*apart, *_FILES, _LABEL)]
    if any(_is_of_stem(name) for name in apart):
        if _LABEL not in apart and all(None not in of for of in values[_LABEL]):
            shared.insert(0, _LABEL)
        without = [name for name in shared if name not in _PLANE]
        if not configs.has_several_planes(without):
            shared = without
    of_a, of_b = configs.sides(configs.groups(shared))
    in_both = np.intersect1d(of_a, of_b)
    differing = {name for name in apart if _FILES.get(name, name) in apart}
    for name in set(_PLANE) - {*shared, *apart}:
        by_value = configs.sides(configs.groups((*shared, name)))
        in_a, in_b = (np.unique(one[np.isin(of, in_both)]) for one, of in zip(by_value, (of_a, of_b), strict=True))
        if not np.array_equal(in_a, in_b):
            differing.add(name)
    return Pairing(
        tuple(name for name in shared if len({*values[name][0], *values[name][1]}) > 1),
        tuple(Difference(name, *values[name]) for name in names if name in differing and name != _LABEL),
        tuple(_pairs(of_a, of_b, in_both)),
        tuple(np.flatnonzero(~np.isin(of_a, in_both)).tolist()),
        tuple(np.flatnonzero(~np.isin(of_b, in_both)).tolist()),
    )


class _Configs(NamedTuple):
    """The axes of the configs of two tables, those of the first before those of the second.

    columns: by axis the number of each config's value, int32 [configs]; all configs have the same axes. known: the
    value of each number. first: how many configs the first table has.
    """

    columns: "dict[str, npt.NDArray[np.int32]]"
    known: list[Any]
    first: int

    def sides(self, numbers: "Numbers") -> "tuple[Numbers, Numbers]":
        """The parts of [configs] that belong to the first table and to the second."""
        return numbers[: self.first], numbers[self.first :]

    def values_of(self, name: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The distinct values of an axis on both sides, in the order in which they come."""
        import numpy as np

        found = (np.unique(side, return_index=True) for side in self.sides(self.columns[name]))
        a, b = (tuple(self.known[i] for i in numbers[np.argsort(places)]) for numbers, places in found)
        return a, b

    def groups(self, names: Sequence[str]) -> "Numbers":
        """The group of each config, int64 [configs]: those of one group are alike in these axes."""
        import numpy as np

        found = np.zeros(len(self.columns[_VERSION]), np.int64)
        for name in names:
            column = self.columns[name]
            if column.min() != column.max():
                found = np.unique(found * (int(column.max()) + 1) + column, return_inverse=True)[1]
        return found

    def has_several_planes(self, names: Sequence[str]) -> bool:
        """Whether configs of one side that are alike in these axes are on several planes."""
        import numpy as np

        alike, with_plane = (self.sides(self.groups(axes)) for axes in (names, (*names, *_PLANE)))
        return any(len(np.unique(a)) != len(np.unique(b)) for a, b in zip(alike, with_plane, strict=True))


def _configs(a: Table, b: Table) -> _Configs:
    import numpy as np

    as_stacks = all(stack_fields(stem) is not None for table in (a, b) for (stem,) in table.only(("stem",)).rows)
    numbers: dict[tuple[type, Any], int] = {}
    columns: dict[str, array[int]] = {}
    for table in (a, b):
        labels = (row.get(_LABEL) for row in table.dicts())
        for (spec, version), label in zip(table.only(("spec", _VERSION)).rows, labels, strict=True):
            found = config_fields(decode(spec.encode()), as_stack=as_stacks)
            found |= {_VERSION: version or KERNEL_VERSION, _LABEL: label}
            for name, value in found.items():
                column = columns.setdefault(name, array("i"))
                column.append(numbers.setdefault((type(value), value), len(numbers)))
    known = [value for _, value in numbers]
    return _Configs({name: np.frombuffer(each, np.int32) for name, each in columns.items()}, known, len(a.rows))


def _pairs(of_a: "Numbers", of_b: "Numbers", in_both: "Numbers") -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The rows of both sides that belong to each group in which both are, in the order of its first row of a."""
    import numpy as np

    members = [_members(of, in_both) for of in (of_a, of_b)]
    firsts = np.array([rows[0] for rows in members[0]], np.int64)
    for group in np.argsort(firsts):
        yield members[0][group], members[1][group]


def _members(of: "Numbers", groups: "Numbers") -> list[tuple[int, ...]]:
    """The numbers of the rows, growing, that belong to each of some growing groups, all of which are there."""
    import numpy as np

    order = np.argsort(of, kind="stable")
    starts, stops = (np.searchsorted(of[order], groups, side=side) for side in ("left", "right"))
    return [tuple(order[start:stop].tolist()) for start, stop in zip(starts, stops, strict=True)]


def _is_of_stem(name: str) -> bool:
    """Whether an axis is one of the stem: no part of the config stands before it."""
    return "." not in name and name not in ("dtype", _VERSION, _LABEL)
