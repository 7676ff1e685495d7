"""Which taps of a kernel can matter: those that touch the plane for at least one of the units in question.

A kernel may span far more than its plane (kernel and dilation go up to a million each); whoever walks back through it
sizes its arrays by these ranges, never by the kernel.
"""

from pipeline.stem.network import Axis


def read_taps(axis: Axis, first: int, last: int, lowest: int, highest: int) -> range:
    """Taps i of a convolution or pool with lowest <= o*s - before + i*d <= highest for some o in [first, last]."""
    least = -((last * axis.stride - axis.before - lowest) // axis.dilation)
    most = (highest + axis.before - first * axis.stride) // axis.dilation
    return range(max(least, 0), max(min(most, axis.kernel - 1) + 1, 0))


def feeding_taps(axis: Axis, first: int, last: int) -> range:
    """Taps i of a transposed convolution with n*s - before + i*d in [first, last] for some input n of the plane."""
    least = -(((axis.size_in - 1) * axis.stride - axis.before - first) // axis.dilation)
    most = (last + axis.before) // axis.dilation
    return range(max(least, 0), max(min(most, axis.kernel - 1) + 1, 0))
