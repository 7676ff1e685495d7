"""Writes docs/schema.md from the JSON Schemas: `python docs/schema.py`. A test says when the page is stale."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from pipeline.sweep.jsonschema import config_schema, sweep_schema

PAGE = Path(__file__).with_name("schema.md")
HEAD = """# Schema

The keys of a sweep file and their types, from the JSON Schemas that `erfsweep schema sweep` and `erfsweep schema
config` print; `python docs/schema.py` writes this page. [Stems, configs and
sweep files](stems.md) says what the keys mean.

```console
$ erfsweep schema sweep > sweep.schema.json
```

Editors that know JSON Schema complete and check a sweep file while you write it. Many look for a first line such as
`# yaml-language-server: $schema=sweep.schema.json`.
"""

Schema = Mapping[str, Any]


def page() -> str:
    """The page, in Markdown."""
    sweep, config = sweep_schema(), config_schema()
    keys = {name: each for name, each in sweep["properties"].items() if "." not in name}
    axes = ", ".join(f"`{name}`" for name in sweep["properties"]["grid"]["properties"] if "sha256" not in name)
    definitions = config["$defs"]
    parts = {key: definitions[kind] for key, kind in _PARTS.items()}
    layers = {each["properties"]["layer"]["enum"][0]: each for each in definitions.values() if _is_layer(each)}
    return (
        HEAD
        + f"\n## A sweep file\n\n{_table(keys, sweep)}"
        + f"\nThe axes, as keys of `grid`, of `zip` and of `-s`: {axes}.\n"
        + "".join(f"\n## `{key}`\n\n{_table(each['properties'], each)}" for key, each in parts.items())
        + "\n## Layers of the list form\n\nEvery layer may also have a `mark`.\n\n"
        + "| `layer` | key | type | default |\n| --- | --- | --- | --- |\n"
        + "".join(_layer(tag, each) for tag, each in layers.items())
    )


_PARTS = {"input": "WrittenPlane", "init": "Init", "probes": "Probes", "readout": "Readout"}
"""The structs that a config is made of, by the key that has them."""


def _is_layer(definition: Schema) -> bool:
    return "layer" in definition["properties"] and "layer" in definition["required"]


def _table(properties: Schema, of: Schema) -> str:
    rows = [
        _row((f"`{name}`", _type(each), _default(name, each, of)))
        for name, each in properties.items()
        if name != "sha256"  # written by erfsweep, not by a user
    ]
    return "| key | type | default |\n| --- | --- | --- |\n" + "".join(rows)


def _default(name: str, schema: Schema, of: Schema) -> str:
    if name in of.get("required", ()):
        return "required"
    found = schema.get("default")
    return f"`{json.dumps(found)}`" if found is not None and not isinstance(found, dict) else ""


def _layer(tag: str, layer: Schema) -> str:
    """The rows of a layer."""
    keys = {name: each for name, each in layer["properties"].items() if name not in ("layer", "mark")}
    rows = [(f"`{name}`", _type(each), _default(name, each, layer)) for name, each in keys.items()]
    cells = [(f"`{tag}`", *row) for row in rows[:1] or [("none", "", "")]] + [("", *row) for row in rows[1:]]
    return "".join(_row(each) for each in cells)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


def _type(schema: Schema) -> str:
    """What a value may be, in words."""
    if "discriminator" in schema:
        return "a layer"
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return next((f"[mapping](#{key})" for key, kind in _PARTS.items() if kind == name), "mapping")
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"] if each.get("type") != "null"))
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if "description" in schema:
        return str(schema["description"]).partition(", such as")[0]
    if schema.get("type") == "array":
        return _array(schema)
    return (
        _number(schema) if schema.get("type") in ("integer", "number") else _PLAIN.get(str(schema.get("type")), "any")
    )


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return "[" + ", ".join(_type(each) for each in schema["prefixItems"]) + "]"
    return f"list of {_type(schema['items'])}" if schema.get("items") else "list"


def _number(schema: Schema) -> str:
    word, low, high = schema["type"], schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{word} from {low} to {high}"
    return f"{word}, {low} or more" if low is not None else word


_PLAIN = {"string": "text", "boolean": "`true` or `false`", "object": "mapping"}

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
