"""What a sweep is, in a line: its description, else its stems and the axes that it runs through."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import counted

_NAMED = 2
"""Stems, and values of an axis, that are named before the rest are counted."""


def summary(specs: Sequence[Any]) -> str:
    """A line about a sweep from what was written, one mapping for each submission.

    >>> summary([{"stems": ["4x3x3", "5x5", "7x7"], "grid": {"seed": "range(0, 9)"}}])
    '4x3x3, 5x5 and 1 more; seed=range(0, 9)'
    >>> summary([{"grid": {"kernel": [3, 5], "depth": 4}}, {"description": "deeper"}])
    'kernel=3,5 depth=4, and 1 submission more'
    """
    if not specs:
        return ""
    appended = f", and {counted(len(specs) - 1, 'submission')} more" if len(specs) > 1 else ""
    return _of_one(specs[0]) + appended


def _of_one(spec: Any) -> str:
    if not isinstance(spec, Mapping):  # of a damaged store
        return ""
    if description := spec.get("description"):
        return " ".join(str(description).split())
    written = spec.get("stems", spec.get("stem", []))
    stems = [_stem(each) for each in (written if isinstance(written, list) else [written])]
    grid = spec.get("grid")
    axes = [*_in_step(spec.get("zip")), *_each(grid)]
    more = f" and {len(stems) - _NAMED:,} more" if len(stems) > _NAMED else ""
    return "; ".join(part for part in (", ".join(stems[:_NAMED]) + more, " ".join(axes)) if part)


def _each(axes: Any) -> list[str]:
    return [f"{name}={_listed(values)}" for name, values in axes.items()] if isinstance(axes, Mapping) else []


def _in_step(written: Any) -> list[str]:
    """Axes that run in step, joined by an `&`."""
    return [" & ".join(_each(axes)) for axes in (written if isinstance(written, list) else [written]) if _each(axes)]


def _stem(entry: Any) -> str:
    if isinstance(entry, Mapping):
        entry = entry.get("label") or entry.get("stem", "")
    return entry if isinstance(entry, str) else "a stem as a list"


def _listed(values: Any) -> str:
    if not isinstance(values, list):
        return str(values)
    more = f",...({len(values):,})" if len(values) > 2 * _NAMED else ""
    return ",".join(map(str, values if not more else values[:_NAMED])) + more
