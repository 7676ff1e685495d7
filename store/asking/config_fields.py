"""The fields of a config by their paths, with those of the layer of a plain stack, and their values as text."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pipeline.config import Config
from pipeline.stem import DEFAULT_ACTIVATION, parse, uniform_layer

VALUES_SHOWN = 4
"""Of the values of an axis, in one line."""


def config_fields(config: Config, *, as_stack: bool) -> dict[str, Any]:
    """Every field of a config by its path; a list is a tuple, and a seed is None where it decides nothing.

    as_stack: instead of `stem`, its `stack_fields`, if it is a plain stack.
    """
    from pipeline.sweep.build import draws_probes, draws_weights

    found: dict[str, Any] = {}
    for name, value in msgspec.to_builtins(config).items():
        if isinstance(value, dict):
            found |= {
                f"{name}.{field}": tuple(each) if isinstance(each, list) else each for field, each in value.items()
            }
        elif name == "stem" and as_stack:
            found |= stack_fields(value) or {}
        else:
            found[name] = value
    if config.init.seed == 0 and not draws_weights(config):  # as it is then always
        found["init.seed"] = None
    if config.probes.seed == 0 and not draws_probes(config):
        found["probes.seed"] = None
    return found


@lru_cache(maxsize=4096)
def stack_fields(notation: str) -> dict[str, Any] | None:
    """Depth and fields of the layer of a plain stack, a pair of like numbers as that number; None of another stem."""
    stem = parse(notation)
    layer = uniform_layer(stem)
    if layer is None:
        return None
    fields = {name: _side(getattr(layer, name)) for name in layer.__struct_fields__}
    return {"depth": len(stem), **fields, "activation": layer.activation or DEFAULT_ACTIVATION}


def field_text(path: str, value: Any) -> str:
    """The value of a field as a user writes it.

    >>> field_text("kernel", (3, 5)), field_text("readout.position", (3, 5)), field_text("init.path", None)
    ('3x5', '[3, 5]', 'none')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        if "." in path:
            return f"[{', '.join(map(str, value))}]"
        return "x".join("+".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in value)
    return str(value)


def some_values(path: str, values: Sequence[Any]) -> str:
    """The first values of a field in a line, and how many there are where there are more.

    >>> some_values("init.seed", range(9))
    '0, 1, 2, 3, ... of 9'
    """
    words = [field_text(path, value) for value in values[:VALUES_SHOWN]]
    more = [f"... of {len(values)}"] if len(values) > VALUES_SHOWN else []
    return ", ".join(words + more)


def _side(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value[0] == value[1] else value
