"""The axes of a grid: which fields a sweep runs through, and how their values are written.

A value list is a list, `range(start, stop[, step])` as Python counts, or on the command line values between commas:
`depth=range(1,41)`, `kernel=3,5`, `init.kind=he_normal,orthogonal` (the grammar that Hydra and DVC share).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from pipeline.config import AXIS_PATHS, Config, Init, Probes, Readout
from pipeline.errors import InputError, quote
from pipeline.sentence import listed, nearest, sentence
from pipeline.stem import MAX_LAYERS, Conv, Plane, canonical, format_stem, parse, uniform_layer

TOGETHER = ","
"""Between the names of axes that run in step, where one name stands for them: `kernel,depth`."""
BESIDE = ":"
"""Between the values of such axes: `3:10`."""

STACK_AXES = ("kernel", "depth", "features", "dilation", "stride", "activation")
_PARTS: dict[str, type[msgspec.Struct]] = {"input": Plane, "init": Init, "probes": Probes, "readout": Readout}
PATHS = (
    "input",
    "dtype",
    *(f"{part}.{field}" for part, struct in _PARTS.items() for field in struct.__struct_fields__),
)

_Scalar = str | int | float

_RANGE = r"(?a)range\(\s*(-?\d{1,15})\s*,\s*(-?\d{1,15})\s*(?:,\s*(-?\d{1,15})\s*)?\)"

_AS_ONE = {
    "input": ", or write one plane as 224x224x3",
    "readout.position": ", or write one position as [50, 50]",
}
"""How a value is written whose parts a user may have taken for a list."""
_CUT_RANGE = r"range\([^)]*"
_CUT_NUMBERS = r"[a-z_0-9]+\([^)]*"
_AFTER_COMMA = r"-?[0-9]+\)?"
_NUMBERS = r"(?a)-?[0-9]+(\s*,\s*-?[0-9]+)+"


def axis_path(name: str) -> str:
    """The field of a config (dotted) or of a plain stack that an axis runs through.

    Raises InputError for a name that is neither, with the nearest ones.
    """
    name = str(name)  # a key of YAML may be a number
    path = AXIS_PATHS.get(name, name)
    if path in STACK_AXES or path in PATHS:
        return path
    if name in _PARTS:
        fields = [each for each in PATHS if each.startswith(f"{name}.")]
        raise InputError(f"{quote(name)} has several fields, so it is not an axis; set one of {listed(fields)}")
    if name in ("stem", "stems"):
        raise InputError(
            f"{quote(name)} is not an axis; name several stems with commas between them, as in '4x3x3, 5x5', "
            "or list them under `stems:` in a sweep file"
        )
    known = (*STACK_AXES, *AXIS_PATHS, *PATHS)
    hint = nearest(name, known) or f"; the axes are {listed(known, 'and')}"
    raise InputError(f"there is no axis {quote(name)}{hint}")


def check_whole(name: str, written: object) -> None:
    """Raises InputError for a value that YAML cut at a comma, as it does between braces, or did not cut, in the open.

    `name` is the axis, or the dotted path of a field, as it was written.
    """
    field = name.rpartition(".")[2]
    if written is None and re.fullmatch(_AFTER_COMMA, field):
        raise InputError(
            f"YAML takes {quote(field)} for a field, as it stands after a comma between braces; put a list in "
            "brackets, as in [3, 4], and a range in quotes, as in 'range(1, 41)'"
        )
    for value in written if isinstance(written, list) else [written]:
        if isinstance(value, str) and re.fullmatch(_CUT_RANGE, value):
            raise InputError(
                f"axis {name}: {quote(value)} is a range that YAML cut at its comma, as it does between braces and "
                f"brackets; put it in quotes and outside brackets, as in {name}: 'range(1, 41)'"
            )
    if isinstance(written, str) and re.fullmatch(_NUMBERS, written):
        raise InputError(f"axis {name}: {quote(written)} is text; put a list in brackets, as in {name}: [{written}]")


def axis_values(name: str, written: object, may_repeat: bool = False) -> Sequence[Any]:
    """The values of an axis: a list, one value, or `range(...)`.

    Raises InputError for none, or for one given twice unless it `may_repeat`.
    """
    values: Sequence[Any]
    if isinstance(written, str) and (match := re.fullmatch(_RANGE, written)):
        start, stop, step = (int(number) if number else 1 for number in match.groups())
        if step == 0:
            raise InputError(f"axis {name}: {quote(written)} has step 0; give it another")
        values = range(start, stop, step)
    elif isinstance(written, str) and written.startswith("range"):
        raise InputError(f"axis {name}: {quote(written)} is not a range; write range(start, stop[, step])")
    else:
        values = written if isinstance(written, list) else [written]
    if len(values) == 0:
        raise InputError(f"axis {name} has no values in {quote(written)}; list at least one")
    if not isinstance(values, range) and not may_repeat:
        seen = set()
        for value in values:
            key = value if isinstance(value, _Scalar) else repr(value)  # a plane may be a mapping, a stride a list
            if key in seen:
                raise InputError(f"axis {name} lists {quote(value)} twice; drop one{_AS_ONE.get(name, '')}")
            seen.add(key)
    if name != "input" and isinstance(values, list) and any(isinstance(value, Mapping) for value in values):
        raise InputError(f"axis {name} takes no mapping, {quote(written)}; list its values, as in {name}: [3, 5]")
    return values


def parse_setting(text: str) -> tuple[str, object]:
    """(name, values) of `-s name=values`; values are separated by commas, brackets make a list one value.

    `-s kernel,depth=3:10,5:5` names several axes that run in step: their values are rows, [[3, 10], [5, 5]].
    Raises InputError for text that is not a setting.
    """
    name, sign, written = text.partition("=")
    if not sign or not name.strip() or not written.strip():
        raise InputError(f"-s {quote(text)} is not a setting; write -s depth='range(1,41)' or -s kernel=3,5")
    name, written = name.strip(), written.strip()
    if written.startswith("range"):
        return name, written
    from pipeline.sweep.sweepfile import check_text, parse_sweep_file

    values = parse_sweep_file(f"values: [{written}]", ".yaml", f"-s {quote(text)}")["values"]
    check_text(values, f"-s {quote(text)}")
    for value in values:
        if isinstance(value, str) and re.fullmatch(_CUT_NUMBERS, value):
            raise InputError(f"-s {quote(text)}: {quote(value)} is cut at a comma; write {name}='\"{value},...)\"'")
    if TOGETHER in name:
        return name, [_row(value, f"-s {quote(text)}") for value in values]
    return name, values


def _row(value: object, where: str) -> object:
    """The values between the colons of a text."""
    from pipeline.sweep.sweepfile import parse_sweep_file

    if not isinstance(value, str):
        return value
    return [parse_sweep_file(f"value: {part}", ".yaml", where)["value"] for part in value.split(BESIDE)]


def without_axes(config: Config, *paths: str) -> str:
    """Everything of a config but some axes, as text that is equal for two configs that differ in nothing else.

    A plain stack is its depth and all fields of its layer, those that are no axis (padding, groups) among them; another
    stem is its notation, whatever axes of a stack are left out.
    """
    rest: dict[str, Any] = {"stem": ""}
    for path in paths:
        part, _, field = path.partition(".")
        if field:
            rest[part] = msgspec.structs.replace(rest.get(part, getattr(config, part)), **{field: None})
        elif path not in STACK_AXES:
            rest[part] = None
    stem = _stem_without(config.stem, tuple(path for path in paths if path in STACK_AXES))
    return stem + msgspec.json.encode(msgspec.structs.replace(config, **rest), order="sorted").decode()


@lru_cache(maxsize=4096)
def _stem_without(notation: str, axes: tuple[str, ...]) -> str:
    stem = parse(notation)
    layer = uniform_layer(stem)
    if layer is None:
        return notation
    fields = {"depth": len(stem), **msgspec.to_builtins(layer)}
    left = {name: value for name, value in fields.items() if name not in axes}
    return msgspec.json.encode(left, order="sorted").decode()


def stack_stem(**fields: Any) -> str:
    """The notation of a plain stack. Raises InputError for a field out of bounds."""
    hashable: dict[str, Any] = {}
    for name, value in fields.items():
        hashable[name] = tuple(value) if isinstance(value, list) else value
        parts = hashable[name] if isinstance(value, list | tuple) else (value,)
        if not all(isinstance(part, _Scalar) for part in parts):
            raise InputError(f"{name} of a plain stack is a number, a pair or a word, not {quote(value)}")
    return _stack_stem(**hashable)


@lru_cache(maxsize=4096, typed=True)  # typed: 3 and 3.0 and True are not the same
def _stack_stem(**fields: Any) -> str:
    settings = dict(fields)
    depth = settings.pop("depth", 1)
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= MAX_LAYERS:
        raise InputError(f"depth must be between 1 and {MAX_LAYERS}, not {quote(depth)}")
    for name in ("kernel", "stride", "dilation"):
        if isinstance(settings.get(name), str) and re.fullmatch(r"[0-9]{1,9}x[0-9]{1,9}", settings[name]):
            settings[name] = tuple(int(side) for side in settings[name].split("x"))
    try:
        layer = msgspec.convert(settings | {"layer": "conv"}, Conv)
    except msgspec.ValidationError as error:
        raise InputError(f"plain stack: {sentence(error, settings, Conv)}") from None
    return canonical(format_stem((layer,) * depth))
