"""The layers of networks, one beside the other: what a unit of each could see, and how large what it sees is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from pipeline.errors import InputError, quote
from store.asking.columns import READ_OUT, VARYING
from store.asking.distinct import differences, distinct_names, layer_name
from store.asking.fields import BY_NAME
from store.asking.grouped import averaged_column, over_path
from store.asking.groups import groups
from store.asking.growth import check_size, mean_and_sd, theoretical_size
from store.asking.table import Table

LAYER = "readout.layer"
NETWORKS_FROM = ("config", "stem", *VARYING, *READ_OUT, "spec", "kernel_version")
"""The columns that networks are told apart by."""
_DRAWN = ("init.seed", "init.offset")
"""Where the draws of the weights begin: the draws of one network differ in nothing else."""


class Stage(msgspec.Struct, frozen=True):
    """One layer of a network as it was measured.

    name: its mark, or its number. mean, sd: of the size over draws, sd None of one draw.
    """

    number: int
    name: str
    mean: float
    sd: float | None
    draws: int


class Network(msgspec.Struct, frozen=True):
    """Results that are alike in everything but their layer and, where draws are averaged, their draws.

    name: what tells it from the other networks; its label or notation where it is the only one. plane: (height, width)
    of its input, None where its layers were measured on several. stages: in the order of the network, those that have
    the size. theory: (name of a layer, the theoretical RF that the size is compared with, in px) in the same order, of
    every layer of the stem that is known; empty where the size is no length.
    """

    name: str
    stem: str
    plane: tuple[int, int] | None
    stages: tuple[Stage, ...]
    theory: tuple[tuple[str, float], ...]


class Layers(msgspec.Struct, frozen=True):
    """Networks of which two layers or more were measured.

    names: of all layers, in an order that is that of each network. ids: of the configs behind them.
    """

    names: tuple[str, ...]
    networks: tuple[Network, ...]
    ids: tuple[str, ...]


def layers_columns(size: str) -> tuple[str, ...]:
    """The columns that `layers` reads. Raises InputError for a size that there is not."""
    check_size(size)
    return tuple(dict.fromkeys((*NETWORKS_FROM, "id", "theo_rf", "theo_rf_y", size)))


def layers(table: Table, size: str, over: str | None = None) -> Layers:
    """The layers of the networks among the rows of a table that has the columns which `layers_columns` names.

    A size is the mean over the draws of the axis `over`. Raises InputError for an axis that there is not, and where no
    network has two layers that were measured.
    """
    if over is not None and over_path(over) == LAYER:
        raise InputError(f"--over {over} would average over what this picture tells apart; name another axis, as seed")
    paths = [LAYER, *([] if over is None else [over_path(over)])]
    found = groups(table, *paths)
    rows = [*table.dicts()]
    several = [some for some in found.members() if len({rows[i]["layer"] for i in some}) > 1]
    if not several:
        raise _no_layers(rows)
    averaged = None if over is None else averaged_column(over)
    shared = [_shared([rows[i] for i in some], averaged) for some in several]
    theories = _theories([rows[i] for some in several for i in some], size)
    made = tuple(
        Network(
            name,
            head["stem"],
            None if None in (head["height"], head["width"]) else (head["height"], head["width"]),
            tuple(_stages([rows[i] for i in some], size)),
            theories[head["stem"]],
        )
        for some, head, name in zip(several, shared, _names(shared), strict=True)
    )
    if not any(each.stages for each in made):
        raise InputError(f"no layer of these networks has a {size} above 0; `erfsweep work` measures what is queued")
    ids = tuple(dict.fromkeys(rows[i]["id"] for some in several for i in some))
    order = _in_order((each.stem, stage.number, stage.name) for each in made for stage in each.stages)
    return Layers(order, made, ids)


class Networks(msgspec.Struct, frozen=True):
    """Which network each row belongs to.

    names: what tells a network from the others. of: the number of each row's network, None for what is its only layer.
    stages: the names of all layers, in an order that is that of each network. at: where each row's layer is among them.
    """

    names: tuple[str, ...]
    of: tuple[int | None, ...]
    stages: tuple[str, ...]
    at: tuple[int | None, ...]


def networks(table: Table) -> Networks:
    """The networks among the rows of a table that has the columns `NETWORKS_FROM`: their draws belong to one."""
    if len({layer for (layer,) in table.only(("layer",)).rows}) < 2:  # as in most sweeps: nothing is decoded
        nothing = (None,) * len(table.rows)
        return Networks((), nothing, (), nothing)
    found = groups(table, LAYER, *_DRAWN)
    rows = [*table.only(NETWORKS_FROM).dicts()]
    several = [some for some in found.members() if len({rows[i]["layer"] for i in some}) > 1]
    number = {found.of[int(some[0])]: i for i, some in enumerate(several)}
    of = tuple(number.get(group) for group in found.of)
    names = _names([_shared([rows[i] for i in some], "seed") for some in several])
    stages = _in_order([(rows[i]["stem"], rows[i]["layer"], layer_name(rows[i])) for some in several for i in some])
    place = {name: i for i, name in enumerate(stages)}
    at = tuple(None if one is None else place[layer_name(row)] for one, row in zip(of, rows, strict=True))
    return Networks(tuple(names), of, stages, at)


def _shared(rows: Sequence[dict[str, Any]], averaged: str | None) -> dict[str, Any]:
    """What the rows of one network have in common, None where they differ, without the axis that is averaged over.

    Where each layer has a label of its own, the network is called by its notation.
    """
    first, *others = rows
    common = {
        name: value if all(row[name] == value for row in others) else None
        for name, value in first.items()
        if name not in ("layer", "mark", "unit_y", "unit_x", averaged)
    }
    return common | {"config": common["config"] or common["stem"]}


def _names(shared: Sequence[dict[str, Any]]) -> list[str]:
    """What networks are called: what tells them apart, behind their labels or notations where these differ."""
    if len(shared) > 1 and len({head["config"] for head in shared}) == 1:
        return differences([{**head, "id": f"network {i + 1}"} for i, head in enumerate(shared)])
    return distinct_names(shared)


def _stages(rows: Sequence[dict[str, Any]], size: str) -> Iterator[Stage]:
    """The stages that the rows of one network make; a mean of zero has no logarithm and is none."""
    import numpy as np

    by_layer: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        if row[size] is not None:
            by_layer.setdefault(row["layer"], []).append(row)
    for number, drawn in sorted(by_layer.items()):
        mean, sd = mean_and_sd(np.array([row[size] for row in drawn], np.float64))
        if mean > 0:
            yield Stage(number, layer_name(drawn[0]), mean, sd, len(drawn))


def _theories(rows: Sequence[dict[str, Any]], size: str) -> dict[str, tuple[tuple[str, float], ...]]:
    """The theory of each stem, as `Network` has it: a layer that is dead in one network is known from another."""
    found: dict[str, dict[int, tuple[str, float]]] = {row["stem"]: {} for row in rows}
    for row in rows:
        if row["theo_rf"] and BY_NAME[size].unit == "px":
            theory = theoretical_size(row["theo_rf"], row["theo_rf_y"], size)
            found[row["stem"]][row["layer"]] = layer_name(row), theory
    return {stem: tuple(of for _, of in sorted(known.items())) for stem, known in found.items()}


def _in_order(made: Iterable[tuple[str, int, str]]) -> tuple[str, ...]:
    """The names of layers, which are (stem, number, name).

    Those of one stem are in the order of their numbers; those of further stems stand in between or behind.
    """
    by_stem: dict[str, dict[int, str]] = {}
    for stem, number, name in made:
        by_stem.setdefault(stem, {})[number] = name
    names: list[str] = []
    for own in by_stem.values():
        at = 0 if any(name in names for name in own.values()) else len(names)
        for _, name in sorted(own.items()):
            if name in names:
                at = max(at, names.index(name) + 1)
            else:
                names.insert(at, name)
                at += 1
    return tuple(names)


def _no_layers(rows: Sequence[dict[str, Any]]) -> InputError:
    known = {layer_name(row) for row in rows}
    has = f"are all of one layer, {quote(next(iter(known)))}" if len(known) == 1 else "have no network with two layers"
    return InputError(
        f"these results {has}, and this picture has several; measure more of one network, as by "
        "-s readout.layer=c2,c3,c4"
    )
