"""What a network takes: weights and multiply-adds, counted over its layers.

    convolution   kh*kw * C/groups * F  weights, and as many multiply-adds for each pixel that it makes
    transposed    kh*kw * C/groups * F  weights, and as many multiply-adds for each pixel that it is given

Padding counts like any other pixel, and what a transposed convolution crops as well, as the usual counters have it. The
projection of a residual group is a convolution like others. All other layers take no multiply-adds here, and what
norms, affine layers and PReLU scale by is no weight: untrained, it is a constant.
"""

from functools import lru_cache
from math import prod

from pipeline.limits import MAX_INT64
from pipeline.result import Costs
from pipeline.stem import Convolution, Node, Plane, Transposed, network


@lru_cache(maxsize=4096)
def costs(stem: str, plane: Plane, layer: int | None = None) -> Costs:
    """The weights and the multiply-adds of a stem (in the notation) on an input plane; None beyond 64 bits.

    Raises InputError where the stem does not fit the plane.

    >>> costs("3x3 3x3", Plane(21, 21))
    Costs(params=180, macs=79380)
    """
    nodes = [node for node in network(stem, plane, layer) if isinstance(node.layer, Convolution)]
    return Costs(
        _in_64_bits(sum(prod(node.weight_shape) for node in nodes)),
        _in_64_bits(sum(prod(node.weight_shape) * _pixels(node) for node in nodes)),
    )


def _pixels(node: Node) -> int:
    plane = node.input if isinstance(node.layer, Transposed) else node.output
    return plane.height * plane.width


def _in_64_bits(number: int) -> int | None:
    return number if number <= MAX_INT64 else None
