"""Sweep files: YAML, TOML or JSON into a plain mapping, with hostile input refused before it costs anything."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import InputError, amount, cannot_read, quote
from pipeline.limits import MAX_SWEEP_FILE
from pipeline.stem import MAX_NESTING
from pipeline.sweep.number import number

MAX_DOTS = 200

FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula: no text of a user begins with it."""

_FILED = ("init", "probes")
_PATHS = tuple(f"{part}.path" for part in _FILED)
_CONTROL = r"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_HALF = r"[\ud800-\udfff]"


def read_sweep_file(path: Path) -> dict[str, Any]:
    """The mapping that a sweep file holds; its suffix says in which language.

    Paths of files of weights and probes in it are relative to its folder, and absolute in what is returned.
    Raises InputError for a file that cannot be read, is larger than 1 MB, is no mapping, uses YAML aliases, nests
    deeper than 50 levels, or holds text with control characters or text that a spreadsheet would run.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SWEEP_FILE + 1)  # not as many as the file says: a pipe or a device says none
        if len(data) > MAX_SWEEP_FILE:
            raise InputError(f"sweep file {quote(path)} has more than {amount(MAX_SWEEP_FILE)}; use ranges")
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise cannot_read(f"sweep file {quote(path)}", error) from None
    except UnicodeDecodeError:
        raise InputError(f"sweep file {quote(path)} is not UTF-8 text; save it as YAML, TOML or JSON") from None
    return _anchored(parse_sweep_file(text, path.suffix.lower(), f"sweep file {quote(path)}"), path.absolute().parent)


def _anchored(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The fields of a sweep, of its grid or of an entry, with paths of files that hold from any folder."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if name in _PATHS:
            value = _joined(value, folder)
        elif name in _FILED and isinstance(value, dict) and "path" in value:
            value = {**value, "path": _joined(value["path"], folder)}
        elif name in ("grid", "stem") and isinstance(value, dict):
            value = _anchored(value, folder)
        elif name == "stems" and isinstance(value, list):
            value = [_anchored(entry, folder) if isinstance(entry, dict) else entry for entry in value]
        found[name] = value
    return found


def _joined(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_joined(each, folder) for each in value]
    return str(folder / value) if isinstance(value, str) and value else value


def parse_sweep_file(text: str, suffix: str, what: str) -> dict[str, Any]:
    """The mapping that the text of a sweep file holds; `what` names it in errors.

    Raises InputError as `read_sweep_file` does for a file's content.
    """
    if suffix not in READERS:
        raise InputError(
            f"{what} ends in {quote(suffix)}; name it .yaml, .toml or .json, or .stem if it holds one stem"
        )
    spec = READERS[suffix](text, what)
    if not isinstance(spec, dict):
        raise InputError(f"{what} holds no mapping; begin with `name:` and `grid:` or `stems:`")
    check_text(spec, what)
    return spec


def check_text(value: Any, what: str, depth: int = 0) -> None:
    """Raises InputError for text that a terminal or a spreadsheet would run, at any depth of a value.

    Integers too long to be printed are refused too.
    """
    if depth > MAX_NESTING:
        raise InputError(f"{what} nests deeper than {MAX_NESTING} levels; flatten it")
    if isinstance(value, str):
        if re.search(_CONTROL, value):
            raise InputError(f"{what} holds a control character in {quote(value)}; take it out")
        if re.search(_HALF, value):
            raise InputError(f"{what} holds half of a surrogate pair in {quote(value)}, which is no character; mend it")
        if value.startswith(FORMULA):
            raise InputError(f"{what} holds {quote(value)}, which a spreadsheet would run; begin it with another sign")
    elif isinstance(value, dict):
        for key, entry in value.items():
            check_text(key, what, depth + 1)
            check_text(entry, what, depth + 1)
    elif isinstance(value, list | tuple | set):
        for entry in value:
            check_text(entry, what, depth + 1)
    elif isinstance(value, int) and value.bit_length() > 64:
        raise InputError(f"{what} holds an integer of {value.bit_length()} bits; none here needs more than 64")


def _yaml(text: str, what: str) -> Any:
    from pipeline.sweep.yaml_core import load

    return load(text, what)


def _twice(what: str, key: object) -> InputError:
    return InputError(f"{what} gives {quote(key)} twice; keep one")


def _toml(text: str, what: str) -> Any:
    import tomllib

    if any(line.count(".") > MAX_DOTS for line in text.splitlines()):  # tomllib is quadratic in a key's dots
        raise InputError(f"{what} has a line with more than {MAX_DOTS} dots; nest less")
    try:
        return tomllib.loads(text, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not TOML: {error}; mend it") from None


def _json(text: str, what: str) -> Any:
    import json

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise _twice(what, key)
            found[key] = value
        return found

    def no_number(text: str) -> Any:
        raise InputError(f"{what} holds {text}; give it a number")

    try:
        return json.loads(text, object_pairs_hook=mapping, parse_constant=no_number, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not JSON: {error}; mend it") from None


READERS: dict[str, Callable[[str, str], Any]] = {".yaml": _yaml, ".yml": _yaml, ".toml": _toml, ".json": _json}
"""What reads the text of a sweep file, by the end of its name; the second argument names the file in errors."""
