"""Norms, as one operation or written out in steps."""

from typing import cast

import numpy as np

from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import arrays_of, nchw, number_of, weight_of
from pipeline.models.translate import Translation
from pipeline.models.units import Array, Held, Known, Point, Stat, UnsupportedError, Value, View
from pipeline.stem import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
)

_EPSILON = 1e-5
"""That of our frozen batch norm, and what ONNX takes for one that is not written."""


def batch_norm(net: Translation, call: Call) -> Value:
    """BatchNormalization with frozen statistics.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = net.given(call)
    if given.layout == "nhwc":
        nchw(given)
    parts = [net.constant(call, number) for number in range(1, 5)]
    if any(part is None for part in parts) or call.attributes.get("training_mode"):
        raise UnsupportedError("its statistics are not constants")
    weight, bias, mean, var = cast(list[Array], parts)
    epsilon = number_of(call, "epsilon", _EPSILON)
    moved = var if epsilon == _EPSILON else var.astype(np.float64) + (epsilon - _EPSILON)
    if (moved < 0).any():
        scale = weight / np.sqrt(var.astype(np.float64) + epsilon)
        return net.affine(call.outputs[0], given, scale, bias - mean * scale)
    named = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": moved}
    return net.unit(call.outputs[0], BatchNorm(), given, lambda: {name: np.array(part) for name, part in named.items()})


def layer_norm(net: Translation, call: Call) -> Value:
    """LayerNormalization over channels.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given = net.given(call)
    if int(call.attributes.get("axis", -1)) % len(given.shape) != len(given.shape) - 1 or given.layout != "nhwc":
        raise UnsupportedError("only a norm over the channels, as the last axis, is a layer")
    weight, bias = net.constant(call, 1), net.constant(call, 2)
    layer = LayerNorm(number_of(call, "epsilon", _EPSILON))
    return net.unit(call.outputs[0], layer, given, lambda: arrays_of(weight, bias))


def instance_norm(net: Translation, call: Call) -> Value:
    """InstanceNormalization, also as the middle of a group norm.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value, weight, bias = net.values[call.inputs[0]], weight_of(net, call), weight_of(net, call, 2)
    epsilon = number_of(call, "epsilon", _EPSILON)
    if isinstance(value, View):
        shape = value.shape
        if (
            value.order is None
            and value.of.layout == "nchw"
            and (weight == 1).all()
            and not bias.any()
            and shape[1] > 1
        ):
            return View(value.of, shape, normed=epsilon)
        raise UnsupportedError("a norm over a reshaped tensor is known only without weights")
    return net.unit(call.outputs[0], InstanceNorm(epsilon), nchw(net.given(call)), lambda: arrays_of(weight, bias))


def group_norm(net: Translation, call: Call) -> Value:
    """GroupNormalization, its weights by group or by channel."""
    """GroupNormalization."""
    """GroupNormalization."""
    given, weight, bias = nchw(net.given(call)), weight_of(net, call), weight_of(net, call, 2)
    groups, channels = int(call.attributes["num_groups"]), given.plane.channels
    weight, bias = (np.repeat(part, channels // part.size) for part in (weight, bias))
    layer = GroupNorm(groups, number_of(call, "epsilon", _EPSILON))
    return net.unit(call.outputs[0], layer, given, lambda: arrays_of(weight, bias))


def lrn(net: Translation, call: Call) -> Value:
    """LRN over an odd number of channels.

    Raises UnsupportedError for a form that no layer stands for.
    """
    size = int(call.attributes["size"])
    if size % 2 == 0:
        raise UnsupportedError(f"a norm over {size} channels, an even number, is not a layer")
    layer = LocalResponseNorm(
        size, number_of(call, "alpha", 1e-4), number_of(call, "beta", 0.75), number_of(call, "bias", 1.0)
    )
    return net.unit(call.outputs[0], layer, nchw(net.given(call)))


def norm_step(call: Call, one: Value, other: Value) -> Stat | tuple[Held, Layer] | None:
    """One step of a norm over channels that is written out; with its last one, what is normed and the layer.

    Raises UnsupportedError for a form that no layer stands for.
    """
    if not isinstance(one, Stat) and not isinstance(other, Stat):
        return None
    if isinstance(other, Stat) and not isinstance(one, Stat) and call.operation in ("Add", "Mul"):
        one, other = other, one
    known = isinstance(other, Known) and other.array.size == 1
    number = float(f"{float(cast(Known, other).array.reshape(-1)[0]):.7g}") if known else 0.0
    match call.operation, one, other:
        case "Sub", Held() | Point(), Stat(kind="mean") if getattr(one, "of", one) == other.of:
            return Stat("centred", other.of)
        case "Mul", Stat(kind="centred"), Stat(kind="centred") if one == other:
            return Stat("square", one.of)
        case "Pow", Stat(kind="centred"), Known() if number == 2:
            return Stat("square", one.of)
        case "Add", Stat(kind="variance"), Known() if known:
            return Stat("shifted", one.of, (number,))
        case "Div", Stat(kind="centred"), Stat(kind="deviation") if one.of == other.of:
            return one.of, LayerNorm(*other.numbers)
        case "Mul", Stat(kind="averaged"), Known() if known:
            return Stat("scaled", one.of, (*one.numbers, number))
        case "Add", Stat(kind="scaled"), Known() if known:
            return Stat("raised", one.of, (*one.numbers, number))
        case "Pow", Stat(kind="raised"), Known() if known:
            return Stat("powered", one.of, (*one.numbers, number))
        case "Div", Held() | Point(), Stat(kind="powered") if getattr(one, "of", one) == other.of:
            size, alpha, k, beta = other.numbers
            return other.of, LocalResponseNorm(int(size), alpha, beta, k)
    if isinstance(one, Stat) and one.kind == "mean":
        return None  # a plane of one channel
    raise UnsupportedError("it is no step of a norm that is known")


def reshaped_stat(value: Stat, shape: tuple[int, ...]) -> Stat:
    """A step of a local response norm, which reshapes its squares to pool over channels.

    Raises UnsupportedError for a form that no layer stands for.
    """
    if value.kind in ("squares", "padded", "averaged"):
        return Stat(value.kind, value.of, value.numbers, shape)
    raise UnsupportedError("it reshapes a step of a norm")


def squares_of(value: Value) -> Stat | None:
    """The squares of a tensor, where it is reshaped to pool them over channels."""
    if not isinstance(value, Point) or value.of.layout != "nchw":
        return None
    start, term = value.start, value.term
    is_square = term.operation == "Mul" and term.operands == (start, start)
    is_power = term.operation == "Pow" and term.operands == (start, 2.0)
    return Stat("squares", value.of) if is_square or is_power else None
