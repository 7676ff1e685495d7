"""Pooling, of windows and of the whole plane."""

from pipeline.models.folding import axes_of
from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import nchw, padding_of, pair_of
from pipeline.models.translate import Translation
from pipeline.models.units import Stat, UnsupportedError, Value
from pipeline.stem import (
    AvgPool,
    GlobalAvgPool,
    MaxPool,
)


def max_pool(net: Translation, call: Call) -> Value:
    """MaxPool with all its attributes."""
    """MaxPool."""
    """MaxPool."""
    given = nchw(net.given(call))
    kernel = pair_of(call, "kernel_shape", given.rank)
    layer = MaxPool(
        kernel,
        pair_of(call, "strides", given.rank),
        pair_of(call, "dilations", given.rank),
        padding_of(call, given, kernel),
        bool(call.attributes.get("ceil_mode", 0)),
    )
    return net.unit(call.outputs[0], layer, given)


def average_pool(net: Translation, call: Call) -> Value:
    """AveragePool, also over the channels of a local response norm that is written out.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    if isinstance(value, Stat):
        summed, strides = list(call.attributes["kernel_shape"]), call.attributes.get("strides")
        pads = call.attributes.get("pads") or [0]
        if (
            value.kind == "padded"
            and summed == [value.numbers[0], 1, 1]
            and set(strides or [1]) == {1}
            and not any(pads)
        ):
            shape = (1, 1, *value.of.shape[1:])
            return Stat("averaged", value.of, value.numbers, shape)
        raise UnsupportedError("it pools a step of a norm")
    given = nchw(net.given(call))
    kernel = pair_of(call, "kernel_shape", given.rank)
    if pair_of(call, "dilations", given.rank) != (1, 1):
        raise UnsupportedError("average pooling with dilation is not a layer here")
    layer = AvgPool(
        kernel,
        pair_of(call, "strides", given.rank),
        padding_of(call, given, kernel),
        bool(call.attributes.get("ceil_mode", 0)),
        bool(call.attributes.get("count_include_pad", 0)),
    )
    return net.unit(call.outputs[0], layer, given)


def global_average(net: Translation, call: Call) -> Value:
    """GlobalAveragePool over the whole plane."""
    """GlobalAveragePool."""
    """GlobalAveragePool."""
    return net.unit(call.outputs[0], GlobalAvgPool(), nchw(net.given(call)))


def global_max(net: Translation, call: Call) -> Value:
    """GlobalMaxPool over the whole plane."""
    """GlobalMaxPool."""
    """GlobalMaxPool."""
    given = nchw(net.given(call))
    return net.unit(call.outputs[0], MaxPool((given.plane.height, given.plane.width), padding=(0, 0)), given)


def reduce_mean(net: Translation, call: Call) -> Value:
    """ReduceMean: a global pool, or the first step of a layer norm.

    Raises UnsupportedError for a form that no layer stands for.
    """
    value = net.values[call.inputs[0]]
    if isinstance(value, Stat):
        if value.kind == "square":
            return Stat("variance", value.of)
        raise UnsupportedError("it is no step of a norm that is known")
    given, known = net.plane_of(value), [net.constant(call, number) for number in range(len(call.inputs))]
    axes = sorted(axis % len(given.shape) for axis in axes_of(call, known) or range(len(given.shape)))
    keeps = bool(call.attributes.get("keepdims", 1))
    pixels = [axis for axis in range(1, len(given.shape)) if axis != given.channel_axis]
    if axes == pixels and given.layout != "flat":
        layout = given.layout if keeps else "flat"
        return net.unit(call.outputs[0], GlobalAvgPool(), given, layout=layout)
    if axes == [given.channel_axis] and keeps:
        return Stat("mean", given)
    raise UnsupportedError(f"a mean over the axes {axes} of {given.shape} is not a layer")
