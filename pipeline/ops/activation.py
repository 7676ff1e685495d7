"""Activations: the value beside its slope; the VJP of every one of them is g * slope.

A slope has as many correct digits where it is 1e-30, in the tail of a sigmoid, as where it is 1: all are written in
exp(-|z|), and in a form without cancellation, also around the zero that the slopes of silu, mish and both kinds of gelu
have.

At a kink the slope is the one that PyTorch takes: relu, relu6, hardtanh and hardsigmoid 0, leaky_relu its slope, elu
and selu the limit from below, hardswish 0 at -3 and 1 at 3.
"""

from collections.abc import Callable
from functools import partial
from math import exp
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ops import gelu, gelu_tanh
from pipeline.ops.bound import Calls, perform
from pipeline.ops.buffer import Array, Place, scalar, scratch, zeros
from pipeline.stem import RECTIFIERS, Activation, curve

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

_SILU_ROOT = 1.27846454276107379510935873902298  # x = 1 + exp(-x)
_MISH_ROOT = -1.19243121451549521213758834042074  # where the derivation at `_mish` has its zero

NUMBERS = 2**17
"""Numbers whose GELU is computed at a time, in scratch memory: they share the choice of a polynomial."""
PART = 2**16
"""Bytes of the arrays in which all others are computed, a part of z at a time: several of them stay in the cache. The
allocator asks the system for an array of twice that, and each page of it is cleared anew: that takes twice as long."""
IN_DOUBLE = "gelu_tanh", "mish"
"""Computed in float64 also of float32."""

Rule = Callable[..., tuple[Array, Any]]
"""z and the numbers of the activation -> (value, slope); the value may be in the memory of z."""


def forward(kind: Activation, z: Array) -> tuple[Array, Any]:
    """Returns (value, slope) of an activation at z [...], float32 or float64 of any shape.

    The value overwrites z. The slope has the shape of z: bool for RECTIFIERS, else of its dtype, and None for linear.
    """
    calls, slope = bind(kind, z)
    perform(calls)
    return z, slope


def vjp(g: Array, slope: Any) -> Array:
    """Returns the gradient by z [...], from the gradient g by the value, and the slope of `forward`.

    All are of one shape, the gradients of one dtype.
    """
    result: Array = g if slope is None else g * slope
    return result


def bind(kind: Activation, z: Array) -> tuple[Calls, Any]:
    """Returns (calls, slope): NumPy calls that overwrite z [...], float32 or float64, by its activation.

    They also fill the slope, an array as `forward` returns it. A smooth activation is computed for PART bytes at a
    time, GELU for NUMBERS, so that what lies between its value and its slope stays in the cache.
    """
    name, numbers = curve(kind)
    if name == "linear":
        return [], None
    if name == "relu":
        return _rectify(z)
    if name in RECTIFIERS:
        return _clip(z, *(numbers or (0, 6)))
    slope = np.empty_like(z, order="C")
    if not z.flags.c_contiguous:
        return [(_put, (RULES[name], z, numbers, slope))], slope
    result: Calls = []
    of_gelu = name == "gelu" and z.dtype == np.float32
    count = NUMBERS if of_gelu else PART // (8 if name in IN_DOUBLE else z.itemsize)
    for first in range(0, z.size, count):
        some = slice(first, first + count)
        here, there = z.reshape(-1)[some], slope.reshape(-1)[some]
        result += gelu.bind(here, there) if name == "gelu" else [(_put, (RULES[name], here, numbers, there))]
    return result, slope


def _put(rule: Rule, z: Array, numbers: tuple[float, ...], slope: Array) -> None:
    value, slope[...] = rule(z, *numbers)
    if value is not z:
        z[...] = value


def _rectify(z: Array) -> tuple[Calls, npt.NDArray[np.bool_]]:
    slope = np.empty(z.shape, np.bool_)
    largest = partial(np.maximum, out=z)
    return [(np.greater, (z, scalar(0, z.dtype), slope)), (largest, (z, zeros(z.shape[1:], z.dtype)))], slope


def _clip(z: Array, least: float, largest: float) -> tuple[Calls, npt.NDArray[np.bool_]]:
    """min(max(z, least), largest), whose slope is one between them and zero at either."""
    slope = np.empty(z.shape, np.bool_)
    is_below = scratch(Place.IS_LARGER, z.shape, slope.dtype)
    low, high = scalar(least, z.dtype), scalar(largest, z.dtype)
    return [
        (np.greater, (z, low, slope)),
        (np.less, (z, high, is_below)),
        (np.logical_and, (slope, is_below, slope)),
        (np.clip, (z, low, high, z)),
    ], slope


def _leaky_relu(z: Array, below: float) -> tuple[Array, Any]:
    """Maas et al. 2013."""
    slope = _chosen(z > 0, z.dtype.type(1), z.dtype.type(below))
    return z * slope, slope


def _elu(z: Array, alpha: float) -> tuple[Array, Any]:
    """Clevert et al. 2015."""
    below = np.minimum(z, 0)
    slope = alpha * np.exp(below)
    return np.maximum(z, 0) + alpha * np.expm1(below), _chosen(z > 0, z.dtype.type(1), slope)


def _selu(z: Array) -> tuple[Array, Any]:
    """Klambauer et al. 2017."""
    below = np.minimum(z, 0)
    value = _SELU_SCALE * np.maximum(z, 0) + _SELU_SCALE * _SELU_ALPHA * np.expm1(below)
    return value, _chosen(z > 0, z.dtype.type(_SELU_SCALE), _SELU_SCALE * _SELU_ALPHA * np.exp(below))


