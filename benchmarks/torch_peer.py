"""What a user would write in PyTorch: the whole plane, and the window cut out by hand with valid convolutions."""

from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.workloads import Workload
from pipeline.ops.buffer import Array
from pipeline.stem import MaxPool, Network, Residual

ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu, "linear": lambda z: z}
Tensors = dict[int, torch.Tensor]


def whole_plane(work: Workload) -> Callable[[], Array]:
    """The usual script: same-padded layers over the whole plane, then the centre unit's gradient by the input."""
    weights = {index: torch.from_numpy(kernel) for index, kernel in work.kernels.items()}
    plane, box = work.config.input, work.plan.cone.box
    x = torch.rand(work.probes.shape[3], plane.channels, plane.height, plane.width) - 0.5
    x[:, :, box.top : box.bottom, box.left : box.right] = torch.from_numpy(work.images)
    row, column = work.config.unit

    def gradient() -> Array:
        inside = x.detach().requires_grad_()
        out = _stack(work.config.network, inside, weights, padded=True)
        (made,) = torch.autograd.grad(out[:, 0, row, column].sum(), inside)
        return made[:, :, box.top : box.bottom, box.left : box.right].numpy()

    return gradient


def cropped(work: Workload, layout: torch.memory_format) -> Callable[[], Array]:
    """The careful script: the theoretical window as input and nothing padded, so that one unit is left."""
    weights = {i: torch.from_numpy(kernel).contiguous(memory_format=layout) for i, kernel in work.kernels.items()}
    x = torch.from_numpy(work.images).contiguous(memory_format=layout)

    def gradient() -> Array:
        inside = x.detach().requires_grad_()
        out = _stack(work.config.network, inside, weights, padded=False)
        (made,) = torch.autograd.grad(out[:, 0].sum(), inside)
        return made.numpy()

    return gradient


def _stack(nodes: Network, x: torch.Tensor, weights: Tensors, *, padded: bool) -> torch.Tensor:
    for node in nodes:
        padding = (node.y.before, node.x.before) if padded else (0, 0)
        if isinstance(node.layer, Residual):
            made = _stack(node.body, x, weights, padded=padded)
            edge = (x.shape[2] - made.shape[2]) // 2
            x = made + x[:, :, edge : edge + made.shape[2], edge : edge + made.shape[3]]
        elif isinstance(node.layer, MaxPool):
            x = functional.max_pool2d(x, (node.y.kernel, node.x.kernel), (node.y.stride, node.x.stride), padding)
        else:
            x = functional.conv2d(x, weights[node.index], None, (node.y.stride, node.x.stride), padding, 1, node.groups)
        x = ACTIVATIONS[node.activation](x)
    return x


def peers(work: Workload) -> dict[str, Callable[[], Array]]:
    """The scripts by name."""
    torch.set_num_threads(1)
    return {
        "whole plane": whole_plane(work),
        "cropped": cropped(work, torch.contiguous_format),
        "cropped, channels last": cropped(work, torch.channels_last),
    }
