"""What a user would write in PyTorch: the whole plane, and the window cut out by hand with valid convolutions."""

from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.workloads import Workload, spread
from pipeline.ops.buffer import Array
from pipeline.stem import (
    INPUT,
    Activate,
    Affine,
    BatchNorm,
    Cat,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Join,
    LayerNorm,
    MaxPool,
    Mul,
    Network,
    Node,
    Slice,
    Upsample,
)

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "silu": functional.silu,
    "linear": lambda z: z,
}
Tensors = dict[int, dict[str, torch.Tensor]]
"""Of each layer: weight, bias, mean and var, as far as it has them; kernels are [F, C // groups, kh, kw]."""


def _tensors(work: Workload, layout: torch.memory_format) -> Tensors:
    found: Tensors = {}
    for index, own in work.weights.items():
        parts = {name: getattr(own, name) for name in ("weight", "bias", "mean", "var")}
        made = {name: torch.from_numpy(part) for name, part in parts.items() if part is not None}
        if own.weight is not None and own.weight.ndim > 1:
            made["weight"] = torch.from_numpy(work.kernels[index]).contiguous(memory_format=layout)
        found[index] = made
    return found


def whole_plane(work: Workload, layout: torch.memory_format = torch.contiguous_format) -> Callable[[], Array]:
    """The usual script: same-padded layers over the whole plane, then the centre unit's gradient by the input.

    The call that is returned makes it, float32 [n, channels, rows, columns] of the unit's cone.
    """
    weights = _tensors(work, layout)
    plane, box = work.config.input, work.plan.cone.box
    x = torch.rand(work.probes.shape[3], plane.channels, plane.height, plane.width) - 0.5
    x[:, :, box.top : box.bottom, box.left : box.right] = torch.from_numpy(work.images)
    x = x.contiguous(memory_format=layout)
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
    weights = _tensors(work, layout)
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
    own = weights.get(node.index, {})
    weight, bias = own.get("weight"), own.get("bias")
    match node.layer:
        case Conv() | Depthwise():
            assert weight is not None
            return functional.conv2d(x, weight, bias, stride, padding, 1, node.groups)
        case MaxPool():
            return functional.max_pool2d(x, kernel, stride, padding)
        case GlobalAvgPool():
            return x.mean(dim=(2, 3), keepdim=True)
        case Upsample():
            return functional.interpolate(x, scale_factor=stride)
        case BatchNorm():
            return functional.batch_norm(x, own["mean"], own["var"], weight, bias) if own else x
        case LayerNorm(epsilon=epsilon):  # over the channels, as the code of ConvNeXt has it
            return functional.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2], weight, bias, epsilon).permute(0, 3, 1, 2)
        case Affine():
            assert weight is not None
            return x * weight[:, None, None] if bias is None else x * weight[:, None, None] + bias[:, None, None]
        case Slice(first=first, stop=stop):
            return x[:, first:stop]
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
