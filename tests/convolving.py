"""Convolutions bound and run at once, for tests that compare numbers: [rows, C, columns, n] with [kh, kw, C, F]."""

import numpy as np
from hypothesis import strategies as st

from pipeline.ops import conv
from pipeline.ops.bound import run
from pipeline.ops.choice import Way
from pipeline.ops.parameters import Parameters
from pipeline.stem import Axis


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


def axis(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> Axis | None:
    room = size + before + after - dilation * (kernel - 1) - 1
    if room < 0:
        return None
    # The cone hands over no more than is read.
    size_out = room // stride + 1
    return Axis(size, size_out, kernel, stride, dilation, before, after - room % stride)


AXES = st.builds(
    axis,
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 4),
    st.integers(0, 4),
).filter(lambda made: made is not None and made.after >= 0)
DENSE = st.builds(
    axis, st.integers(2, 12), st.integers(1, 5), st.just(1), st.just(1), st.integers(0, 2), st.integers(0, 2)
)
TALL = st.builds(
    axis, st.integers(1, 20), st.integers(1, 19), st.integers(1, 3), st.just(1), st.integers(0, 20), st.integers(0, 20)
).filter(lambda made: made is not None and made.after >= 0)


def by_definition(x: np.ndarray, weight: np.ndarray, y: Axis, across: Axis, groups: int) -> np.ndarray:
    """The sum that defines a convolution, tap by tap."""
    kh, kw, channels, features = weight.shape
    padded = np.pad(x, ((y.before, y.after), (0, 0), (across.before, across.after), (0, 0)))
    made = np.zeros((y.size_out, features, across.size_out, x.shape[3]))
    own = features // groups
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)
            columns = slice(
                j * across.dilation, j * across.dilation + (across.size_out - 1) * across.stride + 1, across.stride
            )
            for group in range(groups):
                given = padded[rows, group * channels : (group + 1) * channels, columns]
                kernel = weight[i, j, :, group * own : (group + 1) * own]
                made[:, group * own : (group + 1) * own] += np.einsum("pcon,cf->pfon", given, kernel)
    return made


def by_gradient(g: np.ndarray, weight: np.ndarray, y: Axis, across: Axis, groups: int) -> np.ndarray:
    """The transpose of the sum that defines a convolution, tap by tap."""
    kh, kw, channels, features = weight.shape
    shape = y.before + y.size_in + y.after, groups * channels, across.before + across.size_in + across.after, g.shape[3]
    made = np.zeros(shape)
    own = features // groups
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)
            columns = slice(
                j * across.dilation, j * across.dilation + (across.size_out - 1) * across.stride + 1, across.stride
            )
            for group in range(groups):
                given = g[:, group * own : (group + 1) * own]
                kernel = weight[i, j, :, group * own : (group + 1) * own]
                made[rows, group * channels : (group + 1) * channels, columns] += np.einsum(
                    "pfon,cf->pcon", given, kernel
                )
    return made[y.before : y.before + y.size_in, :, across.before : across.before + across.size_in]


def arrays(y: Axis, across: Axis, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    channels, own, n = rng.integers(1, 4, 3)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, channels, groups * own))
    g = rng.standard_normal((y.size_out, groups * own, across.size_out, n))
    return x, weight, g


def among_others(x: np.ndarray) -> np.ndarray:
    """x among other numbers in memory, so that neither its rows nor its lines follow one another."""
    rows, channels, columns, n = x.shape
    more = np.full((rows, channels + 1, columns + 3, n), np.nan, x.dtype)
    more[:, :channels, 1:-2] = x
    return more[:, :channels, 1:-2]
