"""Convolution of large kernels by a Fourier transform of the columns, every step of it a matrix product.

Over a period of T columns the correlation of a line x with a kernel row w, y[o] = sum over j of w[j] x[o + j - before],
is a product of their discrete Fourier transforms X and conj(W) = U at each of the frequencies 0 .. T/2. T is the number
of columns and as many zeros as the wider padding asks for: only outputs that nothing has wrapped into are made, so T
need not be a power of two. A complex product takes three real ones (Gauss):

    k1 = Ur (Xr + Xi)    k2 = (Ui - Ur) Xr    k3 = (Ur + Ui) Xi    Yr = k1 - k3    Yi = k1 + k2

where Xr + Xi, Ui - Ur, Ur + Ui come straight out of the transforms, and what is left of the inverse is linear in k1, k2
and k3. So there are real matrices B, D, A with q = 3T/2 products in all,

    v[r, s, c, n] = sum over columns l of B[s, l] x[r, c, l, n]
    u[s, i, c, f] = sum over j of D[s, j] w[i, j, c, f]
    m[p, s, f, n] = sum over i, c of u[s, i, c, f] v[p + i, s, c, n]
    y[p, f, o, n] = sum over s of A[o, s] m[p, s, f, n]

which takes q*kh*C*F multiplications a line where the direct way takes kw*columns*kh*C*F. The transforms are dense: at a
few dozen columns a matrix product is quicker than a fast transform. Errors are those of sums of length T.

What is exactly zero in the direct way is only nearly so here, and an activation may tell the two apart: an output is
exactly zero where all of its window is. So the way is taken only where there is no such window, but in probes that are
zero altogether, whose transform is zero too. `conv` takes a direct way for kernels that hold zeros or have few bits.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.ops import folded
from pipeline.ops.bound import Bound, Calls, apply, perform
from pipeline.ops.buffer import Array, Place, scratch, view
from pipeline.ops.choice import Shape
from pipeline.ops.lines import masked
from pipeline.ops.parameters import Parameters
from pipeline.ops.passes import copy_call, fill_calls
from pipeline.ops.span import Reach, blocks, runs
from pipeline.stem import Axis


class Bilinear(NamedTuple):
    """The matrices A [outputs, q], B [q, columns] and D [q, taps] of the derivation, as `out`, `line` and `kernel`."""

    out: Array
    line: Array
    kernel: Array


@lru_cache(maxsize=64)
def bilinear(columns: int, taps: int, outputs: int, before: int, dtype: str) -> Bilinear:
    """Returns the matrices, of `dtype`, of a correlation of `columns` with `taps`, with `before` zeros in front."""
    period = columns + max(before, outputs + taps - 1 - before - columns, 0)
    frequency = np.arange(period // 2 + 1)[:, None]
    single = np.full(len(frequency), 1 / period)  # frequencies that are their own mirror image count once
    single[1 : (period + 1) // 2] = 2 / period

    def wave(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = 2 * np.pi * (frequency * position % period) / period
        return np.cos(angle), np.sin(angle)

    cos, sin = wave(np.arange(columns))
    x_real, x_imaginary = cos, -sin
    u_real, u_imaginary = wave(np.arange(taps))  # the conjugate
    cos, sin = wave(np.arange(outputs) - before)
    y_real, y_imaginary = cos * single[:, None], -sin * single[:, None]
    line = np.concatenate([x_real + x_imaginary, x_real, x_imaginary])
    kernel = np.concatenate([u_real, u_imaginary - u_real, u_real + u_imaginary])
    out = np.concatenate([y_real + y_imaginary, y_imaginary, -y_real])
    # The imaginary part of frequency 0, and of T/2, is nothing: k1 alone is their product.
    real = frequency[:, 0] * 2 % period == 0
    out[: len(real)][real] = y_real[real]
    kept = np.concatenate([np.ones(len(real), bool), ~real, ~real])
    return Bilinear(*(np.ascontiguousarray(a, dtype) for a in (out[kept].T, line[kept], kernel[kept])))


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, place: int | None = None) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight of `shape` [kh, kw, C, F], stride 1.

    Its result is [rows', F, columns', n], of the dtype of x, float32 or float64. Where a probe has a window of zeros it
    is computed by folding, see above.
    """
    kh, kw, channels, features = shape
    direct = folded.forward(x, shape, y, across, groups, place)
    kernel = scratch(Place.REORDERED, (kw, features, kh, channels), x.dtype)
    transformed = _correlation(x, kernel, Reach(-y.before, 1, kh), across.before, direct.out)
    windows = (kh, y.before, y.after), (kw, across.before, across.after)
    return _yielding([], x, windows, transformed, kernel.transpose(2, 0, 3, 1), direct)


