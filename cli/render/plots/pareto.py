"""A Pareto front: all results as points, and those that no other beats, numbered and joined by steps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from cli.render.plots.choices import COLUMN_WIDTH
from cli.render.plots.figure import About, legend_above, legend_below, panels, picture
from cli.render.plots.style import COLOURS, GREY, LEGEND, styled
from cli.render.plots.ticks import log_ticks
from cli.render.plots.words import ELLIPSIS, PT, all_fitted, axis_name, width_of
from pipeline.errors import InputError

if TYPE_CHECKING:
    from store.asking.pareto import Front, Objective

_WIDE = 20.0
"""From this quotient of the largest and the least value on an axis is logarithmic."""
_ROOM = 0.06
"""Of an axis beyond the outermost points, as a share of its length."""
_NUMBERED = 30
"""Results of the front that are named in the legend: of a longer one those at equal steps, the ends among them."""
_BESIDE = 0.45
"""Inches that a number takes before its name in the legend, with margins."""
_NUMBER = 6.0
"""Points of the letters of numbers beside points."""
_BETWEEN = 1.0
"""Points between two of them."""
_LISTED = 3
"""Numbers of one label from which on only the first and the last are written."""
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
    equals = _equals(found)
    names = [row["config"] for row in found.table().dicts()]
    steps = np.unique(np.linspace(0, len(equals) - 1, min(len(equals), _NUMBERED)).round().astype(int))
    named = [(equals[i], _and_more(names[equals[i].start], len(equals[i]))) for i in steps]
    columns = 2 if all(width_of(name, LEGEND) < width / 2 - _BESIDE for _, name in named) else 1
    with styled():
        made: Any = None
        if axes is None:
            lines = -(-len(steps) // columns) + 2
            made = picture(about, _PANEL * len(below) + 0.13 * lines + 0.15, width)
            axes = [*made.subplots(len(below), 1, squeeze=False).ravel()]
        every = panels(axes, len(below))
        for panel, each in zip(every, below, strict=True):
            _draw(panel, found, (each, side))
        if made is not None:
            shown = all_fitted([name for _, name in named], width / columns - _BESIDE, LEGEND)
            both = zip(named, shown, strict=True)
            numbered = [Line2D([], [], linestyle="none", label=f"{each.start + 1}  {name}") for (each, _), name in both]
            legend_below(made, numbered, columns=columns)
            legend_above(made, _kinds(found), columns=2)
            made.draw_without_rendering()  # where points are on paper is known from here on
        for panel, each in zip(every, below, strict=True):
            _number(panel, found, (each, side), [each.start for each, _ in named])
    return every[0].figure


def _equals(found: "Front") -> list[range]:
    """The results of the front in groups of those that are equal in every objective, which stand next to each other."""
    rows = [*found.candidates.only([each.name for each in found.objectives]).rows]
    best = [rows[i] for i in found.best]
    starts = [i for i, row in enumerate(best) if not i or row != best[i - 1]]
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(best)], strict=True)]


def _and_more(name: str, count: int) -> str:
    return name if count == 1 else f"{name} and {count - 1:,} equal"


def _kinds(found: "Front") -> list[Line2D]:
    """The entries of a legend for the kinds of results."""
    beaten = len(found.candidates.rows) - len(found.best)
    lacking = found.rows - len(found.candidates.rows)
    front: dict[str, Any] = {"linestyle": "none", "marker": "o", "color": COLOURS[0]}
    return [
        Line2D([], [], label=f"on the front ({len(found.best):,})", **front),
        Line2D([], [], linestyle="none", marker=".", color=GREY, label=f"beaten ({beaten:,})"),
        *([Line2D([], [], linestyle="none", label=f"without a value ({lacking:,})")] if lacking else []),
    ]


def _draw(panel: Axes, found: "Front", pair: "tuple[Objective, Objective]") -> None:
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
    panel.set_xlabel(_head(across))
    panel.set_ylabel(_head(up))


def _number(panel: Axes, found: "Front", pair: "tuple[Objective, Objective]", places: Sequence[int]) -> None:
    """Writes the numbers of results of the front beside their points; those that would touch share one label.

    A number stands on the side of what nobody reaches, where no point is.
    """
    across, up = pair
    best = _values(found, pair)[[*found.best]]
    is_left, is_above = across.goal == "min", up.goal == "max"
    dots = panel.figure.dpi / PT
    corners = panel.transData.transform(best) / dots + [-4 if is_left else 4, 3 if is_above else -3]
    low, high = panel.bbox.x0 / dots, panel.bbox.x1 / dots
    labels: list[tuple[list[int], str, tuple[float, float]]] = []  # numbers, what is written, its ends across
    waiting = [[i] for i in places]
    while waiting:
        numbers = waiting.pop(0)
        x, y = corners[numbers[0]]
        room = x - low if is_left else high - x
        text = _told([i + 1 for i in numbers], room)
        wide = PT * width_of(text, _NUMBER) + _BETWEEN
        ends = (x - wide, x) if is_left else (x, x + wide)
        touched = next(
            (each for each in labels if _touch(ends, each[2]) and abs(corners[each[0][0]][1] - y) < _NUMBER), None
        )
        if touched is None:
            labels.append((numbers, text, ends))
        else:
            labels.remove(touched)
            waiting.insert(0, sorted({*touched[0], *numbers}))
    for numbers, text, _ in labels:
        panel.annotate(
            text,
            best[numbers[0]],
            xytext=(-4 if is_left else 4, 3 if is_above else -3),
            textcoords="offset points",
            ha="right" if is_left else "left",
            va="bottom" if is_above else "top",
            fontsize=_NUMBER,
        )


def _touch(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _told(numbers: Sequence[int], room: float) -> str:
    """Growing numbers as the longest of some texts that fits in so many points, or the shortest."""
    first, *more = map(str, numbers)
    if not more:
        return first
    texts = [",".join((first, *more)), f"{first}{ELLIPSIS}{more[-1]}", f"{first}{ELLIPSIS}"]
    fit = [text for text in texts[len(more) >= _LISTED :] if PT * width_of(text, _NUMBER) <= room]
    return fit[0] if fit else texts[-1]


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
