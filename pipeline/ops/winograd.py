"""Convolution three taps wide by minimal filtering along the columns, F(2, 3) (Winograd 1980; Lavin and Gray 2016).

Two outputs side by side read four columns, d0 .. d3, and need four products instead of six:

    m0 = (d0 - d2) w0        m1 = (d1 + d2) (w0 + w1 + w2) / 2        y0 = m0 + m1 + m2
    m3 = (d1 - d3) w2        m2 = (d2 - d1) (w0 - w1 + w2) / 2        y1 = m1 - m2 - m3

Even and odd columns of the padded line are taken apart, e[t] = x[2t] and o[t] = x[2t + 1], so that tile t reads e[t],
o[t], e[t+1] and o[t+1], and every sum is one of whole arrays. Rows are kept as in `folded`: the kh rows that an output
row reads are one operand.

    u0 = e[t] - e[t+1]      u1 = o[t] + e[t+1]      u2 = e[t+1] - o[t]      u3 = o[t] - o[t+1]
    m_s[p, f, t, n] = sum over i, c of v_s[i, c, f] u_s[p*stride + i, c, t, n],      v the kernel as above
    y[2t] = m0 + m1 + m2    y[2t + 1] = m1 - m2 - m3

The gradient is the transpose, step by step:

    h0 = ge[t]              h1 = ge[t] + go[t]      h2 = ge[t] - go[t]      h3 = go[t]
    p_s[r, c, t, n] = sum over i, f of v_s[kh-1 - i, c, f] h_s[r - (kh-1) + i, f, t, n]
    de[t] = p0[t] + (p1 + p2 - p0)[t-1]             do[t] = (p1 - p2 - p3)[t] + p3[t-1]

The factors are 1 and 1/2, so errors stay near those of the direct way. Where the columns that an output reads are
zero, so are its m or they cancel to the bit, both ways; an output that is zero because taps are zero is not, so that
`conv` takes a direct way for kernels that hold a zero. Rows are taken in blocks, so that what is between the two arrays
stays in the cache; lines are multiplied to the end of their last cache line, where there are zeros.
"""

import numpy as np

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.choice import Shape
from pipeline.ops.lines import masked, pitch
from pipeline.ops.passes import fill_calls
from pipeline.ops.phases import merge, split
from pipeline.ops.product import Windows, correlate
from pipeline.ops.span import Reach, blocks
from pipeline.stem import Axis


