"""The same networks in PyTorch: an independent gradient to hold the kernel against.

Geometry is taken from the network's nodes, which tests of their own hold against PyTorch.
"""

import functools

import numpy as np
import torch
from torch.nn import functional

from pipeline.config import Config
from pipeline.ops.parameters import Parameters
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
    curve,
)

ACTIVATIONS = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda z: functional.softplus(z, threshold=40),
    "hardswish": functional.hardswish,
    "hardsigmoid": lambda z, a, b: functional.hardtanh(a * z + b, 0, 1),  # PyTorch's own has the slope float32(1 / 6)
    "hardtanh": functional.hardtanh,
    "linear": lambda z: z,
}
"""By name, of z and the numbers of the activation."""


def kinks(activation: str) -> tuple[float, ...]:
    """Where the slope of an activation jumps."""
    name, numbers = curve(activation)
    match name:
        case "relu" | "leaky_relu" | "selu":
            return (0.0,)
        case "elu":
            return () if numbers == (1.0,) else (0.0,)
        case "relu6":
            return 0.0, 6.0
        case "hardswish":
            return -3.0, 3.0
        case "hardtanh":
            return numbers
        case "hardsigmoid":
            a, b = numbers
            return (-b / a, (1 - b) / a) if a else ()
    return ()


class TorchNetwork:
    """A config's network on the whole plane, channels first.

    `closest` is the smallest distance to a kink or a tie that is not zero: exact zeros and exact ties, as behind a
    ReLU or in padding, are the same in every implementation, but what lies within rounding of them is not.
    """

    def __init__(self, config: Config, parameters: dict[int, Parameters]) -> None:
        self.config = config
        self.parameters = parameters
        self.dtype = getattr(torch, config.dtype)
        self.closest = np.inf

    def input_gradient(self, probes: np.ndarray) -> np.ndarray:
        """Gradient of the readout by probes [n, height, width, channels], for each probe by itself."""
        x = torch.tensor(probes, dtype=self.dtype).permute(0, 3, 1, 2).requires_grad_()
        out = self.run(self.config.network, x)
        row, column = self.config.unit
        unit = out[:, :, row, column]
        channel = self.config.readout.channel
        if channel == "sum":
            value = unit.sum()
        elif channel == "mean":
            value = unit.mean(dim=1).sum()
        elif channel == "relu_sum":
            self.note(unit.abs())
            value = functional.relu(unit).sum()
        else:
            value = unit[:, channel].sum()
        (gradient,) = torch.autograd.grad(value, x)
        return gradient.permute(0, 2, 3, 1).numpy()

    def note(self, distances: torch.Tensor) -> None:
        near = distances.detach()
        near = near[near > 0]
        if near.numel():
            self.closest = min(self.closest, float(near.min()))

    def array(self, values: np.ndarray | None) -> torch.Tensor | None:
        return None if values is None else torch.tensor(np.asarray(values), dtype=self.dtype)

    def run(self, nodes: tuple[Node, ...], x: torch.Tensor) -> torch.Tensor:
        """What the last node makes of x."""
        made = {INPUT: x}
        for node in nodes:
            z = self.node(node, *(made[index] for index in node.inputs))
            made[node.index] = self.activate(node, z)
            assert made[node.index].shape[1:] == (node.output.channels, node.output.height, node.output.width), node
        return made[nodes[-1].index]

    def activate(self, node: Node, z: torch.Tensor) -> torch.Tensor:
        for kink in kinks(node.activation):
            self.note((z - kink).abs())
        name, numbers = curve(node.activation)
        return ACTIVATIONS[name](z, *numbers)

    def node(self, node: Node, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        own = self.parameters.get(node.index, Parameters())
        weight, bias = self.array(own.weight), self.array(own.bias)
        padding = (node.x.before, node.x.after, node.y.before, node.y.after)
        stride = (node.y.stride, node.x.stride)
        dilation = (node.y.dilation, node.x.dilation)
        kernel = (node.y.kernel, node.x.kernel)
        match node.layer:
            case Residual() | PreResidual() | Add():
                return sum(others, x)
            case Mul():
                return functools.reduce(torch.mul, others, x)
            case Cat():
                return torch.cat((x, *others), dim=1)
            case Conv() | Depthwise():
                x = self.padded(x, padding, node.padding_mode)
                return functional.conv2d(x, weight.permute(3, 2, 0, 1), bias, stride, 0, dilation, node.groups)
            case Transposed():
                parts = torch.cat([part.permute(2, 3, 0, 1) for part in weight.chunk(node.groups, dim=3)])
                made = functional.conv_transpose2d(x, parts, bias, stride, 0, 0, node.groups, dilation)
                grown = [max(-side, 0) for side in padding]
                made = functional.pad(made, [-max(side, 0) for side in padding])
                if bias is None:
                    return functional.pad(made, grown)
                return functional.pad(made - bias[:, None, None], grown) + bias[:, None, None]
            case MaxPool():
                padded = functional.pad(x, padding, value=-torch.inf)
                self.note_ties(padded, kernel, stride, dilation)
                return functional.max_pool2d(padded, kernel, stride, dilation=dilation)
            case AvgPool():
                return self.averaged(node, x)
            case GlobalAvgPool():
                return x.mean(dim=(2, 3), keepdim=True)
            case AdaptiveAvgPool(size=size):
                return functional.adaptive_avg_pool2d(x, size)
            case Upsample():
                return x.repeat_interleave(stride[0], dim=2).repeat_interleave(stride[1], dim=3)
            case Bilinear(corners=corners):
                size = node.output.height, node.output.width
                return functional.interpolate(x, size, mode="bilinear", align_corners=corners)
            case Pad():
                return self.padded(x, padding, node.padding_mode)
            case Crop():
                return functional.pad(x, padding)[:, :, :: stride[0], :: stride[1]]
            case Slice(first=first, stop=stop):
                return x[:, first:stop]
            case ChannelShuffle(groups=groups):
                return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
            case PixelShuffle(factor=(fy, fx)):
                return x.unflatten(1, (-1, fy, fx)).permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)
            case PixelUnshuffle(factor=(fy, fx)):
                return x.unflatten(3, (-1, fx)).unflatten(2, (-1, fy)).permute(0, 1, 3, 5, 2, 4).flatten(1, 3)
            case BatchNorm():
                if not self.parameters.get(node.index):
                    return x
                channels = x.shape[1]
                mean = torch.zeros(channels, dtype=self.dtype) if own.mean is None else self.array(own.mean)
                var = torch.ones(channels, dtype=self.dtype) - 1e-5 if own.var is None else self.array(own.var)
                return functional.batch_norm(x, mean, var, weight, bias)
            case Affine():
                scaled = x if weight is None else x * weight[:, None, None]
                return scaled if bias is None else scaled + bias[:, None, None]
            case LayerNorm(epsilon=epsilon):
                normed = functional.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), weight, bias, epsilon)
                return normed.permute(0, 3, 1, 2)
            case GroupNorm(groups=groups, epsilon=epsilon):
                return self.group_norm(x, groups, weight, bias, epsilon)
            case InstanceNorm(epsilon=epsilon):
                return self.group_norm(x, x.shape[1], weight, bias, epsilon)
            case LocalResponseNorm(channels=channels, alpha=alpha, beta=beta, k=k):
                return functional.local_response_norm(x, channels, alpha, beta, k)
            case PReLU():
                self.note(x.abs())
                slopes = torch.full((x.shape[1],), 0.25, dtype=self.dtype) if weight is None else weight
                return functional.prelu(x, slopes)
            case Activate():
                return x
        raise TypeError(f"{type(node.layer).__name__} has no oracle; give it one here")

    def padded(self, x: torch.Tensor, padding: tuple[int, int, int, int], mode: str) -> torch.Tensor:
        """`padding` is that of functional.pad, of columns first; PyTorch pads a plane of a single pixel by no other."""
        if mode == "circular":
            return self.wrapped(x, padding)
        return functional.pad(x, padding, mode={"zeros": "constant"}.get(mode, mode))

    def group_norm(
        self,
        x: torch.Tensor,
        groups: int,
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        epsilon: float,
    ) -> torch.Tensor:
        """By its definition, since PyTorch refuses a group of a single number."""
        parts = x.unflatten(1, (groups, -1))
        centred = parts - parts.mean(dim=(2, 3, 4), keepdim=True)
        variance = (centred * centred).mean(dim=(2, 3, 4), keepdim=True)
        normed = (centred / (variance + epsilon).sqrt()).flatten(1, 2)
        normed = normed if weight is None else normed * weight[:, None, None]
        return normed if bias is None else normed + bias[:, None, None]

    def averaged(self, node: Node, x: torch.Tensor) -> torch.Tensor:
        """The sum of each window by the numbers that count, which are summed in the same way as ones."""
        layer = node.layer
        axes = node.x, node.y
        padding = tuple(end for axis in axes for end in (axis.before, axis.after))
        counted = torch.ones_like(x[:1, :1])
        if layer.count_padding and layer.padding != "same":
            written = [self.written_padding(layer, axis, position) for position, axis in ((1, node.x), (0, node.y))]
            counted = functional.pad(counted, [end for ends in written for end in ends], value=1)
            beyond = tuple(end - own for end, own in zip(padding, (e for ends in written for e in ends), strict=True))
        else:
            beyond = padding
        kernel, stride = (node.y.kernel, node.x.kernel), (node.y.stride, node.x.stride)
        total = functional.avg_pool2d(functional.pad(x, padding), kernel, stride, divisor_override=1)
        return total / functional.avg_pool2d(functional.pad(counted, beyond), kernel, stride, divisor_override=1)

    @staticmethod
    def written_padding(layer: AvgPool, axis: Axis, position: int) -> tuple[int, int]:
        if layer.padding is None:
            return (axis.kernel - 1) // 2, axis.kernel // 2
        side = layer.padding[position]
        return (side, side) if isinstance(side, int) else side

    @staticmethod
    def wrapped(x: torch.Tensor, padding: tuple[int, int, int, int]) -> torch.Tensor:
        left, right, top, bottom = padding
        height, width = x.shape[2:]
        rows = torch.arange(-top, height + bottom) % height
        columns = torch.arange(-left, width + right) % width
        return x[:, :, rows][:, :, :, columns]

    def note_ties(
        self,
        padded: torch.Tensor,
        kernel: tuple[int, int],
        stride: tuple[int, int],
        dilation: tuple[int, int],
    ) -> None:
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        windows = padded.detach().unfold(2, spans[0], stride[0]).unfold(3, spans[1], stride[1])
        windows = windows[..., :: dilation[0], :: dilation[1]].flatten(-2)
        if windows.shape[-1] > 1:
            best = windows.topk(2, dim=-1).values
            self.note((best[..., 0] - best[..., 1])[best[..., 1] > -torch.inf].abs())
