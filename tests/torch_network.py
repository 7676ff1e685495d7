"""The same networks in PyTorch: an independent gradient to hold the kernel against.

Geometry is taken from the network's nodes, which tests of their own hold against PyTorch.
"""

import numpy as np
import torch
from torch.nn import functional

from pipeline.config import Config
from pipeline.ops.parameters import Parameters
from pipeline.stem import (
    INPUT,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    LayerNorm,
    MaxPool,
    Node,
    PreResidual,
    Residual,
    Transposed,
    Upsample,
)

ACTIVATIONS = {
    "relu": functional.relu,
    "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
    "elu": functional.elu,
    "selu": functional.selu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda z: functional.softplus(z, threshold=40),
    "hardswish": functional.hardswish,
    "linear": lambda z: z,
}
KINKS = {"relu": [0.0], "leaky_relu": [0.0], "selu": [0.0], "hardswish": [-3.0, 3.0]}


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
        for kink in KINKS.get(node.activation, []):
            self.note((z - kink).abs())
        return ACTIVATIONS[node.activation](z)

    def node(self, node: Node, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        own = self.parameters.get(node.index, Parameters())
        weight, bias = self.array(own.weight), self.array(own.bias)
        padding = (node.x.before, node.x.after, node.y.before, node.y.after)
        stride = (node.y.stride, node.x.stride)
        dilation = (node.y.dilation, node.x.dilation)
        kernel = (node.y.kernel, node.x.kernel)
        match node.layer:
            case Residual() | PreResidual():
                return x + others[0]
            case Conv() | Depthwise():
                if node.padding_mode == "circular":
                    x = self.wrapped(x, padding)
                else:
                    mode = {"zeros": "constant"}.get(node.padding_mode, node.padding_mode)
                    x = functional.pad(x, padding, mode=mode)
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
                self.note_ties(padded, kernel, stride)
                return functional.max_pool2d(padded, kernel, stride)
            case AvgPool():
                return functional.avg_pool2d(functional.pad(x, padding), kernel, stride)
            case GlobalAvgPool():
                return x.mean(dim=(2, 3), keepdim=True)
            case Upsample():
                return x.repeat_interleave(stride[0], dim=2).repeat_interleave(stride[1], dim=3)
            case BatchNorm():
                if not self.parameters.get(node.index):
                    return x
                channels = x.shape[1]
                mean = torch.zeros(channels, dtype=self.dtype) if own.mean is None else self.array(own.mean)
                var = torch.ones(channels, dtype=self.dtype) - 1e-5 if own.var is None else self.array(own.var)
                return functional.batch_norm(x, mean, var, weight, bias)
            case LayerNorm():
                return functional.layer_norm(x.permute(0, 2, 3, 1), (x.shape[1],), weight, bias).permute(0, 3, 1, 2)
        return x

    @staticmethod
    def wrapped(x: torch.Tensor, padding: tuple[int, int, int, int]) -> torch.Tensor:
        left, right, top, bottom = padding
        height, width = x.shape[2:]
        rows = torch.arange(-top, height + bottom) % height
        columns = torch.arange(-left, width + right) % width
        return x[:, :, rows][:, :, :, columns]

    def note_ties(self, padded: torch.Tensor, kernel: tuple[int, int], stride: tuple[int, int]) -> None:
        windows = padded.detach().unfold(2, kernel[0], stride[0]).unfold(3, kernel[1], stride[1]).flatten(-2)
        if windows.shape[-1] > 1:
            best = windows.topk(2, dim=-1).values
            self.note((best[..., 0] - best[..., 1])[best[..., 1] > -torch.inf].abs())