def forward(x: Array, shape: Shape, y: Axis, across: Axis, groups: int, place: int | None = None) -> Bound:
    """Returns the bound convolution of x [rows, C, columns, n] with a weight of `shape` [kh, 3, C, F]; column stride 1.

    Its result is [rows', F, columns', n], of the dtype of x, float32 or float64.
    """
    kh, _, channels, features = shape
    n = x.shape[3]
    tiles = -(-across.size_out // 2)
    calls: Calls = []
    filters = scratch(Place.KERNEL, (4, kh, channels, features), x.dtype)
    matrices = filters.reshape(4, 1, kh * channels, features).transpose(0, 1, 3, 2)
    read, written = pitch((tiles + 1) * n, x.itemsize), pitch(tiles * n, x.itemsize)
    reach = Reach(-y.before, y.stride, kh)
    out = room(place, (y.size_out, features, across.size_out, n), x.dtype)
    each = list(blocks(y.size_out, 4 * features * written * x.itemsize))
    most = reach.most_read(each, y.size_in)  # asked for first; see `as_lines`
    scratch(Place.HALVES, (2, most, channels, read), x.dtype)
    scratch(Place.TRANSFORMED, (4, most, channels, read), x.dtype)
    for rows in each:
        top, bottom = reach.rows_read(rows, y.size_in)
        halves = scratch(Place.HALVES, (2, bottom - top, channels, read), x.dtype)
        split(calls, x[top:bottom], across.before, 2, halves)
        even, odd = halves.reshape(2, -1)
        u = scratch(Place.TRANSFORMED, (4, bottom - top, channels, read), x.dtype)
        u0, u1, u2, u3 = u.reshape(4, -1)[:, :-n]
        calls += [
            (u[:, -1:, -1, -n:].fill, (0,)),
            (np.subtract, (even[:-n], even[n:], u0)),
            (np.add, (odd[:-n], even[n:], u1)),
            (np.subtract, (even[n:], odd[:-n], u2)),
            (np.subtract, (odd[:-n], odd[n:], u3)),
        ]
        m = scratch(Place.TAPS, (4, len(rows), features, written), x.dtype)
        put = Windows(0, m[0].size, features * written, written)
        correlate(calls, matrices, u, reach.below(top), rows, m, put, written)
        m0, m1, m2, m3 = m.reshape(4, -1)
        calls += [
            (np.add, (m0, m1, m0)),
            (np.add, (m0, m2, m0)),
            (np.subtract, (m1, m2, m1)),
            (np.subtract, (m1, m3, m1)),
        ]
        merge(calls, m[:2], 0, 2, out[rows.start : rows.stop])
    return Bound(x, out, calls, lambda own: _filter(filters, own.kernel))


def vjp(
    g: Array,
    shape: Shape,
    y: Axis,
    across: Axis,
    groups: int,
    mask: Array | None = None,
    place: int | None = None,
) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], from the gradient g [rows', F, columns', n] times mask.

    Strides are 1. mask: bool, of the shape of g, or None. The result is of the dtype of g.
    """
    kh, _, channels, features = shape
    n = g.shape[3]
    tiles = -(-across.size_out // 2)
    calls: Calls = []
    filters = scratch(Place.KERNEL, (4, channels, kh, features), g.dtype)
    matrices = filters.reshape(4, 1, channels, kh * features)
    turned = filters[:, :, ::-1].transpose(0, 2, 1, 3)
    read, written = pitch(tiles * n, g.itemsize), pitch((tiles + 1) * n, g.itemsize)
    reach = Reach(y.before - (kh - 1), 1, kh)
    out = room(place, (y.size_in, channels, across.size_in, n), g.dtype)
    each = list(blocks(y.size_in, 4 * channels * written * g.itemsize))
    most = reach.most_read(each, y.size_out)  # asked for first; see `as_lines`
    scratch(Place.TRANSFORMED, (4, most, features, read), g.dtype)
    if mask is not None:
        scratch(Place.OPERAND, (most, *g.shape[1:]), g.dtype)
    for rows in each:
        top, bottom = reach.rows_read(rows, y.size_out)
        h = scratch(Place.TRANSFORMED, (4, bottom - top, features, read), g.dtype)
        source = masked(calls, g[top:bottom], None if mask is None else mask[top:bottom])
        split(calls, source, 0, 2, h[::3])
        h0, h1, h2, h3 = h.reshape(4, -1)
        calls += [(np.add, (h0, h3, h1)), (np.subtract, (h0, h3, h2))]
        p = scratch(Place.TAPS, (4, len(rows), channels, written), g.dtype)
        calls += fill_calls(p[..., read:])
        put = Windows(0, p[0].size, channels * written, written)
        correlate(calls, matrices, h, reach.below(top), rows, p, put, read)
        p0, p1, p2, p3 = p.reshape(4, -1)
        later = scratch(Place.LATER, p0.shape, g.dtype)
        calls += [
            (np.add, (p1, p2, later)),
            (np.subtract, (later, p0, later)),
            (np.subtract, (p1, p2, p1)),
            (np.subtract, (p1, p3, p1)),
            (np.add, (p0[n:], later[:-n], p0[n:])),
            (np.add, (p1[n:], p3[:-n], p1[n:])),
        ]
        merge(calls, p[:2], across.before, 2, out[rows.start : rows.stop])
    return Bound(g, out, calls, lambda own: _filter(turned, own.kernel))


def _filter(filters: Array, weight: Array) -> None:
    """Puts v of the derivation, [4, kh, C, F], of a weight [kh, 3, C, F] into `filters`."""
    w0, w1, w2 = (weight[:, j] for j in range(3))
    filters[0], filters[3] = w0, w2
    np.add(w0, w2, out=filters[2])
    np.add(filters[2], w1, out=filters[1])
    np.subtract(filters[2], w1, out=filters[2])
    np.multiply(filters[1:3], filters.dtype.type(0.5), out=filters[1:3])
