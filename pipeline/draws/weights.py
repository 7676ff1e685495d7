"""Weights: what a stem's layers are filled with, and the parameters that a trained stem brings along."""

from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config import Config, Init
from pipeline.draws.files import check_range, weight_file
from pipeline.draws.streams import Role, Streams, original_draws
from pipeline.errors import InputError, quote
from pipeline.ops.parameters import Parameters
from pipeline.stem import (
    Affine,
    BatchNorm,
    Convolution,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Network,
    Node,
    Plane,
    PReLU,
    Transposed,
    network,
)


def draw_weights(config: Config) -> dict[int, Parameters]:
    """The parameters of every layer that has any, by the layer's index.

    Kinds (fan_in: weights into one output unit, fan_out: out of one input unit, both at stride 1; biases are zero).
    All but files are float32 numbers, whatever the precision of the kernel:

    - lecun_uniform U(-1, 1) sqrt(3 / fan_in) and lecun_normal N(0, 1 / fan_in): LeCun et al. 1998, Efficient BackProp.
    - he_uniform U(-1, 1) sqrt(6 / fan_in) and he_normal N(0, 2 / fan_in): He et al. 2015, arXiv 1502.01852.
    - glorot_uniform U(-1, 1) sqrt(6 / (fan_in + fan_out)) and glorot_normal: Glorot and Bengio 2010.
    - normal: N(0, 1). orthogonal: Saxe et al. 2013, arXiv 1312.6120; the kernel as a matrix of features times fan_in.
    - uniform_kernel: every weight 1 / fan_in.
    - neural_api: the original's stream, drawn last layer to first.
    - file: an .npz of `layer0.weight`, ... as the theory table numbers the layers.

    Raises InputError where a file does not match the stem.
    """
    init = config.init
    if init.kind == "file":
        return _from_file(init, network(config.stem, config.input), config.dtype)
    if init.kind == "neural_api":
        return _original(init, config.network)
    streams = Streams(init.seed, Role.WEIGHTS)
    return {
        filled.layer: Parameters(_draw(init, filled, streams))
        for filled in _filled(config.stem, config.input, config.layer)
    }


class _Filled(NamedTuple):
    """A layer with weights: its index, their shape, and how many feed and leave one unit."""

    layer: int
    shape: tuple[int, int, int, int]
    fan_in: int
    fan_out: int


@lru_cache(maxsize=1024)
def _filled(stem: str, plane: Plane, layer: int | None) -> tuple[_Filled, ...]:
    found = []
    for node in network(stem, plane, layer):
        if isinstance(node.layer, Convolution):
            shape = node.weight_shape
            fan_out = shape[0] * shape[1] * shape[3] // node.groups
            found.append(_Filled(node.index, shape, node.fan_in, fan_out))
    return tuple(found)


def _draw(init: Init, filled: _Filled, streams: Streams) -> npt.NDArray[np.float32]:
    layer, shape, fan_in, fan_out = filled
    kind = init.kind
    if kind == "uniform_kernel":
        return np.full(shape, 1 / fan_in, np.float32)
    stream = streams.at(layer)
    if kind == "orthogonal":
        return _orthogonal(stream, shape)
    deviation = _deviation(kind, fan_in, fan_out)
    if kind.endswith("_uniform"):
        drawn = stream.random(shape, np.float32)
        drawn *= _TWO
        drawn -= _ONE
    else:
        drawn = stream.standard_normal(shape, np.float32)
    drawn *= deviation
    return drawn


_ONE, _TWO = np.float32(1), np.float32(2)


@lru_cache(maxsize=1024)
def _deviation(kind: str, fan_in: int, fan_out: int) -> np.float32:
    """What a draw from U(-1, 1) or N(0, 1) is multiplied by."""
    scheme, _, law = kind.partition("_")
    variance = {"lecun": 1 / fan_in, "he": 2 / fan_in, "glorot": 2 / (fan_in + fan_out), "normal": 1.0}[scheme]
    return np.float32(sqrt(3 * variance if law == "uniform" else variance))


