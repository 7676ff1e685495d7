"""One heatmap on its plane, in pixels, with the theoretical window and the effective square drawn in."""

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter

from cli.render.plots.choices import COLUMN_WIDTH, AreaName, ScaleName
from cli.render.plots.figure import About, Picture, fit_height, legend_below, panels, picture
from cli.render.plots.scales import shades, value_at
from cli.render.plots.style import HEAT, styled
from cli.render.plots.ticks import pixel_ticks, power_text
from cli.render.plots.words import fitted, shown
from pipeline.picture.colours import dimmed, opacity
from pipeline.sizes import DECADES

if TYPE_CHECKING:
    from store.asking.pictured import Framed, Pictured

LABELS: dict[ScaleName, str] = {
    "linear": "E / max E",
    "sqrt": "E / max E\n(square root)",
    "log": "E / max E\n(logarithm)",
    "replknet": "E per probe\n(log10(E + 1))",
    "vmamba": "E / max E\n(fourth root)",
}
"""What the bar beside a heatmap says, by scale."""
_LINE = 0.12
"""Inches between two numbers beside a bar."""
_AROUND = 0.85
"""Inches that title, axis and legend of a heatmap take."""
_MARGIN = 0.04
"""Around a window, as a share of its longer side; at least a pixel."""
_BEYOND = "0.88"
"""The grey of what lies beyond the plane."""
_BEHIND_BAR = "0.35"
"""What shades that let an image through are shown on in a bar: a grey as in the middle of such an image."""
_MOST_SAID = 40
"""Characters of a legend that tell of an image."""
_STROKE = (withStroke(linewidth=2.2, foreground="black"),)
"""A dark edge around bright lines: they are seen on both ends of the map, and in a legend on white."""
_WINDOW: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 2)), "path_effects": _STROKE}
_SQUARE: dict[str, Any] = {"linewidth": 0.9, "linestyle": "-", "path_effects": _STROKE}
_WHITE, _ORANGE = "white", "#FF9A3D"
"""Of the square and of the window: brighter than most of the map, and apart from each other in grey, too."""


def heatmap_figure(
    of: "Pictured",
    about: About,
    *,
    axes: Axes | None = None,
    scale: ScaleName = "linear",
    area: AreaName = "window",
    width: float = COLUMN_WIDTH,
) -> Any:
    """The picture of one result, or the figure of the `axes` that it is drawn into.

    `area` is what is shown: the unit's window, or the whole plane. `width` is in inches.
    """
    with styled():
        made: Any = picture(about, _height(of, area, width), width, has_squares=True) if axes is None else None
        (panel,) = [made.add_subplot()] if made is not None else panels(axes, 1)
        image = draw_framed(panel, of, scale=scale, area=area)
        panel.set_xlabel("x [px]")
        panel.set_ylabel("y [px]")
        panel.set_title(fitted(of.name, width - 0.6, 7.5))
        if image is not None:
            heat_bar(image, [panel], scale, _top(of, scale))
        if isinstance(made, Picture):
            legend_below(made, frame_handles([of]), columns=frame_columns([of]))
            fit_height(made)
    return panel.figure


def draw_framed(
    panel: Axes,
    of: "Pictured",
    *,
    scale: ScaleName,
    area: AreaName = "window",
    top: float | None = None,
    ticks: int = 5,
) -> Any:
    """Draws a heatmap with its frames into a panel; the image, None where there is nothing to see and a word says why.

    top: the value that is brightest; None: the largest of this heatmap. ticks: how many an axis has at most.
    """
    panel.set_facecolor(_BEYOND)
    framed = of.framed
    if of.missing is not None or framed is None:
        said = (of.missing or "").replace(" ", "\n")
        panel.text(0.5, 0.5, said, transform=panel.transAxes, ha="center", va="center", fontsize=6)
    if framed is None:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_aspect("equal", adjustable="box")
        return None
    image = None
    if of.missing is None:
        height, wide = framed.heatmap.shape
        pixels: dict[str, Any] = {"extent": (-0.5, wide - 0.5, height - 0.5, -0.5), "origin": "upper", "vmin": 0}
        pixels["interpolation"] = "nearest"
        if framed.backdrop is not None:
            panel.imshow(dimmed(framed.backdrop.grey), cmap="gray", vmax=255, zorder=0, **pixels)
        heat = HEAT if framed.backdrop is None else _see_through()
        image = panel.imshow(shades(framed.heatmap, scale, top), cmap=heat, vmax=1, **pixels)
        _frame(panel, framed)
    (upper, lower), (left, right) = _view(framed, area)
    panel.set_xlim(left, right)
    panel.set_ylim(lower, upper)
    pixel_ticks(panel, ticks)
    panel.set_aspect("equal", adjustable="box")
    return image


