"""A network whose kernels are all ones: what each input pixel, all channels of it, sends to each output unit.

Written forwards and on whole planes, from the definition of every layer, so that it shares nothing with the walks back
that it is held against. Norms, products and activations let everything through that they read.
"""

from collections.abc import Callable

import numpy as np

from pipeline.stem import (
    INPUT,
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    Axis,
    BatchNorm,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Network,
    Node,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
)

_PAD_MODE = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def responses(nodes: Network, gain: Callable[[Node], float | np.ndarray] = lambda node: 1.0) -> np.ndarray:
    """float64 [made channels, height, width, height, width]: output of every unit for ones at every input pixel.

    `gain` multiplies what a layer makes: a number, or one for each of its pixels, [height, width].
    """
    plane = nodes[0].input
    pixels = np.eye(plane.height * plane.width).reshape(-1, 1, plane.height, plane.width)
    made = {INPUT: np.repeat(pixels, plane.channels, axis=1)}
    for node in nodes:
        made[node.index] = gain(node) * _made(node, [made[source] for source in node.inputs])
        assert made[node.index].shape[1:] == (node.output.channels, node.output.height, node.output.width)
    last = made[nodes[-1].index]
    return np.moveaxis(last, 0, -1).reshape(*last.shape[1:], plane.height, plane.width)


def _made(node: Node, inputs: list[np.ndarray]) -> np.ndarray:
    x, layer = inputs[0], node.layer
    match layer:
        case Conv() | Depthwise():
            return _along(_channels_summed(x, node), node, _gathered)
        case Transposed():
            return _along(_channels_summed(x, node), node, _scattered)
        case MaxPool() | AvgPool() | Pad() | Crop():
            return _along(x, node, _gathered)
        case Upsample():
            return np.repeat(np.repeat(x, layer.factor[0], axis=2), layer.factor[1], axis=3)
        case Bilinear():
            return _along(x, node, lambda x, axis, _: x @ _interpolation(axis.size_in, axis.size_out, layer.corners))
        case AdaptiveAvgPool():
            return _along(x, node, lambda x, axis, _: x @ _means(axis.size_in, axis.size_out))
        case GlobalAvgPool():
            return x.sum(axis=(2, 3), keepdims=True)
        case InstanceNorm():
            return np.broadcast_to(x.sum(axis=(2, 3), keepdims=True), x.shape)
        case GroupNorm():
            grouped = x.reshape(len(x), layer.groups, -1, *x.shape[2:])
            return np.broadcast_to(grouped.sum(axis=(2, 3, 4), keepdims=True), grouped.shape).reshape(x.shape)
        case LayerNorm():
            return np.broadcast_to(x.sum(axis=1, keepdims=True), x.shape)
        case LocalResponseNorm():
            count, before, behind = x.shape[1], layer.channels // 2, (layer.channels - 1) // 2
            windows = [x[:, max(c - before, 0) : c + behind + 1].sum(axis=1) for c in range(count)]
            return np.stack(windows, axis=1)
        case Slice():
            return x[:, layer.first : layer.stop]
        case ChannelShuffle():
            return x.reshape(len(x), layer.groups, -1, *x.shape[2:]).swapaxes(1, 2).reshape(x.shape)
        case PixelShuffle(factor=(fy, fx)):
            count, channels, height, width = x.shape
            blocks = x.reshape(count, channels // (fy * fx), fy, fx, height, width).transpose(0, 1, 4, 2, 5, 3)
            return blocks.reshape(count, -1, height * fy, width * fx)
        case PixelUnshuffle(factor=(fy, fx)):
            count, channels, height, width = x.shape
            blocks = x.reshape(count, channels, height // fy, fy, width // fx, fx).transpose(0, 1, 3, 5, 2, 4)
            return blocks.reshape(count, -1, height // fy, width // fx)
        case BatchNorm() | Affine() | PReLU() | Activate():
            return x
        case Cat():
            return np.concatenate(inputs, axis=1)
        case Add() | Mul() | Residual() | PreResidual():
            return sum(inputs[1:], inputs[0])
    raise TypeError(f"the oracle does not know {type(layer).__name__}")


def _channels_summed(x: np.ndarray, node: Node) -> np.ndarray:
    """Each output channel's sum over the channels of its group."""
    sums = x.reshape(len(x), node.groups, -1, *x.shape[2:]).sum(axis=2)
    return np.repeat(sums, node.output.channels // node.groups, axis=1)


def _along(x: np.ndarray, node: Node, step: Callable[[np.ndarray, Axis, str], np.ndarray]) -> np.ndarray:
    """Both axes, one after the other, each as the last one of the array."""
    mode = _PAD_MODE[node.padding_mode]
    rows = np.moveaxis(step(np.moveaxis(x, 2, -1), node.y, mode), -1, 2)
    return step(rows, node.x, mode)


def _gathered(x: np.ndarray, line: Axis, mode: str) -> np.ndarray:
    padded = np.pad(x, (*[(0, 0)] * 3, (max(line.before, 0), max(line.after, 0))), mode=mode)[
        ..., max(-line.before, 0) :
    ]
    made = np.zeros((*x.shape[:-1], line.size_out))
    for unit in range(line.size_out):
        for tap in range(line.kernel):
            made[..., unit] += padded[..., unit * line.stride + tap * line.dilation]
    return made


def _scattered(x: np.ndarray, line: Axis, _: str) -> np.ndarray:
    full = np.zeros((*x.shape[:-1], (line.size_in - 1) * line.stride + (line.kernel - 1) * line.dilation + 1))
    for pixel in range(line.size_in):
        for tap in range(line.kernel):
            full[..., pixel * line.stride + tap * line.dilation] += x[..., pixel]
    cropped = full[..., line.before : full.shape[-1] - max(line.after, 0)]
    return np.concatenate([cropped, np.zeros((*x.shape[:-1], max(-line.after, 0)))], axis=-1)


def _interpolation(inputs: int, outputs: int, corners: bool) -> np.ndarray:
    """float64 [inputs, outputs]: PyTorch's weights of bilinear up-sampling."""
    units = np.arange(outputs)
    places = units * ((inputs - 1) / max(outputs - 1, 1)) if corners else (units + 0.5) * inputs / outputs - 0.5
    weights = 1 - np.abs(np.clip(places, 0, inputs - 1) - np.arange(inputs)[:, None])
    return np.where(weights > 1e-9, weights, 0)


def _means(inputs: int, outputs: int) -> np.ndarray:
    weights = np.zeros((inputs, outputs))
    for unit in range(outputs):
        first, stop = unit * inputs // outputs, ((unit + 1) * inputs + outputs - 1) // outputs
        weights[first:stop, unit] = 1 / (stop - first)
    return weights
