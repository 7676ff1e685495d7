"""The plots of the page: empty figures of Bokeh, which its scripts fill and redraw."""

from typing import Any

HEIGHT = 380
"""Of a plot, in pixels of the screen."""
_TOOLS = "pan,wheel_zoom,box_zoom,box_select,tap,reset,save"
_POINT = {"size": 8, "line_width": 1, "fill_alpha": 0.65, "line_alpha": 0.9}
_FADED = 0.12
"""How much is seen of what is not selected."""
COLUMNS = ("id", "config", "x", "y", "across", "up", "family", "color", "marker")
"""What a point has; `across` and `up` are x and y as text."""


def figures() -> list[Any]:
    """The figures `scatter`, `growth` and `curves`; their sources are called `NAME-points` and `NAME-lines`.

    What a user wrote is only ever in tooltips, as text: a name of an axis or a legend could hold markup of TeX.
    """
    from bokeh.models import LogAxis, LogScale

    scatter = _points("scatter")
    for side in ("below", "left"):
        scatter.add_layout(LogAxis(visible=False), side)
    scatter.tags = [LogScale(), LogScale()]
    growth = _points("growth", x_axis_type="log", y_axis_type="log")
    _lines(growth, "growth", line_width=1.5, line_alpha=0.8)
    curves = _figure("curves", tools="pan,wheel_zoom,box_zoom,reset,save,hover")
    curves.y_range.start, curves.y_range.end = 0, 1.04
    _lines(curves, "curves", line_width=2)
    return [scatter, growth, curves]


def _figure(name: str, **how: Any) -> Any:
    from bokeh.plotting import figure

    made = figure(
        **{"height": HEIGHT, "sizing_mode": "stretch_width", "name": name, "output_backend": "canvas", **how},
        active_scroll=None,
    )
    made.background_fill_color = made.border_fill_color = None  # those of the page, light or dark
    made.outline_line_color = None
    made.toolbar.logo = None
    return made


def _points(name: str, **how: Any) -> Any:
    """A figure of points that are selected together with rows of the table."""
    from bokeh.models import ColumnDataSource, HoverTool

    made = _figure(name, tools=_TOOLS, active_drag="box_select", active_tap="tap", **how)
    source = ColumnDataSource({column: [] for column in COLUMNS}, name=f"{name}-points")
    glyphs = made.scatter("x", "y", source=source, marker="marker", color="color", **_POINT)
    glyphs.nonselection_glyph.fill_alpha = glyphs.nonselection_glyph.line_alpha = _FADED
    glyphs.nonselection_glyph.hatch_alpha = _FADED
    made.add_tools(HoverTool(renderers=[glyphs], name=f"{name}-hover", limit=3))
    return made


def _lines(figure: Any, name: str, **how: Any) -> None:
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({column: [] for column in ("xs", "ys", "config", "color", "dash")}, name=f"{name}-lines")
    lines = figure.multi_line("xs", "ys", source=source, color="color", line_dash="dash", **how)
    lines.level = "underlay" if name == "growth" else "glyph"
    if name == "curves":
        from bokeh.models import HoverTool

        hover = figure.select_one({"type": HoverTool})
        hover.renderers, hover.name = [lines], "curves-hover"
        hover.line_policy = "nearest"
        hover.tooltips = [("config", "@config"), ("radius", "$x{0.0} px"), ("share", "$y{0.000}")]