def _tanh(z: Array) -> tuple[Array, Any]:
    """slope = 4 e / (1 + e)^2 with e = exp(-2 |z|), where 1 - tanh(z)^2 would be zero in the tail."""
    e = np.exp(-2 * np.abs(z))
    return np.tanh(z), 4 * e / ((1 + e) * (1 + e))


def _sigmoid(z: Array) -> tuple[Array, Any]:
    e = np.exp(-np.abs(z))
    lower = e / (1 + e)
    slope = lower / (1 + e)
    return _reflect(lower, z), slope


def _softplus(z: Array) -> tuple[Array, Any]:
    """log(1 + exp(z)); its slope is the logistic function."""
    e = np.exp(-np.abs(z))
    return np.maximum(z, 0) + np.log1p(e), _reflect(e / (1 + e), z)


def _silu(z: Array) -> tuple[Array, Any]:
    """Elfwing et al. 2017, z times the logistic function.

    With x = |z| and e = exp(-x), the slope at -x is e (1 + e - x) / (1 + e)^2. The bracket is zero at x0, and without
    cancellation

        1 + e - x = d + exp(-x0) (exp(d) - 1),    d = x0 - x
    """
    x = np.abs(z)
    e = np.exp(-x)
    below = e / (1 + e)
    d = _difference(_SILU_ROOT, x)
    bend = below * ((d + exp(-_SILU_ROOT) * np.expm1(d)) / (1 + e))
    return np.maximum(z, 0) - x * below, _reflect(bend, z)


def _mish(z: Array) -> tuple[Array, Any]:
    """Misra 2019, z * tanh(softplus(z)).

    With w = exp(z), tanh(softplus(z)) = w (w + 2) / D and the slope is w N / D^2, where D = w^2 + 2 w + 2 and
    N = w^3 + 4 w^2 + w (4 z + 6) + 4 (z + 1). N has a root z0. With d = z - z0, w = v (1 + u), v = exp(z0) and
    u = exp(d) - 1, N less its value at z0, which is zero, has no cancellation:

        N = 4 d (1 + v) + u (4 v z + (6 v + 8 v^2 + 3 v^3) + u (4 v^2 + 3 v^3 + u v^3))

    From 20 on the slope is 1. In float32 d would not have enough digits there.
    """
    z = z.astype(np.float64)
    near = np.minimum(z, 20)
    w, d = np.exp(near), _difference(-_MISH_ROOT, -near)
    u, v = np.expm1(d), exp(_MISH_ROOT)
    n = 4 * (1 + v) * d + u * (4 * v * near + v * (6 + v * (8 + 3 * v)) + u * (v * v * (4 + 3 * v) + v**3 * u))
    product = w * (w + 2)
    denominator = product + 2
    return z * (product / denominator), w * n / denominator / denominator


def _chosen(condition: npt.NDArray[np.bool_], one: Any, other: Any) -> Array:
    """`one` where the condition [...] is true, else `other`: arrays of its shape or scalars, of one floating type.

    It chooses bits. NumPy's `where` branches for each number, which takes five times as long where signs are random.
    """
    bits = np.dtype(f"i{other.itemsize}")
    first, second = np.asarray(one).view(bits), np.asarray(other).view(bits)
    mask = condition.view(np.int8).astype(bits)
    np.negative(mask, mask)
    mask &= first ^ second
    mask ^= second
    result: Array = mask.view(other.dtype)
    return result


def _reflect(part: Array, z: Array) -> Array:
    """`part` where z <= 0 and 1 - part where z > 0, in its memory."""
    perform(gelu.reflect_calls(part, z > 0, np.empty_like(part), np.empty_like(part)))
    return part


def _difference(root: float, x: Array) -> Array:
    """root - x, to the last digit of its own also where they are close: the root is the sum of two numbers."""
    high = x.dtype.type(root)
    result: Array = (high - x) + x.dtype.type(root - float(high))
    return result


def _hardsigmoid(z: Array, a: float, b: float) -> tuple[Array, Any]:
    """min(max(a z + b, 0), 1) (Courbariaux et al. 2015), written with the place -b / a where it leaves zero."""
    kind = z.dtype.type
    if a == 0:
        return np.full_like(z, min(max(b, 0), 1)), np.zeros_like(z)
    low, high = sorted((-b / a, (1 - b) / a))
    value = np.clip((z + kind(b / a)) * kind(a), 0, 1)
    return value, np.where((z > kind(low)) & (z < kind(high)), kind(a), kind(0))


def _hardswish(z: Array) -> tuple[Array, Any]:
    """Howard et al. 2019, z * relu6(z + 3) / 6."""
    kind = z.dtype.type
    value = z * (np.clip(z + 3, 0, 6) / kind(6))
    return value, np.where(z <= -3, kind(0), np.where(z >= 3, kind(1), (z + kind(1.5)) / kind(3)))


RULES: dict[str, Rule] = {
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": gelu.gelu,
    "gelu_tanh": gelu_tanh.gelu_tanh,
    "silu": _silu,
    "mish": _mish,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "hardswish": _hardswish,
    "hardsigmoid": _hardsigmoid,
}
"""By name, those that are not made of comparisons alone."""
