"""How pictures look, whatever a user's matplotlibrc says: small enough for one column of a paper, legible in grey."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.errors import InputError
from pipeline.extras import install

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Those of Okabe and Ito (2008), which the colour-blind tell apart, without the yellow that is lost on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*")
"""As many shapes as are told apart at this size. Their number has no common factor with that of the colours, so that 63
families differ in both together."""
HEAT = "viridis"
"""The map of heatmaps: its brightness grows evenly, so that it is as legible in grey."""
ORDERED = "cividis"
"""The map of curves too many to have a colour each."""
DIFFERENCES = "cividis"
"""The map of differences: dark below zero and bright above. One whose ends are both dark loses the sign in grey."""
GREY = "0.45"
"""Of what is there for comparison: laws, results that are beaten."""

LEGEND = 6.5
"""Points of the letters of a legend."""

_RC: dict[str, Any] = {
    "font.size": 8,
    "font.family": "DejaVu Sans",  # which comes with Matplotlib, so that a figure is the same on every machine
    "axes.titlesize": 7.5,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "legend.fontsize": LEGEND,
    "legend.title_fontsize": LEGEND,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "text.usetex": False,
    "text.parse_math": False,  # labels are a user's text, and a dollar in them is a dollar
    "svg.fonttype": "none",  # text stays text, to be searched and edited
    "pdf.fonttype": 42,
    "svg.hashsalt": "erfsweep",  # or the names of its parts are random
    "axes.formatter.use_mathtext": False,
}


def needed() -> None:
    """Raises InputError where Matplotlib is not installed."""
    try:
        import matplotlib as matplotlib
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise InputError(f"pictures need Matplotlib, which is not installed; type {install('plot')}") from error


@contextmanager
def styled() -> Iterator[None]:
    """While it is open, whatever is drawn or saved looks as pictures do here."""
    from matplotlib import style

    with style.context(["default", _RC]):
        yield
