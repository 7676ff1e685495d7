"""The gradient of probes that are beyond the range of the kernel's type, whatever its scale.

Forward and back in float64, operation by operation, with nothing kept for the next config. The way back is linear in
the gradient. So each probe carries an exponent: after every operation its gradient is multiplied by a power of two that
brings its largest number to 2**512, and so is each weight, to 1. Both are exact. What is lost is what lies 2**1500
below the largest number of its own probe in one array.

The way forward is so wherever numbers twice as large make what is twice as large, and is as in float64 elsewhere.
"""

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.gradient import reading
from pipeline.gradient.propagate import SumTrace, Trace
from pipeline.gradient.step import EVERYTHING, Read, Step
from pipeline.gradient.table import OPERATIONS
from pipeline.ops import activation
from pipeline.ops.bound import run
from pipeline.ops.buffer import Array
from pipeline.ops.norm import EPSILON, layer_forward
from pipeline.ops.parameters import NO_PARAMETERS, Parameters
from pipeline.scale import times
from pipeline.stem import Group, LayerNorm

Exponents = npt.NDArray[np.int64]
"""[n], of two, by probe."""
Look = Callable[[Step], None]

_HIGH = 512
"""The exponent that a gradient is brought to: half of the range above one is room for sums, all below it for digits."""
_SLACK = 64
"""How far it may be from that before it is brought there again."""
_HOMOGENEOUS = "linear", "relu", "leaky_relu"
"""Activations of which the double is that of the double."""

_NOTHING = -(2**40)
"""The exponent of a gradient that is zero: below any other, also with all weights' exponents added."""


class Scaled(NamedTuple):
    """A gradient, values * 2**exponent: float64 [rows, C, columns, n] and int64 [n]."""

    values: Array
    exponent: Exponents


class Forward(NamedTuple):
    """The result of the steps, what `backward` needs, and which probes are finite, bool [n].

    A probe is not where any number on its way is not: a rectifier turns minus infinity into zero.
    """

    out: Scaled
    traces: list[Trace]
    finite: npt.NDArray[np.bool_]


def forward(steps: tuple[Step, ...], x: Scaled, parameters: dict[int, Parameters], look: Look | None) -> Forward:
    """Returns the result of the steps on x.

    If x doubles, so does the result of most steps, and exponents are carried through them. For the others, such as
    biases and smooth activations, numbers are brought to their own scale, as far as float64 holds it.
    """
    traces: list[Trace] = []
    finite = np.isfinite(largest(x.values))
    saved: Any
    for step in steps:
        if look is not None:
            look(step)
        shape, x = x.values.shape, _rescaled(x.values, x.exponent)
        x = Scaled(_read(x.values, step.read), x.exponent)
        own = parameters.get(step.node.index, NO_PARAMETERS)
        if isinstance(step.node.layer, Group):
            z, saved, within = _forward_sum(step, x, parameters, look)
            finite &= within
        elif isinstance(step.node.layer, LayerNorm):
            bound = layer_forward(_unscaled(x), inverse_of=_inverse_deviation)
            z, saved = Scaled(run(bound, own), np.zeros_like(x.exponent)), bound.saved
        elif own.bias is not None or own.mean is not None:
            bound = OPERATIONS[type(step.node.layer)].forward(_unscaled(x), step, own, None)
            z, saved = Scaled(run(bound, own), np.zeros_like(x.exponent)), bound.saved
        else:
            own, power = _reduced(own)
            bound = OPERATIONS[type(step.node.layer)].forward(x.values, step, own, None)
            z, saved = Scaled(run(bound, own), x.exponent + power), bound.saved
        if step.node.activation not in _HOMOGENEOUS:
            z = Scaled(_unscaled(z), np.zeros_like(z.exponent))
        finite &= np.isfinite(largest(z.values))
        values, slope = activation.forward(step.node.activation, z.values)
        x = Scaled(values, z.exponent)
        traces.append(Trace(shape, saved, slope))
    return Forward(x, traces, finite)


