"""Tables as data frames: columns with the types that their values have, NULL as each library writes it."""

import importlib
from typing import Any, Literal, TypeAlias

from pipeline.errors import InputError
from pipeline.extras import install
from store.asking.fields import BY_NAME
from store.asking.table import Table
from store.database.rows import chunks

ColumnKind: TypeAlias = Literal["int", "float", "bool", "str"]

_ROWS = 1000
"""Rows that are turned into columns at once: few enough for the cache of a processor."""
_KINDS: dict[type, ColumnKind] = {int: "int", float: "float", bool: "bool", str: "str"}
_PANDAS = {"int": "Int64", "float": "float64", "bool": "boolean", "str": "string"}
_POLARS = {"int": "Int64", "float": "Float64", "bool": "Boolean", "str": "String"}


def columns_of(table: Table) -> dict[str, tuple[ColumnKind, list[Any]]]:
    """(kind, values) of each column: that of its values, or of its field where it has none; int beside float is float.

    A column without values that is no field is of numbers.
    """
    values: list[list[Any]] = [[] for _ in table.columns]
    for rows in chunks(table.rows, _ROWS):
        for column, part in zip(values, zip(*rows, strict=True), strict=True):
            column += part
    return {name: (_kind(name, column), column) for name, column in zip(table.columns, values, strict=True)}


def _kind(name: str, values: list[Any]) -> ColumnKind:
    found = {_KINDS[each] for each in {*map(type, values)} - {type(None)}}
    if not found:
        declared = BY_NAME[name].type if name in BY_NAME else "float"
        return "str" if declared == "json" else declared
    return found.pop() if len(found) == 1 else "float"


def pandas_frame(table: Table) -> Any:
    """The table as a pandas.DataFrame: whole numbers Int64, truth boolean, text string, other numbers float64.

    NULL is NA in the first three, NaN in the last. Raises InputError where pandas is not installed.
    """
    pandas = library("pandas")
    series = {name: pandas.Series(values, dtype=_PANDAS[kind]) for name, (kind, values) in columns_of(table).items()}
    return pandas.DataFrame(series, columns=list(table.columns))


def polars_frame(table: Table) -> Any:
    """The table as a polars.DataFrame of Int64, Boolean, String and Float64, with null for NULL.

    Raises InputError where Polars is not installed.
    """
    polars = library("polars")
    series = [
        polars.Series(name, values, dtype=getattr(polars, _POLARS[kind]), strict=kind != "float")
        for name, (kind, values) in columns_of(table).items()
    ]
    return polars.DataFrame(series)


def library(name: str) -> Any:
    """An optional library. Raises InputError that says how to install it where it is not there."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise InputError(f"to_{name} needs {name}, which is not installed; type {install(name)}") from error
