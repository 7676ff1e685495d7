"""Squared gradients over many draws of weights and probes at once, by PyTorch's autograd.

Draws stand side by side as groups of channels, so that one pass through the network serves all of them.
"""

import numpy as np
import torch
from torch.nn import functional

from pipeline.config import Config
from pipeline.stem import (
    INPUT,
    Activate,
    Add,
    Affine,
    Axis,
    BatchNorm,
    Cat,
    ChannelShuffle,
    Convolution,
    Crop,
    Network,
    Node,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    PreResidual,
    Slice,
    Transposed,
    Upsample,
)

_ACTIVATIONS = {"linear": lambda z: z, "relu": functional.relu, "leaky_relu": lambda z: functional.leaky_relu(z, 0.01)}
_PAD_MODE = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def squared_gradients(config: Config, draws: int, seed: int) -> np.ndarray:
    """float64 [draws, height, width]: the squared gradient of the config's unit, summed over input channels.

    Weights and normal probes are drawn anew for each draw, with PyTorch's generator.
    """
    generator = torch.Generator().manual_seed(seed)
    plane, (row, column) = config.input, config.unit
    shape = (1, draws * plane.channels, plane.height, plane.width)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()
    made = _run(config.network, x, config.init.kind, draws, generator)
    units = made[0, :, row, column].reshape(draws, -1)[:, config.readout.channel]
    (gradient,) = torch.autograd.grad(units.sum(), x)
    return gradient.reshape(draws, plane.channels, plane.height, plane.width).square().sum(dim=1).numpy()


def _run(nodes: Network, x: torch.Tensor, kind: str, draws: int, generator: torch.Generator) -> torch.Tensor:
    made = {INPUT: x}
    for node in nodes:
        inputs = [made[source] for source in node.inputs]
        z = _convolution(node, inputs[0], kind, draws, generator) if isinstance(node.layer, Convolution) else None
        made[node.index] = _ACTIVATIONS[node.activation](_made(node, inputs, draws) if z is None else z)
    return made[nodes[-1].index]


def _made(node: Node, inputs: list[torch.Tensor], draws: int) -> torch.Tensor:
    x, layer = inputs[0], node.layer
    each = x.reshape(draws, -1, *x.shape[2:])
    match layer:
        case Add() | PreResidual():
            parts = [part.reshape(draws, -1, *part.shape[2:]) for part in inputs]
            return sum(parts[1:], parts[0]).reshape(1, -1, *x.shape[2:])
        case Cat():
            parts = [part.reshape(draws, -1, *part.shape[2:]) for part in inputs]
            return torch.cat(parts, dim=1).reshape(1, -1, *x.shape[2:])
        case Upsample():
            return x.repeat_interleave(node.y.stride, dim=2).repeat_interleave(node.x.stride, dim=3)
        case Slice():
            return each[:, layer.first : layer.stop].reshape(1, -1, *x.shape[2:])
        case ChannelShuffle():
            grouped = each.reshape(draws, layer.groups, -1, *x.shape[2:])
            return grouped.transpose(1, 2).reshape(x.shape)
        case PixelShuffle(factor=(fy, fx)):
            return x.unflatten(1, (-1, fy, fx)).permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
        case PixelUnshuffle(factor=(fy, fx)):
            return x.unflatten(3, (-1, fx)).unflatten(2, (-1, fy)).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)
        case Pad():
            return functional.pad(x, _sides(node.x, node.y, 1), mode=_PAD_MODE[node.padding_mode])
        case Crop():
            return functional.pad(x, _sides(node.x, node.y, 1))[:, :, :: node.y.stride, :: node.x.stride]
        case PReLU():
            return functional.leaky_relu(x, 0.25)
        case BatchNorm() | Affine() | Activate():
            return x
    raise TypeError(f"draws of {type(layer).__name__} are not known here")


def _convolution(node: Node, x: torch.Tensor, kind: str, draws: int, generator: torch.Generator) -> torch.Tensor:
    assert isinstance(node.layer, Convolution)
    area, groups = node.y.kernel * node.x.kernel, node.groups
    inputs, features = node.input.channels // groups, node.output.channels // groups
    kernel = (node.y.kernel, node.x.kernel)
    transposed = isinstance(node.layer, Transposed)
    ends = (inputs, features) if transposed else (features, inputs)
    # [draws * groups * first, second, height, width]: PyTorch's layouts of both kinds of convolution.
    shape = (draws * groups * ends[0], ends[1], *kernel)
    if kind == "lecun_uniform":
        weight = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * (3 / (area * inputs)) ** 0.5
    else:
        assert kind == "glorot_normal"
        scale = (2 / (area * (inputs + features))) ** 0.5
        weight = torch.randn(shape, generator=generator, dtype=torch.float64) * scale
    stride, dilation = (node.y.stride, node.x.stride), (node.y.dilation, node.x.dilation)
    if transposed:
        full = functional.conv_transpose2d(x, weight, None, stride, 0, 0, draws * groups, dilation)
        return functional.pad(full, _sides(node.x, node.y, -1))
    padded = functional.pad(x, _sides(node.x, node.y, 1), mode=_PAD_MODE[node.padding_mode])
    return functional.conv2d(padded, weight, None, stride, 0, dilation, draws * groups)


def _sides(x: Axis, y: Axis, sign: int) -> tuple[int, int, int, int]:
    return sign * x.before, sign * x.after, sign * y.before, sign * y.after
