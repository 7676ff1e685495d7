"""What results are called where several stand side by side: no two are called the same."""

from collections.abc import Iterator, Sequence
from typing import Any

from store.asking.columns import READ_OUT, VARYING

NAMED_BY = ("id", "config", *VARYING, *READ_OUT)
"""The columns that names are made of."""

_UNIT = ("unit_y", "unit_x")
"""They follow the layer, and are told only where nothing else tells rows apart."""


def distinct_names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The name of each row, which has the columns `NAMED_BY` or those of them that a group has.

    It is the label or the notation. Where several rows have the same, what tells these apart stands behind it, and
    alone where all rows are layers of one network, because the notation of a network is long.
    """
    alike: dict[str, list[int]] = {}
    names = [row["config"] or "several" for row in rows]
    for i, name in enumerate(names):
        alike.setdefault(name, []).append(i)
    for same in alike.values():
        some = [rows[i] for i in same]
        are_layers = len(alike) == 1 and len({row.get("layer") for row in some}) > 1
        for i, difference in zip(same, differences(some), strict=True):
            names[i] = difference if are_layers else f"{names[i]} {difference}".rstrip()
    return names


def differences(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What tells each row from the others, as `c2, seed=0`; empty for a single row.

    These are the layer (its mark, if it has one), the axes in which they differ, the probe and, where these are not
    enough, the unit, else the ids (the number of the row where it has none).
    """
    if len(rows) == 1:
        return [""]
    differing = [name for name in (*VARYING, *READ_OUT) if len({row.get(name) for row in rows}) > 1]
    told = [name for name in differing if name not in ("layer", "mark", *_UNIT)]
    for names in (told, [*told, *(name for name in _UNIT if name in differing)]):
        found = [", ".join(_words(row, names, has_layer="layer" in differing)) for row in rows]
        if len(set(found)) == len(found):
            return found
    return [str(row.get("id", i)) for i, row in enumerate(rows)]


def layer_name(row: dict[str, Any]) -> str:
    """The mark of the layer that a row is about, or its number where it has none."""
    return str(row["layer"] if row.get("mark") is None else row["mark"])


def _words(row: dict[str, Any], names: Sequence[str], *, has_layer: bool) -> Iterator[str]:
    if has_layer:
        number, mark = row.get("layer"), row.get("mark")
        yield mark or ("several layers" if number is None else f"layer {number}")
    for name in names:
        value = row.get(name)
        yield f"{name}={'none' if value is None else f'{value:g}' if isinstance(value, float) else value}"
