"""From a graph of units to a stem: a line of layers with groups, marks where something else reads a tensor."""

import re
from collections import Counter
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.models.units import Unit
from pipeline.stem import Branch, Cat, From, Layer, Stem

_UNMARKED = re.compile(r"[^A-Za-z_0-9./:-]")


class Chain(NamedTuple):
    """A stem; for each of its nodes in running order the unit that it stands for, None for a jump to a mark."""

    stem: Stem
    nodes: tuple[Unit | None, ...]


def chained(units: dict[str, Unit], source: str, output: str, stages: frozenset[str]) -> Chain:
    """The stem of some units from the `source` tensor to the `output`; those of `stages` have marks as well.

    Units that one other reads run in its branch, where that is a group; all others follow each other. What does not
    read the tensor made last begins with its mark.
    """
    readers = Counter(name for unit in units.values() for name in unit.inputs)
    marks, wanted = _marks(units), set[str]()

    def is_inner(tensor: str) -> bool:
        return tensor in units and tensor != output and not units[tensor].is_group and readers[tensor] == 1

    def run_to(tensor: str) -> tuple[list[Unit], str]:
        """The inner units up to a tensor, and the tensor that the first of them reads."""
        run = list[Unit]()
        while is_inner(tensor):
            run.append(units[tensor])
            tensor = units[tensor].inputs[0]
        return run[::-1], tensor

    def branch(run: list[Unit], root: str, current: str) -> Branch:
        stem = tuple(unit.layer for unit in run)
        if root == current:
            return stem
        wanted.add(root)
        return From(marks[root], stem)

    layers, made, nodes, current = list[Layer](), list[str | None](), list[Unit | None](), source
    if readers[source] > 1:  # so that later branches can begin with the input
        layers.append(Cat(branches=((),)))
        made.append(source)
        nodes.append(None)
    for tensor, unit in units.items():
        if is_inner(tensor):
            continue
        if not unit.is_group:
            run, root = run_to(unit.inputs[0])
            run.append(unit)
            if root == current:
                layers.extend(one.layer for one in run)
                made.extend(one.tensor for one in run)
                nodes.extend(run)
            else:
                layers.append(Cat(branches=(branch(run, root, current),)))
                made.append(tensor)
                nodes.extend([*run, None])
        else:
            branches = list[Branch]()
            for name in unit.inputs:
                run, root = run_to(name)
                branches.append(branch(run, root, current))
                nodes.extend(run)
            layers.append(replace(unit.layer, branches=tuple(branches)))
            made.append(tensor)
            nodes.append(unit)
        current = tensor
    wanted |= stages
    marked = [
        replace(layer, mark=marks[name]) if name is not None and name in wanted and name in marks else layer
        for layer, name in zip(layers, made, strict=True)
    ]
    return Chain(tuple(marked), tuple(nodes))


def _marks(units: dict[str, Unit]) -> dict[str, str]:
    """A mark for each tensor, its name as far as a mark may have it; no two are alike."""
    marks, taken = dict[str, str](), set[str]()
    for tensor in (*{name for unit in units.values() for name in unit.inputs if name not in units}, *units):
        mark = _UNMARKED.sub("_", tensor)[:180] or "tensor"
        mark = mark if not (mark[0].isdigit() or mark[0] in ".:-") else f"t{mark}"
        plain, number = mark, 2
        while mark in taken:
            mark, number = f"{plain}-{number}", number + 1
        taken.add(mark)
        marks[tensor] = mark
    return marks
