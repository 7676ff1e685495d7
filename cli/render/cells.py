"""A value as text for a program; `store.asking.shown` has it for a reader."""

from collections.abc import Callable
from types import NoneType
from typing import Any

from cli.render.visible import defused, visible_json


def exact(value: Any) -> str:
    """A value for a program: every digit, nothing for what is not there."""
    return _EXACT.get(type(value), _json_line)(value)


def json_text(value: Any, indent: int = 2) -> str:
    """JSON, indented (in one line with 0, without blanks with -1); NaN and infinities, which JSON has not, as null."""
    import msgspec

    return visible_json(msgspec.json.format(msgspec.json.encode(value), indent=indent).decode())


def _json_line(value: Any) -> str:
    return json_text(value, indent=0)


_EXACT: dict[type, Callable[[Any], str]] = {
    NoneType: lambda _: "",
    bool: lambda value: "true" if value else "false",
    int: str,
    float: lambda value: repr(value).removesuffix(".0"),
    str: defused,
}
"""How a value of each type is written: the millions of cells of an export are told apart by one look."""
