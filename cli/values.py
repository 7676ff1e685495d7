"""Words of the line as the values of options, without pydantic where nothing needs it.

Typer reads every value with pydantic, even one that was not given, and pydantic takes longer to load than Typer itself.
"""

import re
from functools import partial
from typing import Any, Literal, TypeAlias, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperOption

Parameter: TypeAlias = TyperArgument | TyperOption

_WHOLE = re.compile(r"[0-9]{1,18}")  # within 64 bits
_UNREAD = object()
"""Stands for a value that Typer has to read, or to refuse."""


def read_plainly(parameters: list[Any]) -> list[Any]:
    """The same parameters, which take texts, choices and whole numbers as they stand and leave the rest to Typer."""
    for parameter in parameters:
        parameter.process_value = partial(_value, parameter)
    return parameters


def _value(parameter: Parameter, context: typer.Context, value: Any) -> Any:
    """The same as `parameter.process_value(context, value)`."""
    kind = parameter.type_descriptor
    is_missing = value is None and parameter.required and not context.resilient_parsing  # as a completing shell does
    plain = _UNREAD if is_missing else _plain(value, kind.annotation)
    if plain is _UNREAD or (kind.is_ranged and not _is_within(plain, kind.parameter_info)):
        return type(parameter).process_value(parameter, context, value)
    return plain if parameter.callback is None else parameter.callback(context, parameter, plain)


def _plain(value: Any, kind: Any) -> Any:
    """The value of this type that a word stands for, if that is plain to see."""
    is_list = get_origin(kind) is list
    if value is None:
        return () if is_list else None
    if is_list:
        values = [_plain(each, *get_args(kind)) for each in value]
        return _UNREAD if _UNREAD in values else values
    if get_origin(kind) is Literal:
        return value if value in get_args(kind) else _UNREAD
    if kind is int and isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(kind, type) and isinstance(value, kind) else _UNREAD


def _is_within(value: Any, limits: Any) -> bool:
    if value is None:
        return True
    return (limits.min is None or value >= limits.min) and (limits.max is None or value <= limits.max)
