"""Configs paired by what they share: every axis but those in which the configs of two tables differ throughout."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from pipeline.config import KERNEL_VERSION, Config, decode
from pipeline.stem import DEFAULT_ACTIVATION, parse, uniform_layer
from store.asking.table import Table

COLUMNS = ("stem", "spec", "kernel_version")
"""The columns that configs are paired by; `label` where a sweep may have given them one."""

_LABEL = "label"
_VERSION = "kernel_version"
_PLANE = ("input.height", "input.width")
_FILES = {"init.path": "init.sha256", "probes.path": "probes.sha256"}
"""Where a file lies decides nothing: its contents do."""

_Key = tuple[Any, ...]


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
    as_stacks = all(_stack(stem) is not None for table in (a, b) for (stem,) in table.only(("stem",)).rows)
    met: dict[Any, Any] = {}  # equal values of many configs are one object
    sides = [_Side(*_axes(table, as_stacks, met)) for table in (a, b)]
    names = sides[0].names
    values = {name: tuple(side.values(name) for side in sides) for name in names}
    apart = {name for name, (of_a, of_b) in values.items() if of_a.keys().isdisjoint(of_b)}
    shared = [name for name in names if name not in (*apart, *_FILES, _LABEL)]
    if any(_is_of_stem(name) for name in apart):
        if _LABEL not in apart and all(None not in of for of in values[_LABEL]):
            shared.insert(0, _LABEL)
        without = [name for name in shared if name not in _PLANE]
        if not any(side.has_several_planes(without) for side in sides):
            shared = without
    places = [side.places(shared) for side in sides]
    keys = [key for key in places[0] if key in places[1]]
    differing = {name for name in apart if _FILES.get(name, name) in apart}
    for name in set(_PLANE) - {*shared, *apart}:
        of_a, of_b = (side.column(name) for side in sides)
        if any({of_a[i] for i in places[0][key]} != {of_b[i] for i in places[1][key]} for key in keys):
            differing.add(name)
    return Pairing(
        tuple(name for name in shared if len({*values[name][0], *values[name][1]}) > 1),
        tuple(
            Difference(name, *(tuple(found) for found in values[name]))
            for name in names
            if name in differing and name != _LABEL
        ),
        tuple((tuple(places[0][key]), tuple(places[1][key])) for key in keys),
        _without_partner(*places),
        _without_partner(*reversed(places)),
    )


class _Side(NamedTuple):
    """The axes of the configs of one table: their names, which are the same for all, and a row of values for each."""

    names: tuple[str, ...]
    rows: list[_Key]

    def column(self, name: str) -> list[Any]:
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def values(self, name: str) -> dict[Any, None]:
        """The distinct values of an axis, in the order in which they come."""
        return dict.fromkeys(self.column(name))

    def keys(self, names: Sequence[str]) -> Iterator[_Key]:
        places = [self.names.index(name) for name in names]
        return (tuple(row[i] for i in places) for row in self.rows)

    def places(self, names: Sequence[str]) -> dict[_Key, list[int]]:
        """The numbers of the rows that have each combination of values."""
        found: dict[_Key, list[int]] = {}
        for number, key in enumerate(self.keys(names)):
            found.setdefault(key, []).append(number)
        return found

    def has_several_planes(self, names: Sequence[str]) -> bool:
        """Whether rows that are alike in these axes are on several planes."""
        planes: dict[_Key, _Key] = {}
        both = zip(self.keys(names), self.keys(_PLANE), strict=True)
        return any(planes.setdefault(key, plane) != plane for key, plane in both)


def _axes(table: Table, as_stacks: bool, met: dict[Any, Any]) -> tuple[tuple[str, ...], list[_Key]]:
    names: tuple[str, ...] = ()
    rows = []
    labels = (row.get(_LABEL) for row in table.dicts())
    for (spec, version), label in zip(table.only(("spec", _VERSION)).rows, labels, strict=True):
        found = _of_config(decode(spec.encode()), as_stacks) | {_VERSION: version or KERNEL_VERSION, _LABEL: label}
        names = names or tuple(found)
        rows.append(tuple(met.setdefault((type(value), value), value) for value in found.values()))
    return names, rows


def _of_config(config: Config, as_stack: bool) -> dict[str, Any]:
    """Every field of a config by its path; a list is a tuple."""
    found: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(config).items():
        if isinstance(value, dict):
            found |= {
                f"{name}.{field}": tuple(each) if isinstance(each, list) else each for field, each in value.items()
            }
        elif name == "stem" and as_stack:
            found |= _stack(value) or {}
        else:
            found[name] = value
    return found


@lru_cache(maxsize=4096)
def _stack(notation: str) -> dict[str, Any] | None:
    """Depth and fields of the layer of a plain stack, a pair of like numbers as that number; None of another stem."""
    stem = parse(notation)
    layer = uniform_layer(stem)
    if layer is None:
        return None
    fields = {name: _side(getattr(layer, name)) for name in layer.__struct_fields__}
    return {"depth": len(stem), **fields, "activation": layer.activation or DEFAULT_ACTIVATION}


def _side(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value[0] == value[1] else value


def _is_of_stem(name: str) -> bool:
    """Whether an axis is one of the stem: no part of the config stands before it."""
    return "." not in name and name not in ("dtype", _VERSION, _LABEL)


def _without_partner(own: dict[_Key, list[int]], other: dict[_Key, list[int]]) -> tuple[int, ...]:
    return tuple(sorted(chain(*(numbers for key, numbers in own.items() if key not in other))))
