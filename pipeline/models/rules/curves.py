"""Activations, and functions of one number that may be part of one."""

from collections.abc import Callable

import numpy as np

from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import number_of, weight_of
from pipeline.models.translate import Translation
from pipeline.models.units import Stat, UnsupportedError, Value
from pipeline.stem import (
    PReLU,
)


def unary(net: Translation, call: Call) -> Value:
    """A function of one number without parameters.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    if isinstance(value, Stat):
        if call.operation == "Sqrt" and value.kind == "shifted":
            return Stat("deviation", value.of, value.numbers)
        raise UnsupportedError("it is no step of a norm that is known")
    return net.point(call.outputs[0], call.operation, [value])


def activation(kind: str) -> Callable[[Translation, Call], Value]:
    """The rule of an activation without numbers."""
    return lambda net, call: net.point(call.outputs[0], kind, [net.values[call.inputs[0]]])


def leaky(net: Translation, call: Call) -> Value:
    """LeakyRelu with its slope."""
    """LeakyRelu."""
    """LeakyRelu."""
    return activation(f"leaky_relu({number_of(call, 'alpha', 0.01)!r})")(net, call)


def elu(net: Translation, call: Call) -> Value:
    """Elu with its alpha."""
    """Elu."""
    """Elu."""
    return activation(f"elu({number_of(call, 'alpha', 1.0)!r})")(net, call)


def selu(net: Translation, call: Call) -> Value:
    """Selu.

    Raises UnsupportedError for a form that no layer stands for.
    """
    if (
        abs(number_of(call, "alpha", 1.67326319) - 1.67326319) > 1e-5
        or abs(number_of(call, "gamma", 1.05070102) - 1.05070102) > 1e-5
    ):
        raise UnsupportedError("its alpha and gamma are not those of SELU")
    return activation("selu")(net, call)


def hard_sigmoid(net: Translation, call: Call) -> Value:
    """HardSigmoid with its slope and shift."""
    a, b = number_of(call, "alpha", 0.2), number_of(call, "beta", 0.5)
    a = 1 / 6 if np.float32(a) == np.float32(1 / 6) else a
    return activation(f"hardsigmoid({a!r},{b!r})")(net, call)


def gelu(net: Translation, call: Call) -> Value:
    """Gelu, exact or by tanh."""
    return activation("gelu_tanh" if call.attributes.get("approximate") == "tanh" else "gelu")(net, call)


def clip(net: Translation, call: Call) -> Value:
    """Clip: ReLU, ReLU6 or a hard tanh, or one bound alone.

    Raises UnsupportedError for a form that no layer stands for.
    """
    bounds = []
    for number, name in ((1, "min"), (2, "max")):
        array = net.constant(call, number)
        if array is None and number < len(call.inputs) and call.inputs[number]:
            raise UnsupportedError("its bounds are not constants")
        bounds.append(call.attributes.get(name) if array is None else float(array.reshape(-1)[0]))
    low, high = (None if one is None or abs(one) > 1e6 else float(f"{one:.7g}") for one in bounds)
    value = net.values[call.inputs[0]]
    if low is not None and high is not None:
        return net.point(call.outputs[0], f"hardtanh({low!r},{high!r})" if (low, high) != (0, 6) else "relu6", [value])
    if low == 0:
        return net.point(call.outputs[0], "relu", [value])
    made = value
    if low is not None:
        made = net.point(call.outputs[0], "Max", [made, low])
    return made if high is None else net.point(call.outputs[0], "Min", [made, high])


def prelu(net: Translation, call: Call) -> Value:
    """PRelu with one slope a channel.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given, slope = net.given(call), weight_of(net, call)
    if slope.size not in (1, given.plane.channels):
        raise UnsupportedError(f"its slopes have the shape {slope.shape}")
    slopes = np.broadcast_to(slope.reshape(-1), given.plane.channels)
    return net.unit(call.outputs[0], PReLU(), given, lambda: {"weight": np.array(slopes)})
