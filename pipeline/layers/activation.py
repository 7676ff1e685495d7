"""Activations: the value beside its slope; the VJP of every one of them is g * slope.

At a kink the slope is the one that PyTorch takes: relu 0, leaky_relu its slope, elu and selu the limit from below,
hardswish -0.5 at -3 and 1.5 at 3.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.layers.array import Array
from pipeline.layers.bound import Calls, perform
from pipeline.layers.buffer import scalar, zeros
from pipeline.layers.gelu import gelu
from pipeline.stem import LEAKY_SLOPE, Activation

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

Rule = Callable[[Array], tuple[Array, Any]]
"""z -> (value, slope); the value may be in the memory of z, and a slope may be boolean."""


def forward(kind: Activation, z: Array) -> tuple[Array, Any]:
    """(value, slope) of an activation at z; the slope is None for linear."""
    return (z, None) if kind == "linear" else RULES[kind](z)


def vjp(g: Array, slope: Any) -> Array:
    """The gradient by z."""
    made: Array = g if slope is None else g * slope
    return made


def applied(kind: Activation, z: Array) -> tuple[Calls, Any]:
    """Calls: an activation at z, in its place; and where its slope is then, None for linear."""
    if kind == "linear":
        return [], None
    if kind == "relu":
        return _rectified(z)
    slope = np.empty_like(z)
    return [(_put, (RULES[kind], z, slope))], slope


def _put(rule: Rule, z: Array, slope: Array) -> None:
    value, slope[...] = rule(z)
    if value is not z:
        z[...] = value


def _rectified(z: Array) -> tuple[Calls, npt.NDArray[np.bool_]]:
    slope = np.empty(z.shape, np.bool_)
    largest = partial(np.maximum, out=z)
    return [(np.greater, (z, scalar(0, z.dtype), slope)), (largest, (z, zeros(z.shape[1:], z.dtype)))], slope


def _relu(z: Array) -> tuple[Array, Any]:
    calls, slope = _rectified(z)
    perform(calls)
    return z, slope


def _leaky_relu(z: Array) -> tuple[Array, Any]:
    """Maas et al. 2013, slope 0.01."""
    slope = np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAKY_SLOPE))
    return z * slope, slope


def _elu(z: Array) -> tuple[Array, Any]:
    """Clevert et al. 2015, alpha 1."""
    below = np.minimum(z, 0)
    return np.where(z > 0, z, np.expm1(below)), np.exp(below)


def _selu(z: Array) -> tuple[Array, Any]:
    """Klambauer et al. 2017."""
    scale, alpha = z.dtype.type(_SELU_SCALE), z.dtype.type(_SELU_ALPHA)
    below = np.minimum(z, 0)
    value = scale * np.where(z > 0, z, alpha * np.expm1(below))
    return value, scale * np.where(z > 0, z.dtype.type(1), alpha * np.exp(below))


def _logistic(z: Array) -> Array:
    """1 / (1 + exp(-z)), by tanh, which does not overflow."""
    half = z.dtype.type(0.5)
    made: Array = half + half * np.tanh(half * z)
    return made


def _silu(z: Array) -> tuple[Array, Any]:
    """Elfwing et al. 2017, z * logistic(z)."""
    s = _logistic(z)
    return z * s, s * (1 + z * (1 - s))


def _mish(z: Array) -> tuple[Array, Any]:
    """Misra 2019, z * tanh(softplus(z))."""
    t = np.tanh(np.logaddexp(z, z.dtype.type(0)))
    return z * t, t + z * (1 - t * t) * _logistic(z)


def _tanh(z: Array) -> tuple[Array, Any]:
    t = np.tanh(z)
    return t, 1 - t * t


def _sigmoid(z: Array) -> tuple[Array, Any]:
    s = _logistic(z)
    return s, s * (1 - s)


def _softplus(z: Array) -> tuple[Array, Any]:
    return np.logaddexp(z, z.dtype.type(0)), _logistic(z)


def _hardswish(z: Array) -> tuple[Array, Any]:
    """Howard et al. 2019, z * relu6(z + 3) / 6."""
    kind = z.dtype.type
    value = z * (np.clip(z + 3, 0, 6) / kind(6))
    return value, np.where(z < -3, kind(0), np.where(z > 3, kind(1), z / kind(3) + kind(0.5)))


RULES: dict[Activation, Rule] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": gelu,
    "silu": _silu,
    "mish": _mish,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "hardswish": _hardswish,
}