def _see_through() -> Any:
    """The map of heatmaps that lie on an image: what is nothing lets all of it through."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    levels = np.linspace(0, 1, 256)
    colours = colormaps[HEAT](levels)
    colours[:, 3] = opacity(levels)
    return ListedColormap(colours)


def heat_bar(image: Any, beside: list[Axes], scale: ScaleName, top: float = 1.0, *, shared: bool = False) -> None:
    """The bar of shades beside panels, with the values that have them; `top` is the value of the brightest.

    shared: whether it is the largest of all panels, and not that of each.
    """
    thick = min(0.1, 0.3 / beside[0].figure.get_figwidth())
    bar = beside[0].figure.colorbar(image, ax=beside, fraction=thick, aspect=40, pad=0.03)
    if scale == "log":
        at = [i / DECADES for i in range(0, DECADES + 1, 2)]
    else:
        at = [_shade_of(value, scale, top) for value in (0.0, 0.01, 0.1, 0.25, 0.5, 1.0)]
    bar.ax.yaxis.set_major_locator(_Apart(at))
    bar.ax.yaxis.set_major_formatter(
        FuncFormatter(lambda shade, _: power_text(float(f"{value_at(shade, scale, top):.2g}")))
    )
    bar.ax.set_facecolor(_BEHIND_BAR)
    bar.set_label(LABELS[scale].replace("max E", "max E of all") if shared else LABELS[scale])


class _Apart(FixedLocator):  # type: ignore[misc]  # Matplotlib is an extra, and is not looked into
    """Marks of a bar from end to end, without those that would touch. How high it is, is known when it is drawn."""

    def __call__(self) -> list[float]:
        bar = self.axis.axes
        height = bar.bbox.height / bar.figure.dpi
        return _apart([*self.locs], _LINE / max(height, _LINE))


def _apart(shades_: list[float], least: float) -> list[float]:
    """Those of growing shades that stand so far apart, the first and the last among them."""
    first, *middle, last = shades_
    kept = [first]
    for shade in middle:
        if shade - kept[-1] >= least and last - shade >= least:
            kept.append(shade)
    return [*kept, last]


def frame_handles(several: "list[Pictured]") -> list[Line2D]:
    """The entries of a legend for the frames that are there; their sizes where there is one heatmap alone."""
    framed = [each.framed for each in several if each.framed is not None and each.missing is None]
    handles = []
    if framed:
        seen = framed[0].window
        size = f" {seen.height}x{seen.width} px" if len(framed) == 1 else ""
        handles.append(Line2D([], [], color=_ORANGE, label=f"theoretical window{size}", **_WINDOW))
    squares = [each.square for each in framed if each.square is not None]
    if squares:
        top, bottom, *_ = squares[0]
        size = f" {bottom - top + 1} px" if len(framed) == 1 else ""
        handles.append(Line2D([], [], color=_WHITE, label=f"effective square{size}", **_SQUARE))
    images = {each.backdrop.said for each in framed if each.backdrop is not None}
    if images:
        said = f"on {images.pop()}" if len(images) == 1 else "on the images that were measured"
        handles.append(Line2D([], [], linestyle="none", label=shown(said, _MOST_SAID)))
    return handles


def frame_columns(several: "list[Pictured]") -> int:
    """Columns of a legend of the frames: what tells of an image takes a line of its own."""
    return 1 if any(each.framed is not None and each.framed.backdrop is not None for each in several) else 2


def _shade_of(share: float, scale: ScaleName, top: float) -> float:
    """The shade of a share of the largest value."""
    import numpy as np

    return float(shades(np.array([[share * top]]), scale, top)[0, 0])


def _top(of: "Pictured", scale: ScaleName) -> float:
    return 1.0 if scale != "replknet" or of.framed is None else float(of.framed.heatmap.max())


def _frame(panel: Axes, framed: "Framed") -> None:
    seen = framed.window
    box = (seen.left - 0.5, seen.top - 0.5), seen.width, seen.height
    panel.add_patch(Rectangle(*box, fill=False, edgecolor=_ORANGE, zorder=3, **_WINDOW))  # above a square that is it
    if framed.square is not None:
        top, bottom, left, right = framed.square
        box = (left - 0.5, top - 0.5), right - left + 1, bottom - top + 1
        panel.add_patch(Rectangle(*box, fill=False, edgecolor=_WHITE, zorder=2, **_SQUARE))


def _view(framed: "Framed", area: AreaName) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is shown, in pixels: ((top, bottom), (left, right))."""
    height, width = framed.heatmap.shape
    sides = ((-0.5, height - 0.5), (-0.5, width - 0.5))
    if area == "plane":
        return sides
    seen = framed.window
    margin = max(1.0, _MARGIN * max(seen.height, seen.width))
    window = ((seen.top, seen.bottom), (seen.left, seen.right))
    # A window that is much larger than the plane is shown as far as a margin beyond the plane.
    (y, x) = (
        (max(first - 0.5, low) - margin, min(last + 0.5, high) + margin)
        for (first, last), (low, high) in zip(window, sides, strict=True)
    )
    return y, x


def _height(of: "Pictured", area: AreaName, width: float) -> float:
    """Inches: what the panel takes at its width, with title, axis and legend."""
    ratio = 1.0
    if of.framed is not None:
        (top, bottom), (left, right) = _view(of.framed, area)
        ratio = min(max((bottom - top) / max(right - left, 1e-9), 0.3), 2.0)
    return (width - 1.15) * ratio + _AROUND
