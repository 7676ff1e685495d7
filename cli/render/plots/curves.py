"""Mass curves: the share of the mass within a radius, with the closed form dashed."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cli.render.plots.choices import COLUMN_WIDTH, CurveName
from cli.render.plots.figure import About, legend_below, panels, picture
from cli.render.plots.style import COLOURS, GREY, LEGEND, MARKERS, ORDERED, styled
from cli.render.plots.words import all_fitted
from pipeline.errors import counted
from pipeline.sizes import CURVES

if TYPE_CHECKING:
    from store.asking.mass_curves import MassCurve, MassCurves

WITHIN: dict[CurveName, str] = {
    "square": "half-width r of the square [px]",
    "x": "half-width r of the columns [px]",
    "y": "half-height r of the rows [px]",
    "radial": "radius r of the disc [px]",
}
"""What the horizontal axis says, by curve."""
_TOLD_APART = 12
"""More curves than this are drawn in shades, without a legend for each."""
_BRIGHTEST = 0.85
"""Of the map, from 0 to 1: what is brighter is lost on white."""
_ALL = 0.9995
"""The share of the mass at which the horizontal axis may end."""
_EXPECTED: dict[str, Any] = {"color": "black", "linewidth": 0.7, "linestyle": (0, (3, 2))}
"""Of the closed form: black above the colour of its curve, as measured curves often lie on it."""
_MARKS = 12
"""Markers on a curve, about."""


def curves_figure(
    found: "MassCurves",
    about: About,
    *,
    axes: Axes | None = None,
    curve: CurveName = "square",
    mass: float = 0.9,
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of the curves, or the figure of the `axes` that they are drawn into.

    A line marks the share `mass`. The mean of several draws has a band of one standard deviation to both sides.
    """
    row = CURVES.index(curve)
    few = len(found.curves) <= _TOLD_APART
    with styled():
        lines = len(found.curves) if few else 1
        made: Any = picture(about, 2.3 + 0.13 * (lines + 2), width) if axes is None else None
        (panel,) = [made.add_subplot()] if made is not None else panels(axes, 1)
        panel.axhline(mass, color=GREY, linewidth=0.6, zorder=0.5)
        handles = _few(panel, found, row, width) if few else _many(panel, found, row)
        if any(each.expected is not None for each in found.curves):
            handles.append(Line2D([], [], label="closed form (expected heatmap)", **_EXPECTED))
        if few and any(each.sd is not None for each in found.curves):
            handles.append(Patch(facecolor=GREY, alpha=0.3, label="mean over draws ± standard deviation"))
        handles.append(Line2D([], [], color=GREY, linewidth=0.6, label=f"{mass:g} of the mass"))
        if found.without:
            said = f"{found.without:,} of {counted(found.results, 'result')} without a curve"
            handles.append(Line2D([], [], linestyle="none", label=said))
        panel.set_xlim(0, _last(found, row))
        panel.set_ylim(0, 1.02)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.set_xlabel(WITHIN[curve])
        panel.set_ylabel("share of the mass within r")
        if made is not None:
            legend_below(made, handles)
        else:
            panel.legend(handles=handles)
    return panel.figure


def _few(panel: Axes, found: "MassCurves", row: int, width: float) -> list[Any]:
    handles = []
    names = all_fitted([_name(each) for each in found.curves], width - 0.5, LEGEND)
    for i, (each, name) in enumerate(zip(found.curves, names, strict=True)):
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        share = each.mass[row]
        radii = np.arange(len(share))
        every = max(1, round(_last(found, row) / _MARKS))
        # Each curve has its markers elsewhere, so that curves that lie on each other are seen to.
        style: dict[str, Any] = {"color": colour, "marker": marker, "markevery": (i % every, every)}
        handles += panel.plot(radii, share, label=name, **style)
        if each.sd is not None:
            panel.fill_between(
                radii,
                np.clip(share - each.sd[row], 0, 1),
                np.clip(share + each.sd[row], 0, 1),
                color=colour,
                alpha=0.2,
                linewidth=0,
            )
        if each.expected is not None:
            panel.plot(np.arange(each.expected.shape[1]), each.expected[row], zorder=3, **_EXPECTED)
    return handles


def _many(panel: Axes, found: "MassCurves", row: int) -> list[Any]:
    colours = colormaps[ORDERED](np.linspace(0, _BRIGHTEST, len(found.curves)))
    lines = [np.column_stack([np.arange(each.mass.shape[1]), each.mass[row]]) for each in found.curves]
    panel.add_collection(LineCollection(lines, colors=colours, linewidths=0.5, alpha=max(0.15, 60 / (60 + len(lines)))))
    expected = {each.expected[row].tobytes(): each.expected[row] for each in found.curves if each.expected is not None}
    dashed = [np.column_stack([np.arange(len(each)), each]) for each in expected.values()]
    panel.add_collection(LineCollection(dashed, colors=GREY, linewidths=0.5, linestyles=[(0, (3, 2))]))
    said = f"{counted(len(lines), 'curve')}, from the first row (dark) to the last (bright)"
    return [Line2D([], [], color=colours[len(colours) // 2], label=said)]


def _name(each: "MassCurve") -> str:
    return each.name if each.n == 1 else f"{each.name} (n = {each.n})"


def _last(found: "MassCurves", row: int) -> float:
    """The radius at which every curve holds all of the mass, as good as."""
    ends = [int(np.argmax(each.mass[row] >= _ALL)) for each in found.curves]
    return max((*ends, 1)) + 0.5