def _orthogonal(stream: np.random.Generator, shape: tuple[int, int, int, int]) -> npt.NDArray[np.float32]:
    """Orthonormal rows or columns, whichever are fewer: Q of a Gaussian matrix, with the signs of R's diagonal."""
    features, fan_in = shape[3], shape[0] * shape[1] * shape[2]
    gaussian = stream.standard_normal((max(features, fan_in), min(features, fan_in)))
    q, r = np.linalg.qr(gaussian)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    matrix = q if features > fan_in else q.T  # [features, fan_in]
    return np.ascontiguousarray(matrix.T, np.float32).reshape(shape)


def _original(init: Init, nodes: Network) -> dict[int, Parameters]:
    """One draw is (((u32 * 10000) >> 32) - 5000) / 5000, times float32(sqrt(3 / fan_in)).

    Layers are drawn last to first; within a layer: output feature, then y, then x, then input channel.
    """
    convolutions = [node for node in reversed(nodes) if isinstance(node.layer, Convolution)]
    shapes = [node.weight_shape for node in convolutions]
    draws = original_draws(init.seed, init.offset or 0, sum(int(np.prod(shape)) for shape in shapes))
    integers = ((draws * np.uint64(10000)) >> np.uint64(32)).astype(np.int64) - 5000
    values = integers.astype(np.float32) / np.float32(5000)
    found = {}
    for node, (height, width, inputs, features) in zip(convolutions, shapes, strict=True):
        count = height * width * inputs * features
        drawn = values[:count].reshape(features, height, width, inputs) * np.float32(sqrt(3 / node.fan_in))
        values = values[count:]
        found[node.index] = Parameters(np.ascontiguousarray(drawn.transpose(1, 2, 3, 0)))
    return found


def _from_file(init: Init, nodes: Network, dtype: str) -> dict[int, Parameters]:
    arrays, where = dict(weight_file(init)), quote(init.path)
    found = {}
    for node in nodes:
        parts = {}
        for part, shape in _file_shapes(node).items():
            name = f"layer{node.index}.{_FILE_NAMES.get(part, part)}"
            array = arrays.pop(name, None)
            if array is not None and array.shape != shape:
                raise InputError(f"{name} in {where} has shape {array.shape}, the stem needs {_described(shape, node)}")
            if array is None and part == "weight" and isinstance(node.layer, Convolution):
                raise InputError(f"{where} lacks {name}; the stem needs it with shape {_described(shape, node)}")
            if array is not None:
                check_range(array, dtype, f"{name} in {where}")
                parts[part] = array
        if parts:
            found[node.index] = Parameters(**parts)
    if arrays:
        first = quote(min(arrays))
        raise InputError(f"{first} in {where} belongs to no layer of the stem; `erfsweep theory` numbers the layers")
    return found


_FILE_NAMES = {"mean": "running_mean", "var": "running_var"}


def _file_shapes(node: Node) -> dict[str, tuple[int, ...]]:
    channels = (node.output.channels,)
    if isinstance(node.layer, Convolution):
        return {"weight": node.weight_shape, "bias": channels}
    if isinstance(node.layer, BatchNorm):
        return {"weight": channels, "bias": channels, "mean": channels, "var": channels}
    if isinstance(node.layer, Affine | LayerNorm | GroupNorm | InstanceNorm):
        return {"weight": channels, "bias": channels}
    if isinstance(node.layer, PReLU):
        return {"weight": channels}
    return {}


def _described(shape: tuple[int, ...], node: Node) -> str:
    if len(shape) == 1:
        return str(shape)
    axes = "2, 3, 0, 1" if isinstance(node.layer, Transposed) else "2, 3, 1, 0"
    return f"{shape} (height, width, input channels of a group, features: PyTorch's transposed by {axes})"
