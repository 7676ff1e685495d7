"""A sweep: a named, ordered list of configs, expanded lazily from what a sweep file says."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import islice
from math import prod
from typing import Any

import msgspec

from pipeline.config import FILED, PREPARATION, Config
from pipeline.errors import InputError, quote
from pipeline.limits import DEFAULT_MAX_CONFIGS
from pipeline.sentence import nearest
from pipeline.stem import split_stems
from pipeline.sweep.build import build, canonical_stem
from pipeline.sweep.dimension import Dimension, in_step, product, zipped, zips
from pipeline.sweep.entries import Entry, check_fields, entries, flat, nested
from pipeline.sweep.grid import PATHS, STACK_AXES, TOGETHER, axis_path, axis_values, check_whole, stack_stem
from pipeline.sweep.names import Labelled, check_name, check_new_name, is_name
from pipeline.sweep.presets import preset_fields

_OWN_FIELDS = ("name", "description", "grid", "zip", "stems", "stem")
_SPELT = ("kernel", "stride", "dilation", "init.path", "init.sha256", "probes.path", "probes.sha256")
"""Axes whose values may be spelt in two ways, as 3 and 3x3."""
_FIELDS = (*_OWN_FIELDS, "input", "init", "probes", "readout", "dtype")


class Sweep(msgspec.Struct, frozen=True):
    """A sweep as written, checked: `dimensions` those that run in step, then the grid; `entries` the explicit stems."""

    name: str
    spec: dict[str, Any]
    dimensions: tuple[Dimension, ...]
    entries: tuple[Entry, ...]
    defaults: dict[str, Any]

    @property
    def size(self) -> int:
        """Number of configs, those that come again included, counted without making them."""
        return sum(prod(map(len, dimensions)) for dimensions in self.grids())

    @property
    def paths(self) -> tuple[str, ...]:
        """The axes of the sweep by dotted path."""
        return tuple(path for dimension in self.dimensions for path in dimension.axes)

    def __iter__(self) -> Iterator[Config]:
        """The configs in the order of `labelled`."""
        return (each.config for each in self.labelled())

    def labelled(self) -> Iterator[Labelled]:
        """The configs with their labels: the grid, its last axis fastest, then the explicit stems.

        Raises InputError at the first config that cannot be used.
        """
        if self._has_stack():
            for config in self._expanded({}, self.dimensions):
                yield Labelled(config)
        for entry in self.entries:
            for config in self._expanded(entry.fields, self._crossed(entry), entry.place):
                yield Labelled(config, entry.label)

    def distinct(self) -> Iterator[Labelled]:
        """The same without those that come again: what is queued."""
        seen = set()
        for each in self.labelled():
            key = bytes.fromhex(each.config.digest)
            if key not in seen:
                seen.add(key)
                yield each

    def check(self) -> None:
        """Builds the first config of each explicit stem and of the grid, and of the first of these one for each value
        of an axis that was listed.

        Raises InputError as `labelled` would, but for values that only together cannot be used.
        """
        groups: list[tuple[Mapping[str, Any], tuple[Dimension, ...], str]] = []
        if self._has_stack():
            groups.append(({}, self.dimensions, ""))
        groups += [(entry.fields, self._crossed(entry), entry.place) for entry in self.entries]
        for fields, dimensions, place in groups:
            next(self._expanded(fields, dimensions, place))
        fields, dimensions, place = groups[0]
        firsts = [dimension.only(0) for dimension in dimensions]
        for number, dimension in enumerate(dimensions):
            last = len(dimension) - 1
            for at in (0, last) if dimension.is_range else range(1, last + 1):
                chosen = (*firsts[:number], dimension.only(at), *firsts[number + 1 :])
                next(self._expanded(fields, chosen, place))

    def grids(self) -> Iterator[tuple[Dimension, ...]]:
        """The dimensions of each product that the sweep is made of: of the grid, and of each explicit stem."""
        if self._has_stack():
            yield self.dimensions
        yield from map(self._crossed, self.entries)

    def _has_stack(self) -> bool:
        return any(path in STACK_AXES for path in self.paths)

    def _crossed(self, entry: Entry) -> tuple[Dimension, ...]:
        """What an explicit stem runs through: the axes that neither describe a stack nor are set by itself."""
        left_out = frozenset(
            path
            for path in self.paths
            if path in STACK_AXES or any(field == path or field.startswith(f"{path}.") for field in entry.fields)
        )
        kept = (dimension.without(left_out) for dimension in self.dimensions)
        return tuple(dimension for dimension in kept if dimension is not None)

    def _expanded(
        self, fields: Mapping[str, Any], dimensions: Sequence[Dimension], place: str = ""
    ) -> Iterator[Config]:
        known: dict[str, str] = {}
        for values in product(dimensions):
            settings = _of_its_kinds({**self.defaults, **fields, **flat(values)}, self.paths)
            stack = {path: settings.pop(path) for path in STACK_AXES if path in settings}
            if "stem" not in settings:
                settings["stem"] = stack_stem(**stack)
            try:
                config = build(nested(settings), known)
            except InputError as error:
                raise InputError(f"{place}: {error}" if place else str(error)) from None
            yield config


def _of_its_kinds(settings: dict[str, Any], axes: Sequence[str]) -> dict[str, Any]:
    """The settings without the file of a kind that an axis has changed for one that needs none.

    So a trained network is compared with an untrained one by `init.kind=file,he_normal`, though its file stands beside.
    """
    for part in ("init", "probes"):
        if f"{part}.kind" in axes and settings.get(f"{part}.kind") not in FILED:
            for field in ("path", "sha256", "prepare", *PREPARATION):
                if f"{part}.{field}" not in axes:
                    settings.pop(f"{part}.{field}", None)
    return settings


def sweep(
    spec: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    is_stored: bool = False,
) -> Sweep:
    """The sweep that a mapping describes, with axes set or overridden and perhaps another name.

    `is_stored`: the name stands in a store already, which may be older than the rule that it hides no stem.
    Raises InputError for an unknown field or axis, a name that is none, axes that no stem would follow, or a sweep
    without stems.
    """
    for field in spec:
        if field not in _FIELDS and not (isinstance(field, str) and field in PATHS):
            if field in STACK_AXES or field == "seed":
                raise InputError(f"a sweep has no field {quote(field)}; it is an axis, write it under `grid:`")
            hint = nearest(str(field), (*_FIELDS, *PATHS))
            raise InputError(f"a sweep has no field {quote(field)}{hint} (it has {', '.join(_FIELDS)})")
    grid = spec.get("grid") or {}
    if not isinstance(grid, Mapping):
        raise InputError(f"grid is a mapping of axes to values, as in grid: {{seed: [1, 2]}}, not {quote(grid)}")
    for axis, written in grid.items():
        check_whole(str(axis), written)
    whole, together = _overridden(grid, zips(spec["zip"]) if "zip" in spec else [], overrides or {})
    axes = {axis_path(axis): axis_values(axis, written) for axis, written in whole.items()}
    dimensions = (*map(zipped, together), *(Dimension({path: values}) for path, values in axes.items()))
    paths = [path for dimension in dimensions for path in dimension.axes]
    if len(axes) < len(whole):  # seed and init.seed
        raise InputError(f"grid names one axis in two ways ({', '.join(map(str, whole))}); keep one")
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise InputError(f"{twice} stands twice, under `zip:` and `grid:` or in two mappings of `zip:`; keep one")
    named = name or spec.get("name")
    full = {**spec, **({"grid": whole} if whole else {}), **({"zip": together} if together else {})}
    if not whole:
        full.pop("grid", None)
    defaults = flat({field: value for field, value in spec.items() if field not in _OWN_FIELDS})
    check_fields(defaults, "a sweep")
    found = Sweep(
        name=check_name(named) if is_stored else check_new_name(named, full),
        spec=full,
        dimensions=dimensions,
        entries=entries(spec),
        defaults=defaults,
    )
    _check_stacks(found, {axis_path(axis) for written in (grid, *zips(spec.get("zip", []))) for axis in written})
    if found.size == 0:
        raise InputError(f"sweep {quote(found.name)} has no stems; give it `stems:` or a grid with a `kernel` axis")
    return found


def _overridden(
    grid: Mapping[str, Any], together: list[dict[str, Any]], overrides: Mapping[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The grid and the axes that run in step, with axes set: one of the grid keeps its place and its name.

    Axes that are set to run in step leave the grid. Raises InputError for one axis out of several that run in step.
    """
    single = {axis: written for axis, written in overrides.items() if TOGETHER not in axis}
    several = [in_step(axis, written) for axis, written in overrides.items() if TOGETHER in axis]
    moved = {axis_path(axis) for written in several for axis in written}
    kept = [written for written in together if not moved.issuperset(axis_path(axis) for axis in written)]
    for written in kept:
        paths = [axis_path(axis) for axis in written]
        for path in (*moved, *map(axis_path, single)):
            if path in paths:
                raise InputError(
                    f"{path} runs in step with others; set them together, as in -s {TOGETHER.join(paths)}=..."
                )
    whole = {axis: written for axis, written in grid.items() if axis_path(axis) not in moved}
    names = {axis_path(axis): axis for axis in whole}
    return {**whole, **{names.get(axis_path(axis), axis): written for axis, written in single.items()}}, [
        *kept,
        *several,
    ]


