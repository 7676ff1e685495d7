"""The dimensions of a grid: an axis, or several axes that run in step."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.errors import InputError, counted, quote
from pipeline.sentence import listed
from pipeline.sweep.grid import BESIDE, TOGETHER, axis_path, axis_values, check_whole

_EXAMPLE = "zip: {kernel: [3, 5], depth: [10, 5]}"


class Dimension(msgspec.Struct, frozen=True):
    """The values of one axis by its path, or those of several axes, equally many of each."""

    axes: dict[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.axes.values())))

    @property
    def is_range(self) -> bool:
        """Whether the values only count, so that those between the ends need no look."""
        return all(isinstance(values, range) for values in self.axes.values())

    def at(self, place: int) -> dict[str, Any]:
        """The values at a place of all its axes."""
        return {path: values[place] for path, values in self.axes.items()}

    def only(self, *places: int) -> "Dimension":
        """The dimension with the values at some places."""
        return Dimension({path: [values[place] for place in places] for path, values in self.axes.items()})

    def without(self, left_out: frozenset[str]) -> "Dimension | None":
        """The dimension without some of its axes; None where none is left."""
        axes = {path: values for path, values in self.axes.items() if path not in left_out}
        return Dimension(axes) if axes else None


def product(dimensions: Sequence[Dimension]) -> Iterator[dict[str, Any]]:
    """Every combination, the last dimension fastest; itertools.product would first write a long range out."""
    if not dimensions:
        yield {}
        return
    for outer in product(dimensions[:-1]):
        for place in range(len(dimensions[-1])):
            yield outer | dimensions[-1].at(place)


def zips(written: object) -> list[dict[str, Any]]:
    """What stands under `zip:`, a mapping of axes or a list of such mappings, as the latter.

    Raises InputError for anything else.
    """
    entries: list[Any] = written if isinstance(written, list) else [written]
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise InputError(f"zip is a mapping of axes that run in step, as in {_EXAMPLE}, not {quote(entry)}")
        for axis, values in entry.items():
            check_whole(str(axis), values)
    return list(map(dict, entries))


def zipped(written: Mapping[str, Any]) -> Dimension:
    """The dimension of axes that run in step.

    Raises InputError for unequal numbers of values, a single axis, or values that come together twice.
    """
    axes = {axis_path(axis): axis_values(str(axis), values, may_repeat=True) for axis, values in written.items()}
    if len(axes) < 2:
        raise InputError(f"zip runs two or more axes in step, as in {_EXAMPLE}, not {quote(dict(written))}")
    counts = {path: len(values) for path, values in axes.items()}
    if len(set(counts.values())) > 1:
        shown = listed((f"{path} has {counted(count, 'value')}" for path, count in counts.items()), "and")
        raise InputError(f"zip runs axes in step, so each needs as many values: {shown}")
    dimension = Dimension(axes)
    if not dimension.is_range:
        seen = set()
        for place in range(len(dimension)):
            row = dimension.at(place)
            if (key := repr(row)) in seen:
                raise InputError(f"zip lists {', '.join(f'{path}={value}' for path, value in row.items())} twice")
            seen.add(key)
    return dimension


def in_step(name: str, rows: object) -> dict[str, Any]:
    """Axes that one name with commas stands for, from rows of their values: `kernel,depth` and [[3, 10], [5, 5]].

    Raises InputError for a row that has not one value for each axis.
    """
    names = [each.strip() for each in name.split(TOGETHER)]
    if len(set(names)) < len(names):
        raise InputError(f"{quote(name)} names an axis twice; keep one")
    if not isinstance(rows, list):
        raise InputError(f"{name} takes a list with one value for each axis in every row, not {quote(rows)}")
    for row in rows:
        if not isinstance(row, list | tuple) or len(row) != len(names):
            example = BESIDE.join(str(number) for number in range(3, 3 + len(names)))
            raise InputError(
                f"{name} runs {len(names)} axes in step, and {quote(row)} is not one value for each of them; "
                f"write them with colons between, as in {name}={example}"
            )
    return {axis: [row[place] for row in rows] for place, axis in enumerate(names)}
