"""How things are called: the names of sweeps, the labels of configs in their tables, and the ids of configs."""

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from pipeline.config import Config
from pipeline.errors import InputError, quote
from pipeline.stem import SUFFIX, canonical, is_notation, split_stems
from pipeline.sweep.sweepfile import FORMULA

MODEL = ".onnx"
SUFFIXES = (".yaml", ".yml", ".toml", ".json", SUFFIX, MODEL)
"""Of the files that a sweep is read from."""
MAX_LABEL = 64

MAX_NAME = 64
NAME_PATTERN = rf"[A-Za-z0-9_.-]{{1,{MAX_NAME}}}"
"""The name of a sweep as a regular expression, in Python and in JSON Schema alike."""

_NAME = re.compile(NAME_PATTERN)
NAME_RULE = f"use 1 to {MAX_NAME} letters, digits, '_', '.' or '-'"


class Labelled(NamedTuple):
    """A config in the list of a sweep, and what the user calls it there (None: nothing but its notation)."""

    config: Config
    label: str | None = None


def is_name(text: str) -> bool:
    """Whether a text may be the name of a sweep."""
    return _NAME.fullmatch(text) is not None


def check_name(name: object) -> str:
    """The name of a sweep. Raises InputError for one that is not text, or not written as a name is."""
    if name is None:
        raise InputError("the sweep has no name; give it `name:` in its file, or --name")
    if not isinstance(name, str):
        raise InputError(f"a sweep's name is text, and {_unquoted(name, 'name')}")
    if not is_name(name):
        raise InputError(f"{quote(name)} is not a valid name for a sweep: {NAME_RULE}, or give another with --name")
    return name


def _unquoted(value: object, field: str) -> str:
    """The clause about a value that YAML takes for something else than text."""
    shown = str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)
    if isinstance(value, list | dict):
        return f"{quote(shown)} is not; write one text, as in {field}: growth"
    way = f"; put it in quotes, as in {field}: '{shown}'"
    return f"{quote(shown)} is not{way}"


def check_new_name(name: object, spec: Mapping[str, Any]) -> str:
    """The name of a sweep that is yet to be stored, described by `spec`.

    Raises InputError as `check_name` does, and for the name of a stem or of a preset, which the sweep would hide.
    """
    name = check_name(name)
    if is_notation(name):
        raise InputError(
            f"the name {quote(name)} is a stem, which the sweep would hide; choose another with --name or `name:`"
        )
    if _hides_preset(name, spec):
        raise InputError(f"the name {quote(name)} is a preset's; choose another with --name or `name:`")
    return name


def unstored(text: str) -> str | None:
    """What a text is that `run` and `submit` take and a store does not know: a stem, a preset or a sweep file."""
    from pipeline.sweep.presets import preset_names

    stems = split_stems(text)
    if all(map(is_notation, stems)):
        return "a stem" if len(stems) == 1 else "a list of stems"
    if text in preset_names():
        return "a preset"
    return "a sweep file" if PurePath(text).suffix.lower() in SUFFIXES else None


def _hides_preset(name: str, spec: Mapping[str, Any]) -> bool:
    """Whether a preset has the name and says something else; its axes may be overridden."""
    from pipeline.sweep.presets import preset_fields, preset_names

    if name not in preset_names():
        return False
    preset = preset_fields(name)
    return any(spec.get(field) != preset.get(field) for field in {*spec, *preset} - {"grid"})


def check_label(label: object, stem: str) -> str:
    """What a table may call a config, whose stem is in canonical notation.

    Raises InputError for a label that is not text, empty, too long or not printable, that a spreadsheet would run, or
    that is another stem.
    """
    if not isinstance(label, str):
        raise InputError(f"a label is text, and {_unquoted(label, 'label')}")
    if not 1 <= len(label) <= MAX_LABEL or not label.isprintable() or label != label.strip():
        raise InputError(
            f"{quote(label)} is not a valid label: use 1 to {MAX_LABEL} printable characters without blanks around them"
        )
    if label.startswith(FORMULA):
        raise InputError(f"a spreadsheet would run the label {quote(label)}; begin it with another character")
    if is_notation(label) and canonical(label) != stem:
        raise InputError(f"the label {quote(label)} is another stem than {quote(stem)}; choose another label")
    return label
