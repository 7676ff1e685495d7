"""Sums and products: of tensors, of a tensor and a number, of a tensor and a number a channel."""

from typing import cast

import numpy as np

from pipeline.models.onnxfile import Call
from pipeline.models.rules.norms import norm_step
from pipeline.models.translate import Translation
from pipeline.models.units import Known, Stat, UnsupportedError, Value
from pipeline.stem import Add


def arithmetic(net: Translation, call: Call) -> Value:
    """Sums and products: of tensors, of a tensor and a number, of a tensor and a number a channel.

    Raises UnsupportedError for a form that no layer stands for.
    """
    call = call._replace(operation="Add") if call.operation == "Sum" else call
    values = [net.values[name] for name in call.inputs]
    if len(values) == 1:
        return values[0]
    if len(values) > 2:
        return _many(net, call, values)
    one, other = values
    stat = norm_step(call, one, other)
    if stat is not None:
        return stat if isinstance(stat, Stat) else net.unit(call.outputs[0], stat[1], stat[0])
    for value in (one, other):
        if isinstance(value, Known) and value.array.size == 1:
            number = float(value.array.reshape(-1)[0])
            return net.point(call.outputs[0], call.operation, [number if part is value else part for part in values])
    if isinstance(one, Known) or isinstance(other, Known):
        return _channelwise(net, call, one, other)
    points = [net.term(call.outputs[0], value) for value in values]
    if points[0].of == points[1].of:
        return net.point(call.outputs[0], call.operation, [*points])
    parts = [net.plane_of(value) for value in values]
    if parts[0] == parts[1]:
        return net.point(call.outputs[0], call.operation, [*parts])
    made = net.combined(call.outputs[0], call.operation, parts)
    if made is None:
        raise UnsupportedError("two tensors are divided by, or compared with, each other")
    return made


def _many(net: Translation, call: Call, values: list[Value]) -> Value:
    if call.operation != "Add" or any(isinstance(value, Known) for value in values):
        raise UnsupportedError("more than two inputs are added up only where all are tensors of the network")
    return net.join(call.outputs[0], Add, [net.plane_of(value) for value in values])


def _channelwise(net: Translation, call: Call, one: Value, other: Value) -> Value:
    known, value, is_first = (one, other, True) if isinstance(one, Known) else (other, one, False)
    given = net.plane_of(value)
    array = cast(Known, known).array
    shape = (1,) * (len(given.shape) - array.ndim) + array.shape
    wanted = [1] * len(given.shape)
    wanted[given.channel_axis] = given.plane.channels if given.layout != "flat" else given.shape[1]
    if list(shape) != wanted or (given.layout == "flat" and given.plane.height * given.plane.width > 1):
        raise UnsupportedError(f"a constant of the shape {array.shape} meets a tensor of {given.shape}")
    numbers = array.reshape(-1).astype(np.float64)
    match call.operation:
        case "Add":
            scale, shift = np.ones(1), numbers
        case "Mul":
            scale, shift = numbers, np.zeros(1)
        case "Sub":
            scale, shift = (-np.ones(1), numbers) if is_first else (np.ones(1), -numbers)
        case "Div" if not is_first and numbers.all():
            scale, shift = 1 / numbers, np.zeros(1)
        case _:
            raise UnsupportedError("there is no layer for this with a constant for each channel")
    return net.affine(call.outputs[0], given, scale, shift)
