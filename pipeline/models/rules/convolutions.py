"""Convolutions, transposed ones, and products with a matrix, which are convolutions too."""

from typing import Any

import numpy as np

from pipeline.models.onnxfile import Call
from pipeline.models.rules.attributes import arrays_of, ends_of, nchw, padding_of, pair_of, weight_of
from pipeline.models.translate import Translation
from pipeline.models.units import Array, Held, UnsupportedError, Value
from pipeline.stem import (
    Conv,
    Depthwise,
    Layer,
    Transposed,
)


def conv(net: Translation, call: Call) -> Value:
    """Conv.

    Raises UnsupportedError for a form that no layer stands for.
    """
    """Conv."""
    given, weight, bias = nchw(net.given(call)), weight_of(net, call), net.constant(call, 2)
    if weight.ndim != given.rank:
        raise UnsupportedError(f"its weights have the shape {weight.shape}")
    if given.rank == 3:
        weight = weight[:, :, None]
    features, inputs, *kernel = weight.shape
    groups = int(call.attributes.get("group", 1))
    if inputs * groups != given.plane.channels:
        raise UnsupportedError(f"its weights are for {inputs * groups} channels, it reads {given.plane.channels}")
    return _convolved(net, call, given, (weight, bias, groups, (features, kernel[0], kernel[1])))


def _convolved(
    net: Translation, call: Call, given: Held, of: tuple[Array, Array | None, int, tuple[int, int, int]]
) -> Value:
    weight, bias, groups, (features, height, width) = of
    common: dict[str, Any] = {
        "kernel": (height, width),
        "features": features,
        "stride": pair_of(call, "strides", given.rank),
        "dilation": pair_of(call, "dilations", given.rank),
        "padding": padding_of(call, given, (height, width)),
        "activation": "linear",
    }
    is_depthwise = groups == given.plane.channels > 1
    layer: Layer = Depthwise(**common) if is_depthwise else Conv(groups=groups, **common)
    return net.unit(call.outputs[0], layer, given, lambda: arrays_of(weight.transpose(2, 3, 1, 0), bias))


def conv_transpose(net: Translation, call: Call) -> Value:
    """ConvTranspose, its padding given or following from the size that it makes.

    Raises UnsupportedError for a form that no layer stands for.
    """
    """ConvTranspose."""
    given, weight, bias = nchw(net.given(call)), weight_of(net, call), net.constant(call, 2)
    if given.rank == 3:
        weight = weight[:, :, None]
    groups = int(call.attributes.get("group", 1))
    inputs, each, height, width = weight.shape
    if inputs != given.plane.channels:
        raise UnsupportedError(f"its weights are for {inputs} channels, it reads {given.plane.channels}")
    stride, dilation = pair_of(call, "strides", given.rank), pair_of(call, "dilations", given.rank)
    more = pair_of(call, "output_padding", given.rank, 0)
    sizes = (given.plane.height, given.plane.width)
    shape = call.attributes.get("output_shape")
    way = call.attributes.get("auto_pad", "NOTSET")
    if shape is not None or way.startswith("SAME"):
        wanted = (
            [int(one) for one in shape] if shape is not None else [n * s for n, s in zip(sizes, stride, strict=True)]
        )
        if shape is not None and given.rank == 3:
            wanted = [1, *wanted]
        sides = []
        for n, s, k, d, out, add in zip(sizes, stride, (height, width), dilation, wanted, more, strict=True):
            total = s * (n - 1) + add + (k - 1) * d + 1 - out
            if total < 0:
                raise UnsupportedError("its output shape is larger than its kernels reach")
            sides.append((total - total // 2, total // 2) if way != "SAME_UPPER" else (total // 2, total - total // 2))
        ends: Any = tuple(sides)
    else:
        ends = ends_of(call, given.rank) if way != "VALID" else ((0, 0), (0, 0))
    layer = Transposed(
        (height, width), each * groups, stride, dilation, padding=ends, output_padding=more, groups=groups,
        activation="linear",
    )  # fmt: skip

    def parameters() -> dict[str, Array]:
        """From [C, F / groups, kh, kw] of ONNX: weight [kh, kw, C / groups, F] and bias [F], float32."""
        apart = weight.reshape(groups, inputs // groups, each, height, width)
        return arrays_of(apart.transpose(3, 4, 1, 0, 2).reshape(height, width, inputs // groups, groups * each), bias)

    return net.unit(call.outputs[0], layer, given, parameters)


def gemm(net: Translation, call: Call) -> Value:
    """Gemm with a constant matrix.

    Raises UnsupportedError for a form that no layer stands for.
    """
    """Gemm."""
    attributes = call.attributes
    given, weight, bias = net.given(call), weight_of(net, call), net.constant(call, 2)
    if attributes.get("transA"):
        raise UnsupportedError("it turns its first operand")
    if len(call.inputs) > 2 and call.inputs[2] and bias is None:
        raise UnsupportedError("its bias is not a constant")
    weight = weight.T if attributes.get("transB") else weight
    alpha, beta = float(attributes.get("alpha", 1.0)), float(attributes.get("beta", 1.0))
    return _product(net, call, given, weight, bias, (alpha, beta))


def matmul(net: Translation, call: Call) -> Value:
    """MatMul by constants.

    Raises UnsupportedError for a form that no layer stands for.
    """
    given, weight = net.given(call), weight_of(net, call)
    if weight.ndim != 2:
        raise UnsupportedError(f"its matrix has the shape {weight.shape}")
    return _product(net, call, given, weight, None, (1.0, 1.0))


def _product(
    net: Translation, call: Call, given: Held, weight: Array, bias: Array | None, factors: tuple[float, float]
) -> Value:
    """x @ weight + bias, over the channels or over a whole plane that is flattened."""
    plane, features = given.plane, weight.shape[1]
    if given.layout == "nchw" and not (plane.height == plane.width == 1 and len(given.shape) == 2):
        raise UnsupportedError(f"it multiplies the last axis of {given.shape}, which is no channel")
    is_whole = given.layout == "flat"
    sides = (plane.height, plane.width) if is_whole else (1, 1)
    if weight.shape[0] != plane.channels * sides[0] * sides[1]:
        raise UnsupportedError(f"its matrix has the shape {weight.shape} for a tensor of {given.shape}")

    def parameters() -> dict[str, Array]:
        """From a matrix [C * height * width, F]: weight [height, width, C, F] and bias [F], float32."""
        apart = weight.reshape(plane.channels, *sides, features).transpose(1, 2, 0, 3) * factors[0]
        shift = None if bias is None else np.broadcast_to(bias.reshape(-1), features) * factors[1]
        return arrays_of(apart, shift)

    layer = Conv(sides, features, padding=(0, 0), activation="linear")
    return net.unit(call.outputs[0], layer, given, parameters)
