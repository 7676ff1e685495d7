"""A grid of heatmaps, each on its own scale of shades or all on one."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from cli.render.plots.choices import COLUMN_WIDTH, AreaName, ScaleName
from cli.render.plots.figure import About, legend_below, panels, picture
from cli.render.plots.heatmap import draw_framed, frame_columns, frame_handles, heat_bar
from cli.render.plots.style import styled
from cli.render.plots.words import all_fitted

if TYPE_CHECKING:
    from store.asking.pictured import Pictured

_PANEL = 0.85
"""Inches that a panel takes at least: so many of them stand side by side."""
_TITLE = 6
"""Points of the letters of a panel's title, and of its ticks."""
_AXIS = 7
"""Points of the names of axes: a panel at the border has them for its row or column."""
_BETWEEN = 0.1
"""Inches between the titles of two panels."""
_TICKS = 3
_BESIDE, _BELOW = 0.65, 0.35
"""Inches that the bar takes, and the legend and the names of the axes below."""
_LINE = 0.13
"""Inches of a line of the legend."""
_MARGINS = 0.25, 0.35
"""Inches that the ticks of a panel take beside it, and its title and ticks above and below."""


def heatmaps_figure(
    of: "Sequence[Pictured]",
    about: About,
    *,
    axes: Sequence[Axes] | None = None,
    scale: ScaleName = "linear",
    shared: bool = False,
    area: AreaName = "window",
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of several results in their order, or the figure of the `axes` that they are drawn into.

    `shared`: the same value has the same shade in all panels; else each is brightest at its own largest value. The rest
    is as `cli.render.plots.heatmap` has it.
    """
    columns = max(1, min(len(of), int((width - _BESIDE) / _PANEL)))
    rows = ceil(len(of) / columns)
    side = (width - _BESIDE) / columns
    columns_below = frame_columns([*of])
    with styled():
        if axes is None:
            below = _BELOW + (0.0 if columns_below == 2 else 2 * _LINE)
            made: Any = picture(about, rows * (side - _MARGINS[0] + _MARGINS[1]) + below, width)
            every = [*made.subplots(rows, columns, squeeze=False).ravel()]
            for unused in every[len(of) :]:
                unused.remove()
            drawn = every[: len(of)]
        else:
            drawn = panels(axes, len(of))
            made = None
        top = _largest(of) if shared else None
        names = all_fitted([each.name for each in of], side - _BETWEEN, _TITLE)
        images = []
        for panel, each, name in zip(drawn, of, names, strict=True):
            images.append(draw_framed(panel, each, scale=scale, area=area, top=top, ticks=_TICKS))
            panel.tick_params(labelsize=_TITLE, pad=1.5, length=2)
            panel.set_title(name, fontsize=_TITLE, pad=2.5)
        shown = [image for image in images if image is not None]
        if shown:
            heat_bar(shown[0], drawn, scale, 1.0 if top is None or scale != "replknet" else top, shared=shared)
        for i, panel in enumerate(drawn):
            if made is None or i + columns >= len(of):
                panel.set_xlabel("x [px]", fontsize=_AXIS, labelpad=1.5)
            if made is None or i % columns == 0:
                panel.set_ylabel("y [px]", fontsize=_AXIS, labelpad=1.5)
        if made is not None:
            legend_below(made, frame_handles([*of]), columns=columns_below)
    return drawn[0].figure


def _largest(of: "Sequence[Pictured]") -> float:
    return max((float(each.framed.heatmap.max()) for each in of if each.framed is not None), default=0.0)
