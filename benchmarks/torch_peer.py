"""What a user would write in PyTorch: the whole plane, and the window cut out by hand with valid convolutions."""

from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.workloads import Workload, spread
from pipeline.ops.buffer import Array
from pipeline.stem import (
    INPUT,
    Activate,
    BatchNorm,
    Cat,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Join,
    MaxPool,
    Mul,
    Network,
    Node,
    Upsample,
)

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "linear": lambda z: z,
}
Tensors = dict[int, torch.Tensor]


def whole_plane(work: Workload) -> Callable[[], Array]:
    """The usual script: same-padded layers over the whole plane, then the centre unit's gradient by the input.

    The call that is returned makes it, float32 [n, channels, rows, columns] of the unit's cone.
    """
    weights = {index: torch.from_numpy(kernel) for index, kernel in work.kernels.items()}
    plane, box = work.config.input, work.plan.cone.box
    x = torch.rand(work.probes.shape[3], plane.channels, plane.height, plane.width) - 0.5
    x[:, :, box.top : box.bottom, box.left : box.right] = torch.from_numpy(work.images)
    row, column = work.config.unit

    def gradient() -> Array:
        inside = x.detach().requires_grad_()
        out = _run(work.config.network, inside, weights, padded=True)
        (made,) = torch.autograd.grad(out[:, 0, row, column].sum(), inside)
        return made[:, :, box.top : box.bottom, box.left : box.right].numpy()

    return gradient


def cropped(work: Workload, layout: torch.memory_format) -> Callable[[], Array]:
    """The careful script: the theoretical window as input and nothing padded, so that one unit is left.

    Where planes are made larger, or read whole, layers are padded as ever, and the unit is taken out of what they make.
    """
    weights = {i: torch.from_numpy(kernel).contiguous(memory_format=layout) for i, kernel in work.kernels.items()}
    crop = work.crop
    images, (row, column) = (work.images, (0, 0)) if work.is_valid else (crop.images, crop.unit)
    x = torch.from_numpy(images).contiguous(memory_format=layout)

    def gradient() -> Array:
        inside = x.detach().requires_grad_()
        out = _run(work.config.network, inside, weights, padded=not work.is_valid)
        (made,) = torch.autograd.grad(out[:, 0, row, column].sum(), inside)
        return made.numpy() if work.is_valid else made[:, :, *crop.window].numpy()

    return gradient


def _run(nodes: Network, x: torch.Tensor, weights: Tensors, *, padded: bool) -> torch.Tensor:
    """What the last node makes of x; where nothing is padded, branches are cropped to the smallest of them."""
    made = {INPUT: x}
    for node in nodes:
        operands = [made[index] for index in node.inputs]
        z = _joined(node, operands) if isinstance(node.layer, Join) else _layer(node, operands[0], weights, padded)
        made[node.index] = ACTIVATIONS[node.activation](z)
    return made[nodes[-1].index]


def _layer(node: Node, x: torch.Tensor, weights: Tensors, padded: bool) -> torch.Tensor:
    kernel, stride = (node.y.kernel, node.x.kernel), (node.y.stride, node.x.stride)
    padding = (node.y.before, node.x.before) if padded else (0, 0)
    match node.layer:
        case Conv() | Depthwise():
            return functional.conv2d(x, weights[node.index], None, stride, padding, 1, node.groups)
        case MaxPool():
            return functional.max_pool2d(x, kernel, stride, padding)
        case GlobalAvgPool():
            return x.mean(dim=(2, 3), keepdim=True)
        case Upsample():
            return functional.interpolate(x, scale_factor=stride)
        case BatchNorm():
            return x
        case Activate():
            return x
    raise TypeError(f"{type(node.layer).__name__} has no peer; write one here")


def _joined(node: Node, operands: list[torch.Tensor]) -> torch.Tensor:
    sides = [min(sizes) for sizes in zip(*(x.shape[2:] for x in spread(node, operands)), strict=True)]
    alike = [id(x) for x in spread(node, operands)]
    x, *others = (_cut(x, *sides) if id(x) in alike else x for x in operands)
    if isinstance(node.layer, Cat):
        return torch.cat((x, *others), dim=1)
    for other in others:
        x = x * other if isinstance(node.layer, Mul) else x + other
    return x


def _cut(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The middle of a plane."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def peers(work: Workload) -> dict[str, Callable[[], Array]]:
    """The scripts by name; what they make is float32 [n, channels, rows, columns]."""
    torch.set_num_threads(1)
    return {
        "whole plane": whole_plane(work),
        "cropped": cropped(work, torch.contiguous_format),
        "cropped, channels last": cropped(work, torch.channels_last),
    }
