"""How much the page takes, and where it is served."""

MAX_ROWS = 20_000
"""Of a report: a browser reads, filters and draws so many without delay; more are for `erfsweep ui`."""
MAX_POINTS = 5_000
"""Of a plot of `erfsweep ui`."""
LARGEST_SIDE = 128
"""Of a heatmap, in dots: no screen shows more of it in a row of several."""
LARGEST_BACKDROP = 240
"""Of an image below a heatmap, in dots: what a heatmap is drawn in."""
BACKDROP_BYTES = 1_000_000
"""Of all images of a report: 17 may be as large as that, of 5,000 each has 14 x 14 dots."""
DEFAULT_PORT = 5006
"""That of Bokeh's own server."""
