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

from pipeline.ops.array import Array, view
from pipeline.ops.bound import Calls, perform
from pipeline.ops.buffer import room, scratch
from pipeline.ops.lines import masked
from pipeline.ops.passes import copied
from pipeline.ops.span import Reach, blocks, runs
from pipeline.stem.plane import Axis

BLOCK = 2**20
"""Bytes of products that are made at once."""


class Bilinear(NamedTuple):
    """A, B and D of the derivation: [outputs, q], [q, columns], [q, taps]."""

    out: Array
    line: Array
    kernel: Array


@lru_cache(maxsize=64)
def bilinear(columns: int, taps: int, outputs: int, before: int, dtype: str) -> Bilinear:
    """The matrices of a correlation of `columns` with `taps`, `before` zeros in front."""
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


def forward(x: Array, weight: Array, y: Axis, across: Axis, slot: str | None = None) -> Array | None:
    """The convolution of x [rows, C, columns, n] with weight [kh, kw, C, F], or None where a window is zero."""
    kh, kw, _, _ = weight.shape
    padding = y.before, y.after
    if has_zero_window(_alive(x), (kh, *padding), (kw, across.before, across.after)):
        return None
    kernel = np.ascontiguousarray(weight.transpose(1, 3, 0, 2))  # [kw, F, kh, C]
    reach = Reach(-y.before, 1, kh)
    return _correlation(np.ascontiguousarray(x), kernel, reach, (y.size_out, across.size_out), across.before, slot)


def vjp(g: Array, weight: Array, y: Axis, across: Axis, mask: Array | None, slot: str | None = None) -> Array | None:
    """The gradient by x, given g [rows', F, columns', n] times mask, or None where a window of that is zero."""
    kh, kw, _, _ = weight.shape
    calls: Calls = []
    given = np.ascontiguousarray(masked(calls, g, mask))
    perform(calls)
    rows = kh, kh - 1 - y.before, kh - 1 - y.after
    if has_zero_window(_alive(given), rows, (kw, kw - 1 - across.before, kw - 1 - across.after)):
        return None
    kernel = np.ascontiguousarray(weight[::-1, ::-1].transpose(1, 2, 0, 3))  # [kw, C, kh, F]
    reach = Reach(y.before - (kh - 1), 1, kh)
    return _correlation(given, kernel, reach, (y.size_in, across.size_in), kw - 1 - across.before, slot)


def _alive(x: Array) -> npt.NDArray[np.bool_]:
    """[rows, columns, n]: where any channel of x is not zero."""
    alive: npt.NDArray[np.bool_] = np.logical_or.reduce(x, axis=1)
    return alive


def has_zero_window(alive: npt.NDArray[np.bool_], y: tuple[int, int, int], x: tuple[int, int, int]) -> bool:
    """Whether a probe has a window of zeros but is not zero altogether.

    alive: [rows, columns, n], which pixels are not zero; y, x: the window's size, and the padding before and after.
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


def _correlation(
    given: Array, kernel: Array, reach: Reach, sides: tuple[int, int], before: int, slot: str | None
) -> Array:
    """[rows, C, columns, n] with a kernel [kw, F, kh, C], `before` zeros in front of a line: [rows, F, outputs, n]."""
    high, channels, columns, n = given.shape
    taps, features, kh, _ = kernel.shape
    rows, outputs = sides
    dtype = given.dtype
    a, b, d = bilinear(columns, taps, outputs, before, dtype.str)
    q = len(b)
    u = np.matmul(d, kernel.reshape(taps, -1)).reshape(q, 1, features, kh * channels)
    v = scratch(2, (q, high, channels, n), dtype)
    spectra = v.reshape(q, high, channels * n).transpose(1, 0, 2)
    for block in blocks(high, BLOCK // (columns * channels * n * dtype.itemsize)):
        here = slice(block.start, block.stop)
        turned = scratch(3, (len(block), columns, channels, n), dtype)
        perform([copied(turned, given[here].transpose(0, 2, 1, 3))])
        np.matmul(b, turned.reshape(len(block), columns, channels * n), out=spectra[here])
    made = room(slot, given, (rows, features, outputs, n), dtype)
    for below in blocks(rows, BLOCK // (q * features * n * dtype.itemsize)):
        m = scratch(0, (q, len(below), features, n), dtype)
        for start, stop, top, bottom in runs(reach, below, high):
            product = m[:, start - below.start : stop - below.start]
            if bottom <= top:
                product[...] = 0
                continue
            line = channels * n
            shape = q, stop - start, (bottom - top) * channels, n
            window = view(v, (reach.first + start + top) * line, shape, (high * line, line, n, 1))
            np.matmul(u[..., top * channels : bottom * channels], window, out=product)
        back = scratch(3, (len(below), outputs, features, n), dtype)
        flat = m.reshape(q, len(below), features * n).transpose(1, 0, 2)
        np.matmul(a, flat, out=back.reshape(len(below), outputs, features * n))
        perform([copied(made[below.start : below.stop], back.transpose(0, 2, 1, 3))])
    return made
