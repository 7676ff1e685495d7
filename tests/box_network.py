"""A network of one channel whose kernels are all ones: what each input pixel sends to each output unit.

Written forwards and on whole planes, so that it shares nothing with the walks back that it is held against.
"""

from collections.abc import Callable

import numpy as np

from pipeline.stem import Axis, GlobalAvgPool, Group, Network, Node, Transposed, Upsample

_PAD_MODE = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def responses(nodes: Network, gain: Callable[[Node], float] = lambda node: 1.0) -> np.ndarray:
    """float64 [made height, made width, height, width]: output of every unit for a 1 at every input pixel.

    `gain` multiplies what a layer makes.
    """
    plane = nodes[0].input
    pixels = np.eye(plane.height * plane.width).reshape(-1, plane.height, plane.width)
    made = _stack(nodes, pixels, gain)
    return np.moveaxis(made, 0, -1).reshape(*made.shape[1:], plane.height, plane.width)


def _stack(nodes: Network, x: np.ndarray, gain: Callable[[Node], float]) -> np.ndarray:
    for node in nodes:
        x = gain(node) * _made(node, x, gain)
        assert x.shape[1:] == (node.output.height, node.output.width)
    return x


def _made(node: Node, x: np.ndarray, gain: Callable[[Node], float]) -> np.ndarray:
    if isinstance(node.layer, Group):
        return _stack(node.body, x, gain) + (x if node.shortcut is None else _stack((node.shortcut,), x, gain))
    if isinstance(node.layer, GlobalAvgPool):
        return x.sum(axis=(1, 2), keepdims=True)
    for axis, line in ((1, node.y), (2, node.x)):
        x = np.moveaxis(x, axis, -1)
        if isinstance(node.layer, Upsample):
            x = np.repeat(x, line.stride, axis=-1)
        elif isinstance(node.layer, Transposed):
            x = _scattered(x, line)
        else:
            x = _gathered(x, line, _PAD_MODE[node.padding_mode])
        x = np.moveaxis(x, -1, axis)
    return x


def _gathered(x: np.ndarray, line: Axis, mode: str) -> np.ndarray:
    padded = np.pad(x, ((0, 0), (0, 0), (line.before, line.after)), mode=mode)
    made = np.zeros((*x.shape[:-1], line.size_out))
    for unit in range(line.size_out):
        for tap in range(line.kernel):
            made[..., unit] += padded[..., unit * line.stride + tap * line.dilation]
    return made


def _scattered(x: np.ndarray, line: Axis) -> np.ndarray:
    full = np.zeros((*x.shape[:-1], (line.size_in - 1) * line.stride + (line.kernel - 1) * line.dilation + 1))
    for pixel in range(line.size_in):
        for tap in range(line.kernel):
            full[..., pixel * line.stride + tap * line.dilation] += x[..., pixel]
    cropped = full[..., line.before : full.shape[-1] - max(line.after, 0)]
    return np.concatenate([cropped, np.zeros((*x.shape[:-1], max(-line.after, 0)))], axis=-1)
