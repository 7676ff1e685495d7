"""A size at each layer of networks, beside the theoretical RF that a unit of the layer has."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cli.render.plots.bands import lower_end
from cli.render.plots.choices import COLUMN_WIDTH
from cli.render.plots.figure import About, legend_below, panels, picture
from cli.render.plots.style import COLOURS, GREY, LEGEND, MARKERS, styled
from cli.render.plots.ticks import log_ticks
from cli.render.plots.words import PT, all_fitted, all_shown, axis_name

if TYPE_CHECKING:
    from store.asking.layers import Layers, Network

_THEORY: dict[str, Any] = {"linestyle": (0, (3, 2)), "linewidth": 0.9}
_PLANE: dict[str, Any] = {"color": GREY, "linestyle": (0, (1, 1.5)), "linewidth": 0.7}
_ROOM = 1.15
"""Of the vertical axis beyond the outermost points, as a factor."""
_MOST_NAMED = 24
"""Networks in the legend: of more only the first are named."""
_PANEL = 2.0
"""Inches that the panel is high, without the names of the layers."""
_BESIDE = 0.65
"""Inches that the vertical axis takes with its numbers."""
_LETTERS = 6.5
"""Points of the names of layers."""
_LONGEST = 18
"""Characters of the name of a layer: what stands between the ends of a longer one is cut."""
_LETTER, _BETWEEN = 0.62, 0.08
"""The width of a letter as a share of its size, and the inches between two names that stand side by side."""
_MARKED = 20
"""Markers on a line, about."""
_LINE = 1.35
"""Points between two names that stand upright, in those of their letters."""


def layers_figure(
    found: "Layers",
    size: str,
    about: About,
    *,
    axes: Axes | None = None,
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of the networks, or the figure of the `axes` that it is drawn into.

    Across stand the layers in their order, up the size on a logarithmic axis: the mean over draws with a band of one
    standard deviation. Dashed: the theoretical RF, grey where all networks have the same. A dotted line is the side of
    the input plane, where the theoretical RF is as large.
    """
    names = all_shown([*found.names], _LONGEST)
    longest = max(map(len, names)) * _LETTERS * _LETTER / PT
    is_upright = longest + _BETWEEN > (width - _BESIDE) / len(names)
    below = 0.13 * (min(len(found.networks), _MOST_NAMED) + 4)
    below += longest if is_upright else 0.1
    with styled():
        made: Any = picture(about, _PANEL + below, width) if axes is None else None
        (panel,) = [made.add_subplot()] if made is not None else panels(axes, 1)
        handles = _draw(panel, found, width)
        _name_layers(panel, names, width, is_upright=is_upright)
        panel.set_xlabel("layer")
        panel.set_ylabel(axis_name(size))
        if made is not None:
            legend_below(made, handles)
        else:
            panel.legend(handles=handles)
    return panel.figure


def _draw(panel: Axes, found: "Layers", width: float) -> list[Any]:
    """Draws networks, theory and plane; the entries of a legend for them."""
    at = {name: float(i) for i, name in enumerate(found.names)}
    names = all_fitted([_called(each) for each in found.networks], width - 0.5, LEGEND)
    handles: list[Any] = []
    edges: list[float] = []
    every = -(-len(at) // _MARKED)
    has_common = _has_common_theory(found)
    theories: dict[Any, str] = {}
    drawn = [(i, each) for i, each in enumerate(found.networks) if each.stages]
    for i, each in drawn:
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]
        x = np.array([at[stage.name] for stage in each.stages])
        mean = np.array([stage.mean for stage in each.stages])
        sd = np.array([stage.sd or 0.0 for stage in each.stages])
        low = lower_end(mean, sd)
        handles += panel.plot(x, mean, color=colour, marker=marker, markevery=every, label=names[i], zorder=3)
        if np.any(sd > 0):
            panel.fill_between(x, low, mean + sd, color=colour, alpha=0.2, linewidth=0)
        edges += [float(low.min()), float((mean + sd).max())]
        seen = tuple((at[name], theory) for name, theory in each.theory if name in at)
        if seen:
            theories.setdefault(seen, GREY if has_common else colour)
    if len(handles) > _MOST_NAMED:
        more = Line2D([], [], linestyle="none", label=f"and {len(handles) - _MOST_NAMED} more networks")
        handles = [*handles[:_MOST_NAMED], more]
    for seen, colour in theories.items():  # once for networks that have the same
        style = {"marker": "_", "markersize": 6, "markevery": every, **_THEORY}
        panel.plot(*zip(*seen, strict=True), color=colour, zorder=2, **style)
        edges += [value for _, value in seen]
    if theories:
        handles.append(Line2D([], [], color=GREY, marker="_", markersize=6, label="theoretical RF", **_THEORY))
    if any(stage.sd for each in found.networks for stage in each.stages):
        handles.append(Patch(facecolor=GREY, alpha=0.3, label="mean over draws ± standard deviation"))
    plane = _plane(found)
    if plane is not None and theories and plane <= max(edges):
        panel.axhline(plane, zorder=1, **_PLANE)
        handles.append(Line2D([], [], label=f"input plane, {plane:.4g} px", **_PLANE))
    log_ticks(panel.yaxis, "y", min(edges) / _ROOM, max(edges) * _ROOM)
    return handles


def _name_layers(panel: Axes, names: list[str], width: float, *, is_upright: bool) -> None:
    """Writes the names of the layers below the axis, upright where they are long; of too many those at equal steps."""
    panel.set_xlim(-0.4, len(names) - 0.6)
    room = int((width - _BESIDE) * PT / (_LETTERS * _LINE)) if is_upright else len(names)
    step = -(-len(names) // max(room, 1))
    marked = [*range(0, len(names), step)]
    panel.set_xticks(marked, [names[i] for i in marked], rotation=90 if is_upright else 0, fontsize=_LETTERS)


def _called(each: "Network") -> str:
    draws = max((stage.draws for stage in each.stages), default=1)
    return each.name if draws == 1 else f"{each.name} (n = {draws})"


def _has_common_theory(found: "Layers") -> bool:
    """Whether layers of one name have one theoretical RF in all networks."""
    known: dict[str, float] = {}
    return all(known.setdefault(name, theory) == theory for each in found.networks for name, theory in each.theory)


def _plane(found: "Layers") -> float | None:
    """The root of the area of the input plane in px, None where the networks have several."""
    planes = {each.plane for each in found.networks}
    (plane,) = planes if len(planes) == 1 else (None,)
    return None if plane is None else float(plane[0] * plane[1]) ** 0.5
