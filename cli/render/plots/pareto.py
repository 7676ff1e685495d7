"""A Pareto front: all results as points, and those that no other beats, numbered and joined by steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cli.render.plots.choices import COLUMN_WIDTH
from cli.render.plots.figure import About, legend_above, legend_below, panels, picture
from cli.render.plots.style import COLOURS, GREY, styled
from cli.render.plots.ticks import log_ticks
from cli.render.plots.words import all_shown, axis_name, fitting
from pipeline.errors import InputError

if TYPE_CHECKING:
    from store.asking.pareto import Front, Objective

_WIDE = 20.0
"""From this quotient of the largest and the least value on an axis is logarithmic."""
_ROOM = 0.06
"""Of an axis beyond the outermost points, as a share of its length."""
_NUMBERED = 30
"""Results of the front that are named in the legend: of a longer one those at equal steps, the ends among them."""
_PANEL = 2.3
"""Inches that a panel is high."""


def pareto_figure(
    found: "Front",
    about: About,
    *,
    axes: Axes | Sequence[Axes] | None = None,
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of a front, or the figure of the `axes` that it is drawn into.

    A panel for each objective after the first, which stands against it. Results that are beaten are grey points. The
    steps enclose what the front beats; they are drawn for two objectives, as of more each pair has a front of its own.
    Raises InputError for a single objective.
    """
    if len(found.objectives) < 2:
        raise InputError("the picture of a front has two axes; name two objectives, such as --max luo --min macs")
    # What is to be small, such as the work, stands below, and what is to be large at the side.
    side, *below = found.objectives
    named = [row["config"] for row in found.table().dicts()]
    steps = np.unique(np.linspace(0, len(named) - 1, min(len(named), _NUMBERED)).round().astype(int))
    columns = 2 if max((len(name) for name in named), default=0) < fitting(width / 2 - 0.45, 6.5) else 1
    with styled():
        made: Any = None
        if axes is None:
            lines = -(-len(steps) // columns) + 2
            made = picture(about, _PANEL * len(below) + 0.13 * lines + 0.15, width)
            axes = [*made.subplots(len(below), 1, squeeze=False).ravel()]
        for panel, each in zip(panels(axes, len(below)), below, strict=True):
            _draw(panel, found, (each, side), [int(i) for i in steps])
        names = all_shown([named[i] for i in steps], fitting(width / columns - 0.45, 6.5))
        if made is not None:
            both = zip(steps, names, strict=True)
            beaten = len(found.candidates.rows) - len(found.best)
            kinds = [
                Line2D(
                    [], [], linestyle="none", marker="o", color=COLOURS[0], label=f"on the front ({len(found.best):,})"
                ),
                Line2D([], [], linestyle="none", marker=".", color=GREY, label=f"beaten ({beaten:,})"),
            ]
            numbered = [Line2D([], [], linestyle="none", label=f"{i + 1}  {name}") for i, name in both]
            legend_below(made, numbered, columns=columns)
            legend_above(made, kinds, columns=2)
    return made if made is not None else panels(axes, len(below))[0].figure


def _draw(panel: Axes, found: "Front", pair: "tuple[Objective, Objective]", steps: Sequence[int]) -> None:
    across, up = pair
    every = _values(found, pair)
    best = every[[*found.best]] if found.best else every[:0]
    beaten = np.delete(every, [*found.best], axis=0)
    panel.plot(*beaten.T, linestyle="none", marker=".", markersize=3, color=GREY, alpha=0.6, label="beaten", zorder=1)
    if len(found.objectives) == 2 and len(best):
        order = np.argsort(best[:, 0], kind="stable")
        where = "post" if across.goal == "min" else "pre"
        panel.step(*best[order].T, where=where, color=COLOURS[0], linewidth=0.9, zorder=2)
    panel.plot(*best.T, linestyle="none", marker="o", color=COLOURS[0], markersize=4, zorder=3)
    _limits(panel, every)
    for i in steps:
        # The number stands on the side of what nobody reaches, where no point is.
        left, above = across.goal == "min", up.goal == "max"
        panel.annotate(
            str(i + 1),
            best[i],
            xytext=(-4 if left else 4, 3 if above else -3),
            textcoords="offset points",
            ha="right" if left else "left",
            va="bottom" if above else "top",
            fontsize=6,
        )
    panel.set_xlabel(_head(across))
    panel.set_ylabel(_head(up))


def _values(found: "Front", pair: "tuple[Objective, Objective]") -> Any:
    """The values of two objectives, float64 [candidates, 2]."""
    rows = [*found.candidates.only([each.name for each in pair]).rows]
    return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


def _limits(panel: Axes, every: Any) -> None:
    if not len(every):
        return
    for axis, name, values in ((panel.xaxis, "x", every[:, 0]), (panel.yaxis, "y", every[:, 1])):
        low, high = float(values.min()), float(values.max())
        if low > 0 and high / low >= _WIDE:
            room = (high / low) ** _ROOM
            log_ticks(axis, name, low / room**1.5, high * room**1.5)
        else:
            room = _ROOM * (high - low) or max(abs(high), 1.0) * _ROOM
            (panel.set_xlim if name == "x" else panel.set_ylim)(low - 1.5 * room, high + 1.5 * room)


def _head(of: "Objective") -> str:
    better = "more is better" if of.goal == "max" else "less is better"
    return f"{axis_name(of.name)}, {better}"
