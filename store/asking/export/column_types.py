"""The types of the columns of a table, for formats that keep them."""

from store.asking.fields import BY_NAME
from store.asking.table import Table
from store.database.types import Kind

_KINDS: dict[type, Kind] = {bool: "bool", int: "int", float: "float", str: "str"}
_COUNTS = ("n", "dead")
"""Columns of groups that count their members."""


def column_types(table: Table, *, is_grouped: bool) -> dict[str, Kind]:
    """The type of each column: that of its field, or, of groups, the one that holds all its values.

    A column of groups without a value is a mean, `float`, or a count, `int`.
    """
    if not is_grouped:
        return {name: BY_NAME[name].type for name in table.columns}
    found: list[set[type]] = [set() for _ in table.columns]
    for row in table.rows:
        for kinds, value in zip(found, row, strict=True):
            kinds.add(type(value))
    return {name: _one(name, kinds - {type(None)}) for name, kinds in zip(table.columns, found, strict=True)}


def _one(name: str, kinds: set[type]) -> Kind:
    if not kinds:
        return "int" if name in _COUNTS or name.endswith("_n") else "float"
    if len(kinds) == 1:
        return _KINDS[kinds.pop()]
    return "float" if kinds == {int, float} else "str"
