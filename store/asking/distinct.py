"""What results are called where several stand side by side: no two are called the same."""

from collections.abc import Sequence
from typing import Any

from store.asking.columns import VARYING

NAMED_BY = ("id", "config", *VARYING)
"""The columns that names are made of."""


def distinct_names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The name of each row, which has the columns `NAMED_BY` or those of them that a group has.

    It is the label or the notation. Where several rows have the same, the axes in which these differ stand behind it,
    or their ids (the number of the row where it has none), where no axis tells them apart.
    """
    alike: dict[str, list[int]] = {}
    names = [row["config"] or "several" for row in rows]
    for i, name in enumerate(names):
        alike.setdefault(name, []).append(i)
    for same in alike.values():
        if len(same) == 1:
            continue
        differing = [name for name in VARYING if len({rows[i].get(name) for i in same}) > 1]
        told = [", ".join(f"{name}={_said(rows[i].get(name))}" for name in differing) for i in same]
        for i, more in zip(same, told, strict=True):
            names[i] += f" {more if len(set(told)) == len(told) else rows[i].get('id', i)}"
    return names


def _said(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
