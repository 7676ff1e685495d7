"""Resampling by a matrix along y and one across: bilinear up-sampling, adaptive average pooling.

Arrays are [rows, C, columns, n], the matrices float64 [rows', rows] and [columns', columns]. Along y there is one
product, [rows', rows] @ [rows, C columns n]; across there is one for each row and channel, [columns', columns] @
[columns, n]. The axis comes first that makes the fewer multiply-adds.
"""

import numpy as np
import numpy.typing as npt

from pipeline.ops.bound import Bound, Calls
from pipeline.ops.buffer import Array, Place, room, scratch
from pipeline.ops.passes import copy_call
from pipeline.stem import Axis, clipped, taps

Matrix = npt.NDArray[np.float64]


def matrix(axis: Axis, outputs: range) -> Matrix:
    """Returns the weights of these outputs of a whole axis: float64 [outputs, inputs], of the inputs that they read."""
    windows = [clipped(taps(axis, output), axis.size_in) for output in outputs]
    first, stop = min(window.first for window in windows), max(window.last for window in windows) + 1
    weights: Matrix = np.zeros((len(windows), stop - first))
    for row, window in zip(weights, windows, strict=True):
        row[window.first - first : window.last + 1 - first] = [float(weight) for weight in window.weights]
    return weights


def forward(x: Array, y: Matrix, across: Matrix, place: int | None = None) -> Bound:
    """Returns the bound weighted means of x [rows, C, columns, n]: [rows', C, columns', n], of its dtype."""
    out = room(place, (len(y), x.shape[1], len(across), x.shape[3]), x.dtype)
    return Bound(x, out, _products(x, _like(y, x), _like(across, x), out))


def vjp(g: Array, y: Matrix, across: Matrix, place: int | None = None) -> Bound:
    """Returns the bound gradient by x [rows, C, columns, n], of the dtype of g [rows', C, columns', n]."""
    out = room(place, (y.shape[1], g.shape[1], across.shape[1], g.shape[3]), g.dtype)
    return Bound(g, out, _products(g, _like(y.T, g), _like(across.T, g), out))


def _like(weights: Matrix, x: Array) -> Array | None:
    """Returns a matrix as the type of x has it; None for the identity."""
    if weights.shape[0] == weights.shape[1] and (weights == np.eye(len(weights))).all():
        return None
    return np.ascontiguousarray(weights, x.dtype)


def _products(x: Array, y: Array | None, across: Array | None, out: Array) -> Calls:
    """Returns the calls that multiply x by each matrix that there is."""
    if across is None:
        return [copy_call(out, x)] if y is None else _along(y, x, out)
    if y is None:
        return _across(across, x, out)
    (rows_out, rows), (columns_out, columns) = y.shape, across.shape
    along_first = rows_out * columns * (rows + columns_out) <= rows * columns_out * (columns + rows_out)
    if along_first:
        between = scratch(Place.PRODUCT, (rows_out, *x.shape[1:]), x.dtype)
        return [*_along(y, x, between), *_across(across, between, out)]
    between = scratch(Place.PRODUCT, (*x.shape[:2], columns_out, x.shape[3]), x.dtype)
    return [*_across(across, x, between), *_along(y, between, out)]


def _along(weights: Array, x: Array, out: Array) -> Calls:
    calls: Calls = []
    if not x.flags.c_contiguous:
        copy = scratch(Place.OPERAND, x.shape, x.dtype)
        calls.append(copy_call(copy, x))
        x = copy
    return [*calls, (np.matmul, (weights, x.reshape(len(x), -1), out.reshape(len(out), -1)))]


def _across(weights: Array, x: Array, out: Array) -> Calls:
    return [(np.matmul, (weights, x, out))]
