"""Every axis that a sweep may run through, with the values that it takes."""

from typing import Any, get_type_hints

from pipeline.config import AXIS_PATHS, Config, Init, Probes, Readout
from pipeline.sentence import choices, takes
from pipeline.stem import MAX_LAYERS, NAMES, Plane
from pipeline.sweep.grid import PATHS, STACK_AXES

_SIDES = "an integer, or HEIGHTxWIDTH"
_OF_STACKS = {
    "kernel": _SIDES,
    "depth": f"an integer from 1 to {MAX_LAYERS}",
    "features": "an integer",
    "dilation": _SIDES,
    "stride": _SIDES,
    "activation": ", ".join(NAMES),
}
"""What the axes of a plain stack take."""

_PARTS = {"input": Plane, "init": Init, "probes": Probes, "readout": Readout}


def _hint(path: str) -> Any:
    """The type of a field of a config, by its dotted path."""
    part, _, field = path.partition(".")
    return get_type_hints(_PARTS[part] if field else Config, include_extras=True)[field or part]


def axis_words(name: str) -> tuple[str, ...]:
    """The words among the values of an axis, by its name or path; none where it takes numbers, or is no axis."""
    path = AXIS_PATHS.get(name, name)
    if path == "activation":
        return NAMES
    return choices(_hint(path)) if path in PATHS else ()


def axis_table() -> list[tuple[str, str]]:
    """(axis, what it takes) of every axis, those of a plain stack first."""
    found = [(name, _OF_STACKS[name]) for name in STACK_AXES]
    for path in PATHS:
        if path == "input":
            found.append((path, "a plane: 224, 224x320 or 224x224x3"))
        elif path == "readout.position":
            found.append((path, "center, or [ROW, COLUMN]"))
        else:
            found.append((path, takes(_hint(path))))
    return found
