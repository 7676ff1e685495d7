"""How much the page takes, and where it is served."""

MAX_ROWS = 20_000
"""Of a report: a browser reads, filters and draws so many without delay; more are for `erfsweep ui`."""
MAX_POINTS = 5_000
"""Of a plot of `erfsweep ui`."""
LARGEST_SIDE = 128
"""Of a heatmap, in dots: no screen shows more of it in a row of several."""
DEFAULT_PORT = 5006
"""That of Bokeh's own server."""
