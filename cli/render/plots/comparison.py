"""Two results against each other: their heatmaps, the difference of these, and their profiles."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from cli.render.plots.choices import COLUMN_WIDTH, ScaleName
from cli.render.plots.figure import About, fit_height, legend_below, panels, picture
from cli.render.plots.heatmap import draw_framed, frame_handles, heat_bar
from cli.render.plots.style import COLOURS, DIFFERENCES, MARKERS, styled
from cli.render.plots.ticks import pixel_ticks, pixels_marked
from cli.render.plots.words import fitted, width_of

if TYPE_CHECKING:
    from store.asking.pictured import Pictured
    from store.asking.pictured_pair import Pair

_PANELS = 4
_MARKS = 8
"""Markers on a profile, about."""
_FROM = "{} from centre [px]"
_TITLE = 7
"""Points of the letters of titles."""
_MARGIN = 1.0
"""Pixels around the windows."""


def comparison_figure(
    of: "Pair",
    about: About,
    *,
    axes: Sequence[Axes] | None = None,
    scale: ScaleName = "linear",
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of a pair, or the figure of the four `axes` that it is drawn into: A, B, B - A, profiles.

    Both heatmaps have the shade of their own largest value. The difference is of shares of the mass, in parts per
    thousand, with pixels from the units' centres.
    """
    with styled():
        made: Any = None
        if axes is None:
            made = picture(about, width * 1.05, width, has_squares=True)
            axes = [*made.subplots(2, 2).ravel()]
        first, second, difference, profiles = panels(axes, _PANELS)
        room = width / 2 - 0.5 - width_of("A: ", _TITLE)
        images = []
        for panel, each, sign in ((first, of.a, "A"), (second, of.b, "B")):
            images.append(draw_framed(panel, each, scale=scale, ticks=4))
            panel.set_title(f"{sign}: {fitted(each.name, room, _TITLE)}", fontsize=_TITLE)
            panel.set_xlabel("x [px]", fontsize=7, labelpad=1.5)
            panel.set_ylabel("y [px]", fontsize=7, labelpad=1.5)
        seen = [image for image in images if image is not None]
        if seen:
            heat_bar(seen[0], [first, second], scale)
        _draw_difference(difference, of)
        handles = [*frame_handles([of.a, of.b]), *_draw_profiles(profiles, of)]
        if made is None:
            profiles.legend(handles=handles[-2:])
        else:
            legend_below(made, handles, columns=2)
            fit_height(made)
    return first.figure


def _draw_difference(panel: Axes, of: "Pair") -> None:
    panel.set_xlabel(_FROM.format("x"), fontsize=7, labelpad=1.5)
    panel.set_ylabel(_FROM.format("y"), fontsize=7, labelpad=1.5)
    panel.set_title("B - A [‰ of the mass]", fontsize=7)
    half = _reach(of)
    panel.set_xlim(-half, half)
    panel.set_ylim(half, -half)
    pixel_ticks(panel, 4)
    panel.set_aspect("equal", adjustable="box")
    if of.difference is None:
        is_dead = of.a.missing or of.b.missing
        said = "one of them\nis dead" if is_dead else "the centres differ\nby half a pixel"
        panel.text(0.5, 0.5, said, transform=panel.transAxes, ha="center", va="center")
        return
    height, width = of.difference.shape
    most = float(np.abs(of.difference).max()) or 1.0
    image = panel.imshow(
        of.difference,
        extent=(of.left - 0.5, of.left + width - 0.5, of.top + height - 0.5, of.top - 0.5),
        origin="upper",
        interpolation="nearest",
        cmap=DIFFERENCES,
        vmin=-most,
        vmax=most,
    )
    panel.set_xlim(-half, half)
    panel.set_ylim(half, -half)
    thick = min(0.1, 0.3 / panel.figure.get_figwidth())
    bar = panel.figure.colorbar(image, ax=panel, fraction=thick, aspect=30, pad=0.03)
    bar.ax.yaxis.set_major_locator(MaxNLocator(5))
    bar.ax.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{1000 * value:.3g}".replace("-", "\N{MINUS SIGN}"))
    )


def _draw_profiles(panel: Axes, of: "Pair") -> list[Line2D]:
    """Draws the profiles; the entries of a legend for them."""
    handles = []
    half = _reach(of)
    for i, (found, sign) in enumerate(zip(of.profiles, "AB", strict=True)):
        if found is None:
            continue
        every = max(1, round(2 * half / _MARKS))
        style: dict[str, Any] = {
            "color": COLOURS[i],
            "linestyle": "-" if i == 0 else (0, (4, 1.5)),
            "marker": MARKERS[i],
        }
        panel.plot(found.at, 100 * found.share, markevery=(i % every, every), **style)
        handles.append(Line2D([], [], label=f"mass of {sign}", **style))
    panel.set_xlim(-half, half)
    panel.set_ylim(bottom=0)
    panel.xaxis.set_major_locator(FixedLocator([*pixels_marked(-half, half, 4)]))
    panel.set_title("mass by column", fontsize=7)
    panel.set_xlabel(_FROM.format("x"), fontsize=7, labelpad=1.5)
    panel.set_ylabel("mass [%]", fontsize=7, labelpad=1.5)
    panel.set_box_aspect(1)
    return handles


def _reach(of: "Pair") -> float:
    """How far the larger window reaches from its centre, in pixels, with a margin."""
    return max(_half(of.a), _half(of.b)) + _MARGIN


def _half(of: "Pictured") -> float:
    if of.framed is None:
        return 1.0
    window, (height, width) = of.framed.window, of.framed.heatmap.shape
    return float(max(min(window.width, width), min(window.height, height), 1)) / 2
