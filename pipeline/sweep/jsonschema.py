"""JSON Schema (2020-12) of what a user writes: a config and a sweep file."""

from typing import Any

import msgspec

from pipeline.config import Config
from pipeline.stem import Stem
from pipeline.sweep.grid import PATHS, STACK_AXES
from pipeline.sweep.input_plane import WrittenPlane
from pipeline.sweep.names import MAX_LABEL, NAME_PATTERN

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NOTATION = {
    "type": "string",
    "description": "a stem in one line, such as 4x3x3 or 7x7/2:64 max3x3/2 2xres(2x3x3:64)",
}


def _schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """(the fields of a config as a user writes them, the definitions that they refer to)."""
    kinds = [Config, Stem, WrittenPlane]
    (config, stem, plane), definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    fields = dict(definitions[config["$ref"].rpartition("/")[2]]["properties"])
    layer = {"anyOf": [_NOTATION, stem["items"]]}
    fields["stem"] = {"anyOf": [_NOTATION, {"type": "array", "items": layer, "minItems": 1}]}
    sides = {"type": "string", "pattern": "^[0-9]+(x[0-9]+(x[0-9]+)?)?$", "description": "224x320 or 224x224x3"}
    fields["input"] = {"anyOf": [{"type": "integer", "minimum": 1}, sides, plane]}
    return {name: _without_default(field) for name, field in fields.items()}, definitions


def _without_default(field: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in field.items() if name != "default"}


def config_schema() -> dict[str, Any]:
    """The schema of one config."""
    fields, definitions = _schemas()
    return {
        "$schema": _DIALECT,
        "title": "config",
        "type": "object",
        "properties": fields,
        "required": ["stem"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def sweep_schema() -> dict[str, Any]:
    """The schema of a sweep file."""
    fields, definitions = _schemas()
    ranged = {"type": "string", "pattern": r"^range\(.*\)$", "description": "range(start, stop[, step])"}
    values = {"anyOf": [{"type": "array", "minItems": 1}, ranged, {"type": ["integer", "number", "string"]}]}
    axes = dict.fromkeys((*STACK_AXES, "seed", *PATHS), values)
    dotted: dict[str, Any] = {path: {} for path in PATHS if "." in path}
    label = {"type": "string", "minLength": 1, "maxLength": MAX_LABEL, "description": "what tables call the configs"}
    entry = {"type": "object", "properties": {**fields, **dotted, "seed": {}, "label": label}, "required": ["stem"]}
    stems = {"type": "array", "items": {"anyOf": [fields["stem"], {**entry, "additionalProperties": False}]}}
    in_step = {"type": "object", "properties": axes, "additionalProperties": False, "minProperties": 2}
    own = {
        "name": {"type": "string", "pattern": f"^{NAME_PATTERN}$"},
        "description": {"type": "string"},
        "grid": {"type": "object", "properties": axes, "additionalProperties": False},
        "zip": {"anyOf": [in_step, {"type": "array", "items": in_step}]},
        "stems": stems,
    }
    return {
        "$schema": _DIALECT,
        "title": "sweep",
        "type": "object",
        "properties": {**own, **fields, **dotted},
        "additionalProperties": False,
        "$defs": definitions,
    }
