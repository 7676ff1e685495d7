"""What the options of pictures may be, without NumPy and Matplotlib, which a help page does without."""

from typing import Literal, TypeAlias

ScaleName: TypeAlias = Literal["linear", "sqrt", "log", "replknet", "vmamba"]
"""How values become shades, see `cli.render.plots.scales.shades`."""
AreaName: TypeAlias = Literal["window", "plane"]
"""What is shown of a heatmap: the unit's window, or the whole plane."""
CurveName: TypeAlias = Literal["square", "x", "y", "radial"]
"""The mass curves, as `pipeline.sizes.CURVES` has them."""
AlongName: TypeAlias = Literal["depth", "theo_rf"]
"""What a size grows with."""

COLUMN_WIDTH = 3.35
"""Inches: the narrowest column of the usual two-column templates (ACM 3.33, IEEE 3.5, CVPR 3.25 to 3.35)."""

MOST_PANELS = 16
"""Heatmaps in a grid where nobody says how many."""
LARGEST_GRID = 256
"""Heatmaps in a grid: laying out so many takes half a minute."""
