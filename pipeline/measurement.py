"""One config measured by itself, in this process: its heatmap, and everything that is read off it."""

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline import blas
from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.config import Config, encode
from pipeline.errors import EngineError, InputError
from pipeline.limits import Limits
from pipeline.result import Arrays, Failure, Sizes, Theory
from pipeline.sizes import cutout, radius_count
from pipeline.task import collect, measure
from pipeline.theory import window_of

_OF_INPUT = ("InputError", "FloatingPointError", "Timeout")
"""Failures that another config, or a wider limit, would not have."""


_SIDE = 256
"""Pixels of the screen that a picture in a notebook is wide."""
_SHOWN = ("eff_rf", "ratio", "eff_square", "luo", "sigma_x")
"""The sizes beside it, and in what a prompt prints."""


class Measurement(msgspec.Struct, frozen=True, eq=False):
    """A measured config.

    config: what was measured, its defaults filled in. heatmap: float64 [height, width] on the input plane, read-only.
    curves: float64 [4, radii], read-only, the share of the heatmap's sum, 0 to 1, in the centred square, along x, along
    y and in the centred disc of radius 0, 1, ... px; None where the heatmap is zero. sizes: in px; one that does not
    exist is None and has its reason in `sizes.reasons`. theory: what arithmetic and the closed form say. is_dead: no
    probe's gradient reaches the input. n_zero, n_nan: how many probes have a gradient that is zero, or not finite.
    """

    config: Config
    heatmap: npt.NDArray[np.float64]
    curves: npt.NDArray[np.float64] | None
    sizes: Sizes
    theory: Theory
    is_dead: bool
    n_zero: int
    n_nan: int

    def __repr__(self) -> str:
        told = "dead" if self.is_dead else ", ".join(f"{name} {value}" for name, value in numbers_of(self))
        return f"<{self.config.stem}: {told}>"

    def _repr_html_(self) -> str:
        return measurement_html(self)


def numbers_of(of: Measurement) -> list[tuple[str, str]]:
    """The theoretical receptive field and the usual sizes, (name, number as text); `-` for one that does not exist."""
    numbers = {"theo_rf": of.theory.theo_rf} | {name: getattr(of.sizes, name) for name in _SHOWN}
    return [(name, "-" if value is None else f"{value:.4g}") for name, value in numbers.items()]


def measurement_html(of: Measurement) -> str:
    """What a notebook shows: the heatmap in the unit's window, with its effective square, and the usual sizes."""
    from base64 import b64encode
    from html import escape

    from pipeline.picture.png import picture, png

    cut = cutout(of.config, of.heatmap, of.sizes.eff_square)
    drawn = "" if cut is None else b64encode(png(picture(cut))).decode()
    shown = f'<img alt="heatmap" src="data:image/png;base64,{drawn}" style="width:{_SIDE}px">' if drawn else ""
    rows = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in numbers_of(of))
    told = " (dead: no gradient reaches the input)" if of.is_dead else ""
    return f"<div><p>{escape(of.config.stem)}{told}</p>{shown}<table>{rows}</table></div>\n"


def measurement(config: Config, limits: Limits) -> Measurement:
    """Measures a config as every engine does, bit for bit.

    Raises InputError where it would take more than the limits allow, or every gradient is NaN or infinite, and
    EngineError for a fault of this program.
    """
    with blas.one_thread():
        task = measure(config.digest, encode(config), limits.memory, limits.timeout)
        (outcome,) = collect([task])
    found = outcome.result
    if found is None:
        raise _error(outcome.failure or Failure("Unknown", "it failed without a reason"))
    heatmap, curves = _unpacked(config, found.arrays)
    return Measurement(config, heatmap, curves, found.sizes, found.theory, found.dead, found.n_zero, found.n_nan)


def _unpacked(config: Config, arrays: Arrays) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """Returns (heatmap, curves) of a config: float64 [height, width], and [4, radii] or None for a dead config.

    Raises StoreError for bytes that are damaged.
    """
    plane = config.input.height, config.input.width
    center = window_of(config).center
    return unpack_heatmap(arrays, plane), unpack_curves(arrays, radius_count(plane, center))


def _error(failure: Failure) -> Exception:
    if failure.type in _OF_INPUT:
        return InputError(failure.message)
    error = EngineError(f"the measurement failed with {failure.type}: {failure.message}")
    error.add_note(failure.traceback)
    return error
