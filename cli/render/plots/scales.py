"""How the values of a heatmap become shades: the scales that published pictures of receptive fields use, by name."""

import numpy as np

from cli.render.plots.choices import ScaleName
from pipeline.sizes import DECADES, Floats


def shades(values: Floats, scale: ScaleName, top: float | None = None) -> Floats:
    """The shade of each value, float64 in [0, 1] of the shape of `values`: 0 for zero, 1 for `top`.

    values: float64 [height, width], a heatmap per probe, E / probes used. top: the value that has the shade 1; None:
    the largest. All shades are 0 where it is 0.

    - linear: E / top, as in the script of SLaK (Liu et al. 2022, arXiv 2207.03620, `erf/`).
    - sqrt: its square root.
    - log: 1 + log10(E / top) / 6, six decades below the top; 0 for what is less.
    - replknet: log10(E + 1) / log10(top + 1) (Ding et al. 2022, arXiv 2203.06717, `erf/analyze_erf.py`). It depends on
      the units of E: where E is far below 1 it is linear.
    - vmamba: (E / top)^(1/4), as in the script of VMamba (Liu et al. 2024, arXiv 2401.10166, `analyze/`).
    """
    most = float(values.max(initial=0.0)) if top is None else top
    if most == 0:
        return np.zeros_like(values)
    if scale == "replknet":
        return np.asarray(np.log1p(values) / np.log1p(most))  # the base falls out of the quotient
    share = values / most
    match scale:
        case "sqrt":
            return np.asarray(np.sqrt(share))
        case "vmamba":
            return np.asarray(share**0.25)
        case "log":
            with np.errstate(divide="ignore"):
                return np.clip(1 + np.log10(share) / DECADES, 0.0, 1.0)
        case _:
            return np.asarray(share)


def value_at(shade: float, scale: ScaleName, top: float = 1.0) -> float:
    """The value that has a shade from 0 to 1; for `log` the least that is told apart where the shade is 0."""
    match scale:
        case "sqrt":
            return top * shade**2
        case "vmamba":
            return top * shade**4
        case "log":
            return float(top * 10 ** (DECADES * (shade - 1)))
        case "replknet":
            return float(np.expm1(shade * np.log1p(top)))
        case _:
            return top * shade
