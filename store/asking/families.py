"""Families of plain stacks among rows: which family a row belongs to, and what each is called."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.config import decode
from pipeline.stem import format_stem, parse
from store.asking.columns import VARYING
from store.asking.groups import groups
from store.asking.packed import PackedRows
from store.asking.table import Table

_TOLD = tuple(name for name in VARYING if name != "seed")
FAMILIES_FROM = (*_TOLD, "depth", "spec", "kernel_version")
"""The columns that families are told apart by."""

_DRAWN = ("depth", "init.seed", "init.offset")
"""What the members of a family differ in."""
_PLANE = ("height", "width")
"""A plane that is chosen follows the stem, and says nothing of the family."""


class Families(msgspec.Struct, frozen=True):
    """Which family each row is of.

    names: its layer and the columns that tell a family from others. of: the number of each row's family, None for what
    is no plain stack.
    """

    names: tuple[str, ...]
    of: tuple[int | None, ...]


def families(table: Table) -> Families:
    """The families among the rows of a table that has the columns `FAMILIES_FROM`."""
    depth = table.columns.index("depth")
    is_stack = [row[depth] is not None for row in table.rows]
    found = groups(
        Table(table.columns, PackedRows(row for row, it_is in zip(table.rows, is_stack, strict=True) if it_is)), *_DRAWN
    )
    heads = found.shared(_TOLD)
    layers = [format_stem(parse(decode(spec.encode()).stem)[:1]) for spec in found.first("spec")]
    names = _named(layers, heads, [name for name in _TOLD if name not in _PLANE])
    if len(set(names)) < len(names):
        names = _named(layers, heads, _TOLD)
    numbers: Any = iter(found.of)
    return Families(names, tuple(next(numbers) if it_is else None for it_is in is_stack))


def _named(layers: Sequence[str], heads: Sequence[tuple[Any, ...]], told: Sequence[str]) -> tuple[str, ...]:
    """What families are called by their layer and those of the columns `told` in which they differ."""
    places = [_TOLD.index(name) for name in told]
    differing = [i for i in places if len({head[i] for head in heads}) > 1]
    return tuple(
        ", ".join((layer, *(f"{_TOLD[i]} {head[i]}" for i in differing if head[i] is not None)))
        for layer, head in zip(layers, heads, strict=True)
    )
