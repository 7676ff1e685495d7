"""Files that a reader of the pages has: photos, and models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np


def photos() -> None:
    """A folder with two small pictures."""
    from PIL import Image

    Path("photos").mkdir(exist_ok=True)
    for seed in (0, 1):
        pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{seed}.png")


def net() -> None:
    """Two convolutions, `c2` and `c3`, on an input whose sides are free."""
    shape = (1, 3, "height", "width")
    _save("net.onnx", [("Conv", ["x", "w3"], "c2", {}), ("Conv", ["c2", "w4"], "c3", {})], shape)


def classifier() -> None:
    """A convolution, a global average and ten logits."""
    nodes = [
        ("Conv", ["x", "w3"], "c", {}),
        ("Relu", ["c"], "relu", {}),
        ("GlobalAveragePool", ["relu"], "mean", {}),
        ("Conv", ["mean", "w10"], "logits", {}),
    ]
    _save("classifier.onnx", nodes, (1, 3, 32, 32))


def _save(path, nodes, shape) -> None:
    import onnx

    from tests.onnx_models import model

    rng = np.random.default_rng(0)
    shapes = {"w3": (4, 3, 3, 3), "w4": (4, 4, 3, 3), "w10": (10, 4, 1, 1)}
    used = {name for _, inputs, _, _ in nodes for name in inputs}
    weights = {name: rng.standard_normal(of).astype(np.float32) for name, of in shapes.items() if name in used}
    onnx.save(model(nodes, shape, weights), path)


FILES: dict[str, Callable[[], None]] = {"photos": photos, "net.onnx": net, "classifier.onnx": classifier}
