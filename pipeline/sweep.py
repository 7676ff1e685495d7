"""A sweep: a named, ordered list of configs, expanded lazily from what a sweep file says."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import msgspec

from pipeline.axis import PATHS, STACK_AXES, axis_path, axis_values, stack_stem
from pipeline.config import Config, build, canonical_stem
from pipeline.errors import InputError, quote
from pipeline.input_plane import written_sides
from pipeline.names import NAME, Labelled, check_label, check_name
from pipeline.presets import preset_text
from pipeline.sweepfile import parse_sweep_file

DEFAULT_MAX_CONFIGS = 1_000_000

_OWN_FIELDS = ("name", "description", "grid", "stems", "stem")
_FIELDS = (*_OWN_FIELDS, "input", "init", "probes", "readout", "dtype")


class Sweep(msgspec.Struct, frozen=True):
    """A sweep as written, checked: `axes` by dotted path in the order of the grid, `entries` the explicit stems."""

    name: str
    spec: dict[str, Any]
    axes: dict[str, Sequence[Any]]
    entries: tuple[dict[str, Any], ...]
    defaults: dict[str, Any]

    @property
    def size(self) -> int:
        """Number of configs, counted without making them."""
        grid = prod(len(values) for values in self.axes.values()) if self._has_stack() else 0
        return grid + sum(prod(len(values) for values in self._crossed(entry).values()) for entry in self.entries)

    def __iter__(self) -> Iterator[Config]:
        """The configs in the order of `labelled`."""
        return (each.config for each in self.labelled())

    def labelled(self) -> Iterator[Labelled]:
        """The configs with their labels: the grid, its last axis fastest, then the explicit stems.

        Raises InputError at the first config that cannot be used.
        """
        if self._has_stack():
            for config in self._expanded({}, self.axes):
                yield Labelled(config)
        for entry in self.entries:
            fields = {field: value for field, value in entry.items() if field != "label"}
            for config in self._expanded(fields, self._crossed(fields)):
                yield Labelled(config, entry.get("label"))

    def _has_stack(self) -> bool:
        return any(path in STACK_AXES for path in self.axes)

    def _crossed(self, entry: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
        """The axes that an explicit stem runs through: those that neither describe a stack nor are set by itself."""
        return {
            path: values
            for path, values in self.axes.items()
            if path not in STACK_AXES and not any(field == path or field.startswith(f"{path}.") for field in entry)
        }

    def _expanded(self, entry: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]) -> Iterator[Config]:
        for values in _product(tuple(axes.values())):
            settings = {**self.defaults, **entry, **_flat(dict(zip(axes, values, strict=True)))}
            stack = {path: settings.pop(path) for path in STACK_AXES if path in settings}
            if "stem" not in settings:
                settings["stem"] = stack_stem(**stack)
            yield build(_nested(settings))


def _product(axes: tuple[Sequence[Any], ...]) -> Iterator[tuple[Any, ...]]:
    """Every combination, the last axis fastest; itertools.product would first write a long range out."""
    if not axes:
        yield ()
        return
    for outer in _product(axes[:-1]):
        for value in axes[-1]:
            yield (*outer, value)


def sweep(spec: Mapping[str, Any], overrides: Mapping[str, Any] | None = None, *, name: str | None = None) -> Sweep:
    """The sweep that a mapping describes, with axes set or overridden and perhaps another name.

    Raises InputError for an unknown field or axis, a name that is none, or a sweep without stems.
    """
    for field in spec:
        if field not in _FIELDS and not (isinstance(field, str) and field in PATHS):
            raise InputError(f"a sweep has no field {quote(field)} (it has {', '.join(_FIELDS)})")
    grid = spec.get("grid") or {}
    if not isinstance(grid, Mapping):
        raise InputError(f"grid is a mapping of axes to values, not {quote(grid)}")
    grid = _overridden(grid, overrides or {})
    axes = {axis_path(axis): axis_values(axis, written) for axis, written in grid.items()}
    if len(axes) < len(grid):  # seed and init.seed
        raise InputError(f"grid names one axis in two ways ({', '.join(map(str, grid))}); keep one")
    found = Sweep(
        name=check_name(name or spec.get("name")),
        spec={**spec, **({"grid": grid} if grid else {})},
        axes=axes,
        entries=_entries(spec),
        defaults=_flat({field: value for field, value in spec.items() if field not in _OWN_FIELDS}),
    )
    if found.size == 0:
        raise InputError(f"sweep {quote(found.name)} has no stems; give it `stems:` or a grid with a `kernel` axis")
    return found


def _overridden(grid: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The grid with axes set: one that it has, by whichever name, keeps its place and its name."""
    names = {axis_path(axis): axis for axis in grid}
    return {**grid, **{names.get(axis_path(axis), axis): written for axis, written in overrides.items()}}


def stem_sweep(stem: str, overrides: Mapping[str, Any], fields: Mapping[str, Any], name: str | None = None) -> Sweep:
    """The sweep of one stem, named by the digest of what it holds."""
    spec: dict[str, Any] = {"stems": [canonical_stem(stem)], **fields}
    if overrides:
        spec["grid"] = dict(overrides)
    digest = hashlib.sha256(msgspec.json.encode(spec, order="sorted")).hexdigest()
    return sweep(spec, name=name or digest[:12])


def preset_spec(name: str) -> dict[str, Any] | None:
    """What the preset of that name says, None where there is none."""
    if not NAME.fullmatch(name):
        return None
    try:
        return parse_sweep_file(preset_text(name), ".yaml", f"preset {name}")
    except FileNotFoundError:
        return None


def check_size(found: Sweep, most: int = DEFAULT_MAX_CONFIGS) -> None:
    """Raises InputError for a sweep of more than `most` configs."""
    if found.size > most:
        raise InputError(
            f"sweep {quote(found.name)} has {found.size} configs, more than the {most} of --max-configs; "
            "raise it or shorten an axis"
        )


def _entries(spec: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    stems = spec.get("stems", [])
    if not isinstance(stems, list):
        raise InputError(f"stems is a list, not {quote(stems)}")
    if "stem" in spec:
        stems = [spec["stem"], *stems]
    found = []
    for position, entry in enumerate(stems):
        fields = _flat(entry) if isinstance(entry, Mapping) else {"stem": entry}
        if "stem" not in fields:
            raise InputError(f"stems[{position}] has no stem; write it as {{stem: 4x3x3, init.seed: 7}}")
        for field in STACK_AXES:
            if field in fields:
                raise InputError(f"stems[{position}] sets {field} beside its stem; write it in the stem")
        if "label" in fields:
            check_label(fields["label"], canonical_stem(fields["stem"]))
        found.append(fields)
    return tuple(found)


def _flat(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a config by dotted path: {init: {seed: 7}} and {init.seed: 7} say the same."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        path = "init.seed" if name == "seed" else str(name)
        if path == "input":
            value = written_sides(value)
        if isinstance(value, Mapping):
            flat |= {f"{path}.{inner}": setting for inner, setting in value.items()}
        else:
            flat[path] = value
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        part, dot, field = path.partition(".")
        if not dot:
            nested[part] = value
        elif isinstance(nested.setdefault(part, {}), dict):
            nested[part][field] = value
        else:
            raise InputError(f"{part} is a mapping, not {quote(nested[part])}, where {path} is set too")
    return nested
