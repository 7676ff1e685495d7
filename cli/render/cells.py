"""A value as text for a program; `store.asking.shown` has it for a reader."""

from typing import Any

from cli.render.visible import defused, visible_json


def exact(value: Any) -> str:
    """A value for a program: every digit, nothing for what is not there."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    return defused(value) if isinstance(value, str) else json_text(value, indent=0)


def json_text(value: Any, indent: int = 2) -> str:
    """JSON, indented (in one line with 0, without blanks with -1); NaN and infinities, which JSON has not, as null."""
    import msgspec

    return visible_json(msgspec.json.format(msgspec.json.encode(value), indent=indent).decode())
