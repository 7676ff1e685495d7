"""Groups of results: rows that are alike in everything but some axes, told apart in one pass over a table."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.config import KERNEL_VERSION, decode
from store.asking.table import Table, numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipeline.stem import Plane


class Groups(msgspec.Struct, frozen=True):
    """The groups of a table's rows, in the order of their first members.

    of: the number of each row's group, int64 as an array of the standard library. count: how many groups there are.
    """

    table: Table
    of: "array[int]"
    count: int

    def first(self, name: str) -> list[Any]:
        """The value of a column in the first member of each group."""
        found: list[Any] = []
        for group, (value,) in zip(self.of, self.table.only((name,)).rows, strict=True):
            if group == len(found):
                found.append(value)
        return found

    def shared(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """For each group the values of columns that all its members have in common, None where they differ."""
        found: list[tuple[Any, ...]] = []
        met: dict[Any, Any] = {}  # equal values of many groups are one object
        for group, row in zip(self.of, self.table.only(names).rows, strict=True):
            if group == len(found):
                found.append(tuple(met.setdefault((type(value), value), value) for value in row))
            elif row != found[group]:
                found[group] = tuple(
                    one if one == other else None for one, other in zip(found[group], row, strict=True)
                )
        return found

    def columns(self, names: Sequence[str]) -> "Mapping[str, npt.NDArray[np.float64]]":
        """The columns of the rows, as `numbers` has them."""
        return numbers(self.table, names)

    def members(self) -> "list[npt.NDArray[np.intp]]":
        """The numbers of the rows of each group, growing: intp [rows of the group]."""
        import numpy as np

        of = np.frombuffer(self.of, np.int64) if self.of else np.empty(0, np.int64)
        order = np.argsort(of, kind="stable")
        return np.split(order, np.flatnonzero(np.diff(of[order])) + 1) if self.of else []


def groups(table: Table, *paths: str) -> Groups:
    """Rows by everything of their config but some axes; the table has `spec` and `kernel_version`.

    What different versions of the kernel measured is kept apart: it may be one draw measured twice. A row that is not
    measured yet will be so by the present one. Where an axis of the stem is left out the plane may follow the stem, as
    a chosen one does: it keeps rows apart only where one stem is on several.
    """
    from pipeline.sweep.grid import STACK_AXES, without_axes

    follows = any(path in STACK_AXES for path in paths)
    left_out = (*paths, "input.height", "input.width") if follows else paths
    fine: dict[tuple[bytes, Plane], int] = {}  # rows of one key on one plane, numbered as they come
    of = array("q")
    planes: dict[tuple[bytes, str], Plane] = {}
    contested: set[bytes] = set()
    known: dict[tuple[Any, ...], int] = {}  # the number in `fine` of specs that are alike but for the axes
    cut = spec_cut(left_out)
    for spec, version in table.only(("spec", "kernel_version")).rows:
        rest = (version, cut(spec))
        found = known.get(rest)
        if found is None:
            config = decode(spec.encode())
            text = f"{version or KERNEL_VERSION} {without_axes(config, *left_out)}"
            key = blake2b(text.encode(), digest_size=16).digest()
            if follows and planes.setdefault((key, config.stem), config.input) != config.input:
                contested.add(key)
            found = known[rest] = fine.setdefault((key, config.input), len(fine))
        of.append(found)
    number: dict[tuple[bytes, Plane | None], int] = {}
    coarse = [
        number.setdefault((key, plane if not follows or key in contested else None), len(number)) for key, plane in fine
    ]
    return Groups(table, array("q", (coarse[group] for group in of)), len(number))


def spec_cut(paths: Sequence[str]) -> Callable[[str], str]:
    """A function that cuts these fields out of the canonical JSON of a config, so that two texts which are equal then
    differ in nothing else. It leaves a text whole, which is right as well, where it is not sure.

    Fields of a plane stay, and those of a stack too: more than one text may then belong to one group.
    """
    parts = [path.partition(".") for path in paths]
    keys = [(f'"{part}":{{', f'"{name}":') for part, _, name in parts if name and part in ("init", "probes", "readout")]

    def cut(spec: str) -> str:
        if '"path"' in spec:
            return spec
        for part, key in keys:
            # Without the path of a file, the one text that a user writes, a part has no quoted brackets, and no nested.
            start = spec.find(part)
            end = spec.find("}", start)
            at = spec.find(key, start, end) if start >= 0 else -1
            if at >= 0:
                value = at + len(key)
                behind = spec.find("]", value) + 1 if spec[value] == "[" else spec.find(",", value, end)
                spec = spec[:at] + spec[behind if behind > 0 else end :]
        return spec

    return cut if keys else lambda spec: spec
