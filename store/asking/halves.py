"""Results that are split in two by the values of an axis, to be compared with each other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pipeline.config import decode
from pipeline.errors import InputError, quote
from store.asking.config_fields import config_fields, field_text, some_values, stack_fields
from store.asking.packed import PackedRows
from store.asking.table import Table

COLUMNS = ("stem", "spec")
"""The columns that rows are split by; `label` for that axis."""

_OWN = ("stem", "label")
"""What else than the axes of a sweep tells results apart."""


class Half(NamedTuple):
    """The rows that have one value of an axis, and what they are called: `activation=relu`."""

    name: str
    table: Table


def halves(table: Table, by: str, of: str) -> tuple[Half, Half]:
    """The rows of two values of an axis, which `by` names: `activation`, or `kernel=3,5` where there are more values.

    Without values the first half has that of the first row. table: has `COLUMNS` and a row at least. of: what the user
    calls these results. Raises InputError for what is no axis, for an axis of which they do not have two values, and
    for values that they do not have.
    """
    name, chosen, written = by.partition("=")
    name = name.strip()
    path = _path(name)
    values = _values(table, path, of)
    known = [*dict.fromkeys(values)]
    if chosen:
        two = _chosen(path, known, written.strip(), by)
    elif len(known) == 2:
        two = known[0], known[1]
    else:
        raise InputError(_not_two(name, path, known, of))
    a, b = (
        Half(
            f"{name}={field_text(path, one)}",
            Table(
                table.columns,
                PackedRows(row for row, value in zip(table.rows, values, strict=True) if value == one),
            ),
        )
        for one in two
    )
    return a, b


def _path(name: str) -> str:
    from pipeline.sweep.grid import axis_path

    return name if name in _OWN else axis_path(name)


def _values(table: Table, path: str, of: str) -> list[Any]:
    """The value of an axis in each row."""
    from pipeline.sweep.grid import STACK_AXES

    if path in _OWN:
        if path not in table.columns:
            raise InputError(f"labels are given by sweeps, and {quote(of)} is none; compare two labels, as A and B")
        return [value for (value,) in table.only((path,)).rows]
    if path not in STACK_AXES:
        configs = (decode(spec.encode()) for (spec,) in table.only(("spec",)).rows)
        if path == "input":
            return [str(config.input) for config in configs]
        return [config_fields(config, as_stack=False)[path] for config in configs]
    found = []
    for (stem,) in table.only(("stem",)).rows:
        fields = stack_fields(stem)
        if fields is None:
            raise InputError(
                f"{quote(stem)} is not a plain stack, so it has no {path}; keep the plain stacks by "
                "--where 'depth is not None', or split by stem"
            )
        found.append(fields[path])
    return found


def _chosen(path: str, known: Sequence[Any], written: str, by: str) -> tuple[Any, Any]:
    """The two values that `3,5` names; a value may hold commas itself."""
    for one in known:
        begin = field_text(path, one)
        rest = written.removeprefix(begin).lstrip()
        if not written.startswith(begin) or not rest.startswith(","):
            continue
        for other in known:
            if other != one and field_text(path, other) == rest[1:].strip():
                return one, other
    raise InputError(f"--by {quote(by)} does not name two of the values that there are: {some_values(path, known)}")


def _not_two(name: str, path: str, known: Sequence[Any], of: str) -> str:
    if len(known) == 1:
        return (
            f"the results of {quote(of)} have one value of {name}, {field_text(path, known[0])}; --by takes an axis "
            "of which there are two"
        )
    two = ",".join(field_text(path, each) for each in known[:2])
    return (
        f"the results of {quote(of)} have {len(known):,} values of {name}: {some_values(path, known)}; choose two, as "
        f"in --by {quote(f'{name}={two}')}"
    )
