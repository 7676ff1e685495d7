"""The gradient of probes that are beyond the range of the kernel's type, whatever its scale.

Forward and back in float64, operation by operation, with nothing kept for the next config. The way back is linear in
the gradient. So each probe carries an exponent: after every operation its gradient is multiplied by a power of two that
brings its largest number to 2**512, and so is each weight, to 1. Both are exact. What is lost is what lies 2**1500
below the largest number of its own probe in one array.

The way forward is so wherever numbers twice as large make what is twice as large, and is as in float64 elsewhere.
"""

from collections import defaultdict
from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.gradient import reading
from pipeline.gradient.places import is_handed_on
from pipeline.gradient.propagate import Trace
from pipeline.gradient.step import EVERYTHING, Read, Step
from pipeline.gradient.table import JOINS, OPERATIONS, first_channel, norm_forward
from pipeline.ops import activation, lrn_scaled, norm
from pipeline.ops.bound import run
from pipeline.ops.buffer import Array
from pipeline.ops.parameters import NO_PARAMETERS, Parameters
from pipeline.scale import times
from pipeline.stem import INPUT, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm, Mul, PReLU, curve

Exponents = npt.NDArray[np.int64]
"""[n], of two, by probe."""
Look = Callable[[Step], None]

_HIGH = 512
"""The exponent that a gradient is brought to: half of the range above one is room for sums, all below it for digits."""
_SLACK = 64
"""How far it may be from that before it is brought there again."""
_HOMOGENEOUS = "linear", "relu", "leaky_relu"
"""The names of activations of which the double is that of the double."""

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
    results = {INPUT: _rescaled(*x)}
    for number, step in enumerate(steps):
        if look is not None:
            look(step)
        operands = [
            Scaled(_read(results[source.step].values, source.read), results[source.step].exponent)
            for source in step.sources
        ]
        z, saved = _made(step, operands, parameters.get(step.node.index, NO_PARAMETERS))
        if curve(step.node.activation).name not in _HOMOGENEOUS:
            z = Scaled(_unscaled(z), np.zeros_like(z.exponent))
        finite &= np.isfinite(largest(z.values))
        values, slope = activation.forward(step.node.activation, z.values)
        results[number] = _rescaled(values, z.exponent)
        traces.append(Trace(saved, slope))
        for ended in step.ended:
            del results[ended]
    return Forward(results[len(steps) - 1], traces, finite)


def _made(step: Step, operands: list[Scaled], own: Parameters) -> tuple[Scaled, Any]:
    """Returns (what a step makes of its operands, before its activation, and what its VJP needs)."""
    x = operands[0]
    scale = np.zeros_like(x.exponent)
    join = JOINS.get(type(step.node.layer))
    if isinstance(step.node.layer, Mul):
        factors = [near_one(operand) for operand in operands]
        bound = JOINS[Mul].forward([factor.values for factor in factors], None)
        exponents = [factor.exponent for factor in factors]
        return Scaled(run(bound), sum(exponents, scale)), (bound.saved, exponents)
    if join is not None:
        values, common = _aligned(operands)
        return Scaled(run(join.forward(values, None)), common), None
    layer = step.node.layer
    if isinstance(layer, LayerNorm | GroupNorm | InstanceNorm):
        bound = norm_forward(_unscaled(x), step, inverse_of=_inverse_deviation)
    elif isinstance(layer, LocalResponseNorm):
        normed, scale, saved = lrn_scaled.forward(_unscaled(x), layer, first_channel(step), step.shape[1])
        return Scaled(normed, scale), saved
    elif own.bias is not None or own.mean is not None:
        bound = OPERATIONS[type(step.node.layer)].forward(_unscaled(x), step, own, None)
    else:
        own, power = _reduced(step, own)
        bound = OPERATIONS[type(step.node.layer)].forward(x.values, step, own, None)
        scale = x.exponent + power
    return Scaled(run(bound, own), scale), bound.saved


def _aligned(several: list[Scaled]) -> tuple[list[Array], Exponents]:
    """Returns (the values, their exponent) of arrays that are brought to the largest of their exponents."""
    common = np.maximum.reduce([one.exponent for one in several])
    return [times(one.values, one.exponent - common) for one in several], common


def _read(x: Array, read: Read) -> Array:
    return run(reading.forward(x, read)) if read.is_scattered else reading.view(x, read)


def _inverse_deviation(centred: Array, axes: norm.Axes, epsilon: float) -> Array:
    """As `norm.inverse_deviation`, by a power of two: float64 may not hold the squares of the numbers."""
    power = np.frexp(np.abs(centred).max(axis=axes, keepdims=True))[1].astype(np.int64)
    near_one = times(centred, -power)
    deviation = times(np.sqrt(norm.mean(near_one * near_one, axes)), power)
    inverse: Array = 1 / np.hypot(deviation, sqrt(epsilon))
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
    gradients = defaultdict[int, list[Scaled]](list, {len(steps) - 1: [g]})
    for number in reversed(range(len(steps))):
        step, trace = steps[number], traces[number]
        if look is not None:
            look(step)
        g = _sum(gradients.pop(number))
        g = _rescaled(activation.vjp(g.values, trace.slope), g.exponent)
        for position, source in enumerate(step.sources):
            own = parameters.get(step.node.index, NO_PARAMETERS)
            part = _gradient(step, position, g, trace.saved, own)
            whole = *source.whole, part.values.shape[3]
            values = part.values if source.read is EVERYTHING else run(reading.vjp(part.values, source.read, whole))
            gradients[source.step].append(_rescaled(values, part.exponent))
    return _sum(gradients.pop(INPUT))


def _gradient(step: Step, position: int, g: Scaled, saved: Any, own: Parameters) -> Scaled:
    """Returns the gradient by what a step reads of the source at a position, from that by what it makes."""
    source, join = step.sources[position], JOINS.get(type(step.node.layer))
    if isinstance(step.node.layer, Mul):
        factors, exponents = saved
        values = run(JOINS[Mul].vjp(g.values, step, source, factors, None))
        return Scaled(values, sum(exponents[:position] + exponents[position + 1 :], g.exponent))
    if join is not None:
        is_part = is_handed_on(step, source)
        return Scaled(
            join.part(g.values, step, source) if is_part else run(join.vjp(g.values, step, source, None, None)),
            g.exponent,
        )
    if isinstance(step.node.layer, LocalResponseNorm):
        values, exponent = lrn_scaled.vjp(g.values, saved, step.node.layer, first_channel(step))
        return Scaled(values, g.exponent + exponent)
    own, power = _reduced(step, own)
    bound = OPERATIONS[type(step.node.layer)].vjp(g.values, step, own, saved, None, None)
    return Scaled(run(bound, own), g.exponent + power)


def _sum(several: list[Scaled]) -> Scaled:
    """Returns the sum of gradients, of which the last one was handed on by the first step."""
    if len(several) == 1:
        return several[0]
    values, common = _aligned(several[::-1])
    total = values[0].copy()
    for other in values[1:]:
        total += other
    return _rescaled(total, common)


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


def _reduced(step: Step, own: Parameters) -> tuple[Parameters, int]:
    """Returns (parameters, exponent): those that a step multiplies by, with the largest weight near 1.

    PReLU multiplies only some numbers by its weight.
    """
    if own.weight is None or isinstance(step.node.layer, PReLU):
        return own, 0
    power = int(np.frexp(np.abs(own.weight).max(initial=0))[1])
    return msgspec.structs.replace(own, weight=times(own.weight, -power)), power