def vjp(
    g: Array, shape: Shape, y: Axis, across: Axis, groups: int, mask: Array | None = None, place: int | None = None
) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], from the gradient g [rows', F, columns', n] times mask.

    mask: bool, of the shape of g, or None. The result is of the dtype of g; see `forward`.
    """
    kh, kw, channels, features = shape
    direct = folded.vjp(g, shape, y, across, groups, mask, place)
    calls: Calls = []
    operand = masked(calls, g, mask)
    kernel = scratch(Place.REORDERED, (kw, channels, kh, features), g.dtype)
    before = kw - 1 - across.before
    transformed = _correlation(operand, kernel, Reach(y.before - (kh - 1), 1, kh), before, direct.out)
    windows = (kh, kh - 1 - y.before, kh - 1 - y.after), (kw, before, kw - 1 - across.after)
    return _yielding(calls, operand, windows, transformed, kernel.transpose(2, 0, 1, 3)[::-1, ::-1], direct)


Window = tuple[int, int, int]
"""Its size along one axis, and the padding before and after."""


def _yielding(
    calls: Calls, operand: Array, windows: tuple[Window, Window], transformed: Calls, kernel: Array, direct: Bound
) -> Bound:
    """Returns the Fourier way, which yields to the direct one where a window of the operand is zero.

    calls: those that compute the operand. kernel: the place of the weight, as a view [kh, kw, C, F].
    """

    def start(own: Parameters) -> None:
        perform(calls)
        if has_zero_window(_alive(operand), *windows):
            apply(direct, own)
        else:
            kernel[...] = own.kernel
            perform(transformed)

    return direct._replace(calls=[], start=start, inner=len(transformed) + len(direct.calls))


def _alive(x: Array) -> npt.NDArray[np.bool_]:
    """Returns bool [rows, columns, n]: where any channel of x is not zero."""
    alive: npt.NDArray[np.bool_] = np.logical_or.reduce(x, axis=1)
    return alive


def has_zero_window(alive: npt.NDArray[np.bool_], y: tuple[int, int, int], x: tuple[int, int, int]) -> bool:
    """Whether any probe has a window of zeros but is not zero altogether.

    alive: bool [rows, columns, n], which pixels are not zero; y, x: (size of the window, padding before, padding
    after).
    """
    probes = alive.any(axis=(0, 1))
    if not probes.all():
        alive = alive[..., probes]
    (kh, top, bottom), (kw, left, right) = y, x
    if max(top, bottom) < kh and max(left, right) < kw and alive.all():
        return False
    # Sums over windows, as differences of sums over everything above and to the left.
    pads = ((max(top, 0) + 1, max(bottom, 0)), (max(left, 0) + 1, max(right, 0)), (0, 0))
    total = np.pad(alive, pads).astype(np.int32).cumsum(axis=0).cumsum(axis=1)
    rows = total[kh:] - total[:-kh]
    return not (rows[:, kw:] > rows[:, :-kw]).all()


def _correlation(x: Array, kernel: Array, reach: Reach, before: int, out: Array) -> Calls:
    """Returns the calls for out [rows, F, outputs, n], from x [rows', C, columns, n] and a kernel [kw, F, kh, C].

    `before` zeros stand in front of a line of x.
    """
    high, channels, columns, n = x.shape
    taps, features, kh, _ = kernel.shape
    rows, _, outputs, _ = out.shape
    dtype = x.dtype
    a, b, d = bilinear(columns, taps, outputs, before, dtype.str)
    q = len(b)
    spectrum = scratch(Place.SPECTRUM, (q, features * kh * channels), dtype)
    u = spectrum.reshape(q, 1, features, kh * channels)
    v = scratch(Place.TRANSFORMED, (q, high, channels, n), dtype)
    spectra = v.reshape(q, high, channels * n).transpose(1, 0, 2)
    calls: Calls = [(np.matmul, (d, kernel.reshape(taps, -1), spectrum))]
    for block in blocks(high, columns * channels * n * dtype.itemsize):
        here = slice(block.start, block.stop)
        turned = scratch(Place.TURNED, (len(block), columns, channels, n), dtype)
        calls += [
            copy_call(turned, x[here].transpose(0, 2, 1, 3)),
            (np.matmul, (b, turned.reshape(len(block), columns, channels * n), spectra[here])),
        ]
    for below in blocks(rows, q * features * n * dtype.itemsize):
        m = scratch(Place.TAPS, (q, len(below), features, n), dtype)
        for start, stop, top, bottom in runs(reach, below, high):
            product = m[:, start - below.start : stop - below.start]
            if bottom <= top:
                calls += fill_calls(product)
                continue
            line = channels * n
            shape = q, stop - start, (bottom - top) * channels, n
            window = view(v, (reach.first + start + top) * line, shape, (high * line, line, n, 1))
            calls.append((np.matmul, (u[..., top * channels : bottom * channels], window, product)))
        back = scratch(Place.TURNED, (len(below), outputs, features, n), dtype)
        flat = m.reshape(q, len(below), features * n).transpose(1, 0, 2)
        calls += [
            (np.matmul, (a, flat, back.reshape(len(below), outputs, features * n))),
            copy_call(out[below.start : below.stop], back.transpose(0, 2, 1, 3)),
        ]
    return calls
