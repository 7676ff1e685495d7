"""Draws the pictures of the pages: `python docs/figures.py`. A test says when one no longer shows what it should."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import erfsweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = Path(__file__).with_name("figures")
MINE: dict[str, Any] = {"name": "mine", "stem": "7x7/2:32 3x3:64 max3x3/2", "input": {"channels": 3}}
"""The stem of docs/first.md."""
BOX: dict[str, Any] = {"name": "box", "stem": "10x3x3=linear", "init": {"kind": "uniform_kernel"}}
"""The stem of docs/sizes.md: its heatmap is the tenfold convolution of a 3x3 box."""
STAGES: dict[str, Any] = {
    "name": "stages",
    "stem": "4x3x3:4#c1 3x3/2:4 3x3x3:4#c2 3x3/2:4 3x3x3:4#c3 3x3/2:4 3x3x3:4#c4",
    "input": {"channels": 3},
    "grid": {
        "readout.layer": ["c1", "c2", "c3", "c4"],
        "init.kind": ["he_normal", "uniform_kernel"],
        "seed": [0, 1, 2, 3],
    },
}
"""The network of docs/models.md, with the stages that are drawn there."""


def mine(store: erfsweep.Store, path: Path) -> None:
    """What `erfsweep plot heatmap mine:0` draws."""
    store.plot.heatmap("mine:0").savefig(path, dpi=200, metadata=_about(store, "mine"))


def stages(store: erfsweep.Store, path: Path) -> None:
    """What `erfsweep plot layers stages --over seed --size hdr` draws."""
    store.plot.layers("stages", over="seed", size="hdr").savefig(path, dpi=200, metadata=_about(store, "stages"))


def all_sizes(store: erfsweep.Store, path: Path) -> None:
    """The heatmap of BOX with every size that is an area, or a part of one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.4, 4.2))
    axes = figure.add_axes((0.08, 0.12, 0.47, 0.8))
    found = store.heatmap("box:0")
    axes.imshow(found, cmap="Greys", vmax=1.6 * found.max())
    _outline(axes, found, store.rows("box", columns="sizes")[0])
    ticks = range(0, len(found), 5)
    axes.set(xlabel="x [px]", ylabel="y [px]", title="10x3x3=linear, equal weights", xticks=ticks, yticks=ticks)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=9)
    figure.savefig(path, dpi=150, metadata=_about(store, "box"))


def _outline(axes: "Axes", heatmap: Any, sizes: dict[str, float]) -> None:
    from matplotlib.patches import Circle, Rectangle

    c = (len(heatmap) - 1) / 2
    blue, orange, green, red, purple = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
    side = sizes["eff_square"]
    axes.add_patch(Rectangle((c - side / 2, c - side / 2), side, side, fill=False, color=blue, lw=2))
    axes.plot([], [], color=blue, lw=2, label=f"eff_square {side:g}: the square with 90 %")
    for at in (c - sizes["eff_rf"] / 2, c + sizes["eff_rf"] / 2):
        axes.axvline(at, color=orange, lw=2, ls="--")
    axes.plot([], [], color=orange, lw=2, ls="--", label=f"eff_rf {sizes['eff_rf']:g}: the columns with 90 %")
    axes.add_patch(Circle((c, c), sizes["radial"] / 2, fill=False, color=green, lw=2))
    axes.plot([], [], color=green, lw=2, label=f"radial {sizes['radial']:.4g}: the disc with 90 %")
    _edge(axes, heatmap > 0.0455 * heatmap[round(c), round(c)], red)
    axes.plot([], [], color=red, lw=2, label=f"luo {sizes['luo']:.4g}: root of the pixels\nabove 4.55 % of the centre")
    falling = np.sort(heatmap, axis=None)[::-1]
    least = falling[np.searchsorted(np.cumsum(falling) / falling.sum(), 0.9 - 1e-12)]
    _edge(axes, heatmap >= least * (1 - 1e-9), purple)
    axes.plot([], [], color=purple, lw=2, label=f"hdr {sizes['hdr']:.4g}: root of the fewest\npixels with 90 %")
    axes.add_patch(Circle((c, c), sizes["sigma_x"], fill=False, color="black", lw=2, ls=":"))
    axes.plot(
        [], [], color="black", lw=2, ls=":", label=f"sigma_x {sizes['sigma_x']:.4g}: standard\ndeviation, as a radius"
    )


def _edge(axes: "Axes", pixels: Any, color: str) -> None:
    """The edge of a set of pixels, along their sides."""
    n, fine = len(pixels), 20
    at = (np.arange(n * fine) + 0.5) / fine - 0.5
    axes.contour(at, at, np.kron(pixels, np.ones((fine, fine))), levels=[0.5], colors=color, linewidths=2)


def _about(store: erfsweep.Store, sweep: str) -> dict[str, str]:
    """What a picture says of itself: stems and numbers that it shows, by which a test knows a stale one."""
    rows = store.rows(sweep, columns="stem,mark,theo_rf,eff_rf,eff_square,luo,hdr,sigma_x")
    return {"Keywords": "; ".join(", ".join(map(_short, row.values())) for row in rows), "Software": "erfsweep"}


def _short(value: object) -> str:
    """A value as a reader of the picture sees it, with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


DRAWN = {"mine.png": mine, "sizes.png": all_sizes, "stages.png": stages}


def measured() -> erfsweep.Store:
    """A store, in the working directory, that has what the pictures show."""
    store = erfsweep.open_store("sqlite:///figures.db", create=True)
    for sweep in (MINE, BOX, STAGES):
        store.submit(sweep)
    store.work(engine="sync")
    return store


if __name__ == "__main__":
    import os
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        os.chdir(folder)
        with measured() as store:
            for name, draw in DRAWN.items():
                draw(store, FOLDER / name)
