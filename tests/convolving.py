"""Convolutions bound and run at once, for tests that compare numbers: [rows, C, columns, n] with [kh, kw, C, F]."""

import numpy as np

from pipeline.ops import conv
from pipeline.ops.bound import run
from pipeline.ops.choice import Way
from pipeline.ops.parameters import Parameters
from pipeline.stem.plane import Axis


def forward(
    x: np.ndarray,
    weight: np.ndarray,
    y: Axis,
    across: Axis,
    groups: int = 1,
    way: Way | None = None,
    ties: bool = False,
) -> np.ndarray:
    own = Parameters(weight)
    return run(conv.forward(x, own, y, across, groups, None, ties, way), own)


def vjp(
    g: np.ndarray,
    weight: np.ndarray,
    y: Axis,
    across: Axis,
    groups: int = 1,
    mask: np.ndarray | None = None,
    way: Way | None = None,
) -> np.ndarray:
    own = Parameters(weight)
    return run(conv.vjp(g, own, y, across, groups, mask, None, way), own)
