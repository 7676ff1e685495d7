"""Every axis that a sweep may run through, with the values that it takes."""

from typing import get_type_hints

from pipeline.config import Config, Init, Probes, Readout
from pipeline.sentence import takes
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


def axis_table() -> list[tuple[str, str]]:
    """(axis, what it takes) of every axis, those of a plain stack first."""
    parts = {"input": Plane, "init": Init, "probes": Probes, "readout": Readout}
    found = [(name, _OF_STACKS[name]) for name in STACK_AXES]
    for path in PATHS:
        part, _, field = path.partition(".")
        if path == "input":
            found.append((path, "a plane: 224, 224x320 or 224x224x3"))
        elif path == "readout.position":
            found.append((path, "center, or [ROW, COLUMN]"))
        else:
            struct = parts[part] if field else Config
            found.append((path, takes(get_type_hints(struct, include_extras=True)[field or part])))
    return found
