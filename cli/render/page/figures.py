"""The plots of the page: empty figures of Bokeh, which its scripts fill and redraw."""

from typing import Any

HEIGHT = 380
"""Of a plot, in pixels of the screen."""
_TOOLS = "pan,wheel_zoom,box_zoom,box_select,tap,reset,save"
_POINT = {"size": 8, "line_width": 1, "fill_alpha": 0.65, "line_alpha": 0.9}
_FADED = 0.12
"""How much is seen of what is not selected."""
_POINT_COLUMNS = ("id", "config", "x", "y", "across", "up", "family", "color", "marker")
"""What a point has; `across` and `up` are x and y as text."""
_LINE_COLUMNS = ("xs", "ys", "config", "color", "dash")


def figures() -> list[Any]:
    """The figures `scatter`, `growth`, `layers` and `curves`; their sources are called `NAME-points` and `NAME-lines`.

    What a user wrote is only ever in tooltips, as text, because a name of an axis or a legend could hold markup of TeX.
    The marks of layers stand along an axis without the signs that begin such markup.
    """
    return [_scatter(), _growth(), _layers(), _curves()]


def _scatter() -> Any:
    """Points on linear axes, beside which logarithmic ones wait until they are asked for; `tags` has their scales."""
    from bokeh.models import LogAxis, LogScale

    made = _figure("scatter", tools=_TOOLS, active_drag="box_select", active_tap="tap")
    _add_points(made)
    for side in ("below", "left"):
        made.add_layout(LogAxis(visible=False), side)
    made.tags = [LogScale(), LogScale()]
    return made


def _growth() -> Any:
    """Points on logarithmic axes, and lines behind them."""
    axes = {"x_axis_type": "log", "y_axis_type": "log"}
    made = _figure("growth", tools=_TOOLS, active_drag="box_select", active_tap="tap", **axes)
    _add_points(made)
    _add_lines(made, line_width=1.5, line_alpha=0.8).level = "underlay"
    return made


def _layers() -> Any:
    """Points and lines over the layers of networks, whose names stand at 0, 1, ... across; up is logarithmic."""
    from bokeh.models import FixedTicker

    made = _figure("layers", tools=_TOOLS, active_drag="box_select", active_tap="tap", y_axis_type="log")
    made.xaxis.ticker = FixedTicker(ticks=[])
    _add_points(made)
    _add_lines(made, line_width=1.5, line_alpha=0.8).level = "underlay"
    return made


def _curves() -> Any:
    """Lines from 0 to 1."""
    from bokeh.models import HoverTool, Range1d

    made = _figure("curves", tools="pan,wheel_zoom,box_zoom,reset,save")
    made.x_range, made.y_range = Range1d(0, 1), Range1d(0, 1.04)
    told = [("config", "@config"), ("radius", "$x{0.0} px"), ("share", "$y{0.000}")]
    made.add_tools(HoverTool(renderers=[_add_lines(made, line_width=2)], line_policy="nearest", tooltips=told))
    return made


def _figure(name: str, **how: Any) -> Any:
    from bokeh.plotting import figure

    made = figure(height=HEIGHT, sizing_mode="stretch_width", name=name, active_scroll=None, **how)
    made.background_fill_color = made.border_fill_color = None  # those of the page, light or dark
    made.outline_line_color = None
    made.toolbar.logo = None
    made.toolbar.stylesheets = ["@media print { :host { display: none; } }"]  # where the page's style does not reach
    return made


def _add_points(figure: Any) -> None:
    """Points that are selected together with rows of the table, and told when the mouse is over them."""
    from bokeh.models import ColumnDataSource, HoverTool

    source = ColumnDataSource({column: [] for column in _POINT_COLUMNS}, name=f"{figure.name}-points")
    points = figure.scatter("x", "y", source=source, marker="marker", color="color", **_POINT)
    points.nonselection_glyph.fill_alpha = points.nonselection_glyph.line_alpha = _FADED
    points.nonselection_glyph.hatch_alpha = _FADED
    figure.add_tools(HoverTool(renderers=[points], name=f"{figure.name}-hover", limit=3))


def _add_lines(figure: Any, **how: Any) -> Any:
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({column: [] for column in _LINE_COLUMNS}, name=f"{figure.name}-lines")
    return figure.multi_line("xs", "ys", source=source, color="color", line_dash="dash", **how)