def _check_stacks(found: Sweep, written: set[str]) -> None:
    """Raises InputError for axes of a plain stack that were set beside explicit stems, or that describe no stack.

    `written`: the axes that the sweep had before any was set.
    """
    of_stack = [path for path in found.paths if path in STACK_AXES]
    if not of_stack:
        return
    first = of_stack[0]
    if found.entries and not written.intersection(STACK_AXES):
        raise InputError(
            f"{first} describes a plain stack and would not change {found.entries[0].shown}, which is written out; "
            f"write the {first} in the stem, or name several stems, as in '4x3x3, 4x5x5'"
        )
    if "kernel" not in found.paths:
        beside = f", or write the {first} in the stems, which do not follow it" if found.entries else ""
        raise InputError(f"the grid has {first} but no kernel, so it describes no stack; add a `kernel` axis{beside}")


def stem_sweep(line: str, overrides: Mapping[str, Any], fields: Mapping[str, Any], name: str | None = None) -> Sweep:
    """The sweep of the stems of a line, with commas between them, named by the digest of what it holds.

    Raises InputError for a stem that cannot be read, or an empty one beside a comma.
    """
    stems = split_stems(line)
    if len(stems) > 1 and not all(stems):
        raise InputError(f"{quote(line)} lacks a stem beside a comma; write '4x3x3, 5x5'")
    spec: dict[str, Any] = {"stems": [canonical_stem(stem) for stem in stems], **fields}
    whole = {**spec, **({"grid": dict(overrides)} if overrides else {})}
    digest = hashlib.sha256(msgspec.json.encode(whole, order="sorted")).hexdigest()
    return sweep(spec, overrides, name=name or f"s{digest[:12]}")


def preset_spec(name: str) -> dict[str, Any] | None:
    """What the preset of that name says, None where there is none."""
    if not is_name(name):
        return None
    try:
        return deepcopy(dict(preset_fields(name)))
    except FileNotFoundError:
        return None


def check_size(found: Sweep, most: int = DEFAULT_MAX_CONFIGS) -> None:
    """Raises InputError for a sweep of more than `most` distinct configs."""
    if found.size <= most:
        return
    least = max(map(_least, found.grids()))
    if least <= most:
        least = sum(1 for _ in islice(found.distinct(), most + 1))
    if least > most:
        shown = least if least == found.size else f"at least {least}"
        raise InputError(
            f"sweep {quote(found.name)} has {shown} configs, more than the {most} of --max-configs; "
            "raise it or shorten an axis"
        )


def _least(dimensions: Sequence[Dimension]) -> int:
    """How many configs a product has at least, counted without making them.

    The values of an axis differ, but two spellings of a plane, or two copies of a file, make one config.
    """
    return prod(
        len(dimension)
        for dimension in dimensions
        if not any(path in _SPELT or path.startswith("input") for path in dimension.axes)
    )
