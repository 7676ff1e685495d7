"""Columns derived from structs: a column is declared once, with its type, unit and meaning, in the pipeline."""

from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, Text
from sqlalchemy.types import TypeEngine

Kind: TypeAlias = Literal["int", "float", "bool", "str", "json"]

INTEGER = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both; SQLite makes a primary key its row id only under the name INTEGER."""
REAL = Float()
"""64 bits on both."""
TRUTH = Boolean()
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared by code points on both, whatever the server's locale."""
BYTES = LargeBinary()

_SQL: dict[Kind, TypeEngine[Any]] = {"int": INTEGER, "float": REAL, "bool": TRUTH, "str": TEXT, "json": TEXT}
_KINDS: dict[Any, Kind] = {int: "int", float: "float", bool: "bool", str: "str", dict: "json"}


class Field(msgspec.Struct, frozen=True):
    """A column that a user can name: its type, its unit where it has one, and what it means in plain words.

    options: the options of a table that change it, `mass` and `center`. path: where a config holds it, which names it
    as well; empty where nothing but its name does. group: the name of those that belong together. source: the table and
    the column that it is read from.
    """

    name: str
    type: Kind
    unit: str
    description: str
    nullable: bool = True
    options: tuple[str, ...] = ()
    path: str = ""
    group: str = ""
    source: str = ""


def declared(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a struct whose members are columns, in their order.

    Raises TypeError for a member whose type no column can hold.
    """
    return tuple(_field(name, hint) for name, hint in get_type_hints(struct, include_extras=True).items())


def declared_some(struct: type[msgspec.Struct], *names: str) -> tuple[Field, ...]:
    """Those fields of a struct, where its other members are no columns."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(_field(name, hints[name]) for name in names)


def _field(name: str, hint: Any) -> Field:
    unit = description = path = ""
    options: tuple[str, ...] = ()
    for meta in getattr(hint, "__metadata__", ()):
        description = meta.description or description
        extra = meta.extra_json_schema or {}
        unit, options = extra.get("unit", unit), tuple(extra.get("options", options))
        path = extra.get("path", path)
    plain = hint.__origin__ if hasattr(hint, "__metadata__") else hint
    members = get_args(plain) if get_origin(plain) in (Union, UnionType) else (plain,)
    kinds = {_KINDS.get(get_origin(member) or member) for member in members if member is not NoneType}
    kind = kinds.pop()
    if kind is None or kinds:
        raise TypeError(f"no column can hold {name}: {hint}")
    return Field(name, kind, unit, description, nullable=NoneType in members, options=options, path=path)


def columns(fields: tuple[Field, ...]) -> list[Column[Any]]:
    """One column for each field, to stand in a table."""
    return [Column(field.name, _SQL[field.type], nullable=field.nullable) for field in fields]
