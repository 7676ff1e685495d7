"""What rules ask of a call: pairs along y and x, padding, numbers, constant weights."""

from math import ceil
from typing import Any

import numpy as np

from pipeline.models.onnxfile import Call
from pipeline.models.translate import Translation
from pipeline.models.units import Array, Held, UnsupportedError

Ends = tuple[tuple[int, int], tuple[int, int]]
"""Padding (before, after) along y and along x."""


def pair_of(call: Call, name: str, rank: int, usual: int = 1) -> tuple[int, int]:
    """An attribute along y and x.

    Raises UnsupportedError for a form that no layer stands for.
    """
    written = [int(one) for one in call.attributes.get(name) or [usual] * (rank - 2)]
    if len(written) != rank - 2:
        raise UnsupportedError(f"its {name} have {len(written)} numbers for a plane of {rank - 2} axes")
    return (usual if name != "kernel_shape" else 1, written[0]) if rank == 3 else (written[0], written[1])


def ends_of(call: Call, rank: int) -> Ends:
    """The pads of a call, (before, after) along y and along x.

    Raises UnsupportedError for a form that no layer stands for.
    """
    written = [int(one) for one in call.attributes.get("pads") or [0] * 2 * (rank - 2)]
    if len(written) != 2 * (rank - 2):
        raise UnsupportedError(f"its pads have {len(written)} numbers for a plane of {rank - 2} axes")
    if rank == 3:
        return (0, 0), (written[0], written[1])
    return (written[0], written[2]), (written[1], written[3])


def padding_of(call: Call, given: Held, kernel: tuple[int, int]) -> Any:
    """The padding of a convolution or a pool, as a layer has it; None where it is the one that need not be written.

    Raises UnsupportedError for a form that no layer stands for.
    """
    way = call.attributes.get("auto_pad", "NOTSET")
    if way == "VALID":
        return (0, 0)
    if way in ("", "NOTSET"):
        ends = ends_of(call, given.rank)
        if min(min(side) for side in ends) < 0:
            raise UnsupportedError("its padding is negative")
        dilation = pair_of(call, "dilations", given.rank)
        reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        usual = tuple((one // 2, one - one // 2) for one in reach)
        return None if ends == usual else ends  # which a stem need not write
    stride, dilation = pair_of(call, "strides", given.rank), pair_of(call, "dilations", given.rank)
    sides = []
    for size, k, s, d in zip((given.plane.height, given.plane.width), kernel, stride, dilation, strict=True):
        total = max((ceil(size / s) - 1) * s + d * (k - 1) + 1 - size, 0)
        less, more = total // 2, total - total // 2
        sides.append((less, more) if way == "SAME_UPPER" else (more, less))
    return tuple(sides)


def nchw(held: Held) -> Held:
    """The tensor, which must have its channels before its pixels. Raises UnsupportedError."""
    if held.layout == "nchw":
        return held
    raise UnsupportedError(f"it reads a tensor of the shape {held.shape}, not one with channels before its pixels")


def weight_of(net: Translation, call: Call, number: int = 1) -> Array:
    """The constant that a call is given as input `number`, any dtype [...].

    Raises UnsupportedError where it is none.
    """
    weight = net.constant(call, number)
    if weight is None:
        raise UnsupportedError("its weights are not constants")
    return weight


def arrays_of(weight: Array | None, bias: Array | None) -> dict[str, Array]:
    """The weight [kh, kw, C // groups, F] and the bias [F], as far as there are any, by their names in a file.

    They keep their dtype.
    """
    parts = {"weight": weight, "bias": bias}
    return {name: np.ascontiguousarray(part) for name, part in parts.items() if part is not None}


def number_of(call: Call, name: str, usual: float) -> float:
    """An attribute that is a number: the shortest decimal that has its float32, which is how its author wrote it."""
    return float(str(np.float32(call.attributes.get(name, usual))))