def _forward_sum(
    step: Step, x: Scaled, parameters: dict[int, Parameters], look: Look | None
) -> tuple[Scaled, SumTrace, npt.NDArray[np.bool_]]:
    out, body, finite = forward(step.body, x, parameters, look)
    beside, shortcut, other = Scaled(reading.view(x.values, step.skip), x.exponent), list[Trace](), finite
    if step.shortcut is not None:
        beside, shortcut, other = forward((step.shortcut,), x, parameters, look)
    out, beside = _rescaled(*out), _rescaled(*beside)
    common = np.maximum(out.exponent, beside.exponent)
    total = times(out.values, out.exponent - common) + times(beside.values, beside.exponent - common)
    return Scaled(total, common), SumTrace(body, shortcut), finite & other


def _read(x: Array, read: Read) -> Array:
    return reading.view(x, read) if reading.is_view(read) else run(reading.forward(x, read))


def _inverse_deviation(centred: Array) -> Array:
    """As `norm.inverse_deviation`, each pixel by a power of two: float64 may not hold the squares of its numbers."""
    power = np.frexp(np.abs(centred).max(axis=1, keepdims=True))[1].astype(np.int64)
    near_one = times(centred, -power)
    deviation = times(np.sqrt((near_one * near_one).mean(axis=1, keepdims=True)), power)
    inverse: Array = 1 / np.hypot(deviation, sqrt(EPSILON))
    return inverse


def _unscaled(x: Scaled) -> Array:
    """Returns the numbers at their own scale: zeros and infinities where float64 does not hold them."""
    return times(x.values, x.exponent)


def backward(
    steps: tuple[Step, ...],
    g: Scaled,
    traces: list[Trace],
    parameters: dict[int, Parameters],
    look: Look | None,
) -> Scaled:
    """Returns the gradient by the operand of the steps, from the gradient g by their result."""
    for step, trace in zip(reversed(steps), reversed(traces), strict=True):
        if look is not None:
            look(step)
        g = _rescaled(activation.vjp(g.values, trace.slope), g.exponent)
        if not g.values.any():
            return Scaled(np.zeros(traces[0].shape), g.exponent)
        if isinstance(step.node.layer, Group):
            g = _backward_sum(step, g, trace.saved, parameters, look)
        else:
            own, power = _reduced(parameters.get(step.node.index, NO_PARAMETERS))
            bound = OPERATIONS[type(step.node.layer)].vjp(g.values, step, own, trace.saved, None, None)
            g = Scaled(run(bound, own), g.exponent + power)
        values = g.values if step.read is EVERYTHING else run(reading.vjp(g.values, step.read, trace.shape))
        g = _rescaled(values, g.exponent)
    return g


def _backward_sum(
    step: Step, g: Scaled, saved: SumTrace, parameters: dict[int, Parameters], look: Look | None
) -> Scaled:
    """Brings the gradients of both branches to the larger of their exponents and adds them."""
    through = backward(step.body, g, saved.body, parameters, look)
    if step.shortcut is not None:
        g = backward((step.shortcut,), g, saved.shortcut, parameters, look)
    common = np.maximum(through.exponent, g.exponent)
    total = times(through.values, through.exponent - common)
    place = total if step.shortcut is not None else reading.view(total, step.skip)  # a view: what is skipped is cut out
    place += times(g.values, g.exponent - common)
    return Scaled(total, common)


def largest(values: Array) -> Array:
    """Returns the largest magnitude of each probe of float64 values [rows, C, columns, n]: [n], NaN where one is."""
    magnitude: Array = np.abs(values).max(axis=(0, 1, 2))
    return magnitude


def near_one(g: Scaled) -> Scaled:
    """Returns the gradient with its numbers near 1 and its exponents changed: there squares are numbers, too."""
    return Scaled(times(g.values, -_HIGH), g.exponent + _HIGH)


def _rescaled(values: Any, exponent: Exponents) -> Scaled:
    """Returns the gradient with the largest number of each probe near 2**512."""
    largest_ = largest(values)
    own = np.frexp(largest_)[1].astype(np.int64)
    shift = np.where(largest_ > 0, _HIGH - own, 0)
    exponent = np.where(largest_ == 0, _NOTHING, exponent)
    if (np.abs(shift) <= _SLACK).all():
        return Scaled(values, exponent)
    return Scaled(times(values, shift), exponent - shift)


def _reduced(own: Parameters) -> tuple[Parameters, int]:
    """Returns (parameters, exponent): those that a step multiplies by, with the largest weight near 1."""
    if own.weight is None:
        return own, 0
    power = int(np.frexp(np.abs(own.weight).max(initial=0))[1])
    return msgspec.structs.replace(own, weight=times(own.weight, -power)), power
