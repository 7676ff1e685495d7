"""How a number of a claim is read from a store: each function returns a question, which a store answers by a number."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from erfsweep import Store

Question: TypeAlias = Callable[[Store], float]


def of_label(sweep: str, label: str, column: str) -> Question:
    """A column of the configs of a label; where it is a size, that of their mean heatmap."""

    def measured(store: Store) -> float:
        (row,) = store.rows(sweep, where=f"label == '{label}'", columns=column, over="seed", map="mean")
        return float(row.get(f"{column}_map", row[column]))

    return measured


def mean_size(sweep: str, size: str, where: str | None = None) -> Question:
    """The mean of a size over the draws of one config: not the size of their mean heatmap."""

    def measured(store: Store) -> float:
        (row,) = store.rows(sweep, where=where, columns=size, over="seed")
        return float(row[size])

    return measured


def quotient(of: Question, by: Question) -> Question:
    """One number divided by another."""
    return lambda store: of(store) / by(store)


def pixel(sweep: str, label: str, place: tuple[int, int]) -> Question:
    """E at a row and a column, of the one config of a label."""
    return lambda store: float(store.heatmap(_id(store, sweep, label))[place])


def total(sweep: str, label: str) -> Question:
    """The sum of E over the plane, of the one config of a label."""
    return lambda store: float(store.heatmap(_id(store, sweep, label)).sum())


def slope(sweep: str, size: str, *, of_ratio: bool = False) -> Question:
    """The slope that least squares fit through the logarithms of depth and of the mean size over draws.

    of_ratio: of the size's share of the theoretical RF.
    """

    def measured(store: Store) -> float:
        rows = store.rows(sweep, columns=f"depth,theo_rf,{size}", over="seed")
        depth, window, mean = (np.array([row[name] for row in rows], float) for name in ("depth", "theo_rf", size))
        return float(np.polyfit(np.log(depth), np.log(mean / window if of_ratio else mean), 1)[0])

    return measured


def _id(store: Store, sweep: str, label: str) -> str:
    (row,) = store.rows(sweep, where=f"label == '{label}'", columns="id")
    return str(row["id"])
