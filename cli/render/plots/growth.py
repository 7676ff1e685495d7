"""How a size grows with depth and with the theoretical RF: families of stacks, their power laws, the square root."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cli.render.plots.bands import lower_end
from cli.render.plots.choices import COLUMN_WIDTH, AlongName
from cli.render.plots.figure import About, legend_below, panels, picture
from cli.render.plots.style import COLOURS, GREY, LEGEND, MARKERS, styled
from cli.render.plots.ticks import log_ticks
from cli.render.plots.words import all_fitted, axis_name, width_of
from pipeline.sizes import line_interval
from store.asking.growth import ALONG

if TYPE_CHECKING:
    from store.asking.growth import Family

_NAMES: dict[AlongName, str] = {"depth": "depth [layers]", "theo_rf": "theoretical RF [px]"}
_ROOM = 1.12
"""Of the axes beyond the outermost points, as a factor."""
_WITH_INTERVALS = 6
"""Families whose fits are drawn with their intervals: of more, the legend alone has the intervals of the slopes."""
_MOST_NAMED = 24
"""Families in the legend: of more only the first are named."""
_SIDE_BY_SIDE = 5.0
"""Inches from which on two panels stand beside each other."""
_FIT = "95 % interval of the fitted mean"
_PANEL = 2.0
"""Inches that a panel is high."""


def growth_figure(
    found: "Sequence[Family]",
    size: str,
    about: About,
    *,
    along: AlongName | None = None,
    axes: Axes | Sequence[Axes] | None = None,
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of the families, or the figure of the `axes` that they are drawn into.

    Both axes of a panel are logarithmic. A point is the mean over the draws of a depth, a band around the points their
    standard deviation; the line is the power law through them, with the 95 % interval of the mean around it. The
    square-root law starts at the first point of the first family. along: what the size is drawn against; None: both.
    """
    wanted = ALONG if along is None else (along,)
    drawn = [each for each in found if each.points]
    named = min(len(drawn), _MOST_NAMED)
    with styled():
        made: Any = None
        if axes is None:
            beside = len(wanted) if width >= _SIDE_BY_SIDE else 1
            below = 0.13 * (named + 6)
            made = picture(about, _PANEL * (len(wanted) // beside) + below, width)
            axes = [*made.subplots(len(wanted) // beside, beside, squeeze=False).ravel()]
        every = panels(axes, len(wanted))
        for panel, each in zip(every, wanted, strict=True):
            _draw(panel, drawn, each)
            panel.set_xlabel(_NAMES[each])
            panel.set_ylabel(axis_name(size))
        if made is not None:
            title = "slope with " + ", with ".join("depth" if each == "depth" else "theoretical RF" for each in wanted)
            legend_below(made, _handles(drawn, wanted, width), title=f"{title} [95 % interval]")
        else:
            every[0].legend(handles=_handles(drawn, wanted, width))
    return every[0].figure


def _draw(panel: Axes, drawn: "Sequence[Family]", along: AlongName) -> None:
    every = [_arrays(each, along) for each in drawn]
    for i, (family, (x, mean, sd)) in enumerate(zip(drawn, every, strict=True)):
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        panel.plot(x, mean, color=colour, marker=marker, linestyle="none", zorder=3)
        if np.any(sd > 0):
            panel.fill_between(x, lower_end(mean, sd), mean + sd, color=colour, alpha=0.15, linewidth=0)
        law = family.law(along)
        if law is None:
            continue
        at = np.geomspace(x.min(), x.max(), 50)
        panel.plot(at, law.factor * at**law.slope, color=colour, zorder=2)
        interval = line_interval(law, x, at)
        if interval is not None and len(drawn) <= _WITH_INTERVALS:
            for edge in interval:
                panel.plot(at, edge, color=colour, linewidth=0.5, linestyle=(0, (1, 1.5)), zorder=2)
    x_all = np.concatenate([x for x, _, _ in every])
    lowest = min(float(lower_end(mean, sd).min()) for _, mean, sd in every)
    highest = max(float((mean + sd).max()) for _, mean, sd in every)
    sides = ((x_all.min(), x_all.max()), (lowest, highest))
    (left, right), (bottom, top) = ((low / _ROOM, high * _ROOM) for low, high in sides)
    first_x, first_size = every[0][0][0], every[0][1][0]
    at = np.array([left, right])
    panel.plot(at, first_size * np.sqrt(at / first_x), color=GREY, linestyle=(0, (3, 2)), linewidth=0.9, zorder=1)
    if along == "theo_rf":
        panel.plot(at, at, color=GREY, linestyle=(0, (1, 1)), linewidth=0.9, zorder=1)
    log_ticks(panel.xaxis, "x", left, right)
    log_ticks(panel.yaxis, "y", bottom, top)


def _arrays(family: "Family", along: AlongName) -> tuple[Any, Any, Any]:
    """(x, mean, standard deviation, 0 where there is none) of the points, float64 [n] each."""
    x = [each.depth if along == "depth" else each.theo_rf for each in family.points]
    mean = [each.mean for each in family.points]
    return np.array(x), np.array(mean), np.array([each.sd or 0.0 for each in family.points])


def _handles(drawn: "Sequence[Family]", wanted: Sequence[AlongName], width: float) -> list[Any]:
    slopes = [", ".join(_slope(each, along) for along in wanted) for each in drawn[:_MOST_NAMED]]
    room = width - 0.5 - max(width_of(f": {slope}", LEGEND) for slope in slopes)
    names = all_fitted([each.name for each in drawn[:_MOST_NAMED]], room, LEGEND)
    handles: list[Any] = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], label=f"{name}: {slope}")
        for i, (name, slope) in enumerate(zip(names, slopes, strict=True))
    ]
    if len(drawn) > _MOST_NAMED:
        handles.append(Line2D([], [], linestyle="none", label=f"and {len(drawn) - _MOST_NAMED} more families"))
    laws = [each.law(wanted[0]) for each in drawn] if len(drawn) <= _WITH_INTERVALS else []
    if any(law is not None and law.low is not None for law in laws):
        handles.append(Line2D([], [], color=GREY, linewidth=0.5, linestyle=(0, (1, 1.5)), label=_FIT))
    if any(point.sd for each in drawn for point in each.points):
        handles.append(Patch(facecolor=GREY, alpha=0.3, label="mean over draws ± standard deviation"))
    handles.append(Line2D([], [], color=GREY, linestyle=(0, (3, 2)), linewidth=0.9, label="square-root law, slope 1/2"))
    if "theo_rf" in wanted:
        said = "size = theoretical RF"
        handles.append(Line2D([], [], color=GREY, linestyle=(0, (1, 1)), linewidth=0.9, label=said))
    return handles


def _slope(family: "Family", along: AlongName) -> str:
    law = family.law(along)
    if law is None:
        return "one point"
    if law.low is None:
        return f"{law.slope:.2f}"
    return f"{law.slope:.2f} [{law.low:.2f}, {law.high:.2f}]"
