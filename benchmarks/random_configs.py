"""Random configs of every kind of layer and of all sizes: what their cost is expected to be is held against them."""

import random
from typing import Any

from pipeline.config import Config
from pipeline.errors import InputError
from pipeline.sweep.build import build

ACTIVATIONS = ("relu", "linear", "gelu", "tanh", "leaky_relu", "silu", "sigmoid")
SIDES = (1, 3, 3, 3, 5, 7, 9, 13, 21, 31, 51, 101, 201)
FEATURES = (1, 2, 4, 4, 8, 16, 16, 32, 64, 128, 256)
PLANES = (21, 33, 64, 101, 224, 300, 500)


def random_config(seed: int) -> Config:
    """The config of a seed: one to six blocks on a plane of up to 500 x 500, with up to 256 probes."""
    drawn = random.Random(seed)
    while True:
        channels = drawn.choice((1, 1, 3, 3, 8))
        plane = f"{drawn.choice(PLANES)}x{drawn.choice(PLANES)}x{channels}"
        blocks = []
        for _ in range(drawn.choice((1, 1, 2, 2, 3, 4, 6))):
            block, channels = _block(drawn, channels)
            if drawn.random() < 0.2 and block[0].isdigit() and "/" not in block:
                block = f"{drawn.choice((2, 3, 5))}x{block}"
            blocks.append(block)
        fields: dict[str, Any] = {
            "stem": " ".join(blocks),
            "input": plane,
            "probes": {"count": drawn.choice((1, 2, 4, 8, 16, 16, 64, 256))},
            "readout": {"channel": drawn.choice((0, 0, "sum"))},
            "dtype": drawn.choice(("float32", "float32", "float32", "float32", "float64")),
        }
        try:
            return build(fields)
        except InputError:  # some layer does not fit what came before
            continue


def _block(drawn: random.Random, channels: int) -> tuple[str, int]:
    """(one block of notation, the channels that it makes)."""
    width, features, kind = drawn.choice(SIDES), drawn.choice(FEATURES), drawn.random()
    height = width if drawn.random() < 0.75 else drawn.choice((1, 3, 5, width))
    window = f"{min(height, 9)}x{min(width, 9)}/{drawn.choice((1, 2, 2, 3))}"
    activation = f"={drawn.choice(ACTIVATIONS)}" if drawn.random() < 0.5 else ""
    modifiers = "".join(
        f"{sign}{drawn.choice(values)}"
        for sign, values, share in (("/", (2, 2, 3, 4), 0.2), ("@", (2, 3, 4, 7), 0.2), ("p", (0, 1, 3), 0.1))
        if drawn.random() < share
    )
    if kind < 0.55:
        groups = next((f"g{g}" for g in (4, 2) if channels % g == features % g == 0 and drawn.random() < 0.15), "")
        mode = f"~{drawn.choice(('reflect', 'replicate', 'circular'))}" if drawn.random() < 0.1 else ""
        return f"{height}x{width}{modifiers}:{features}{groups}{mode}{activation}", features
    if kind < 0.67:
        return f"dw{height}x{width}{modifiers}{activation}", channels
    if kind < 0.75:
        return f"t{min(height, 13)}x{min(width, 13)}{modifiers}:{features}{activation}", features
    if kind < 0.86:
        return f"{'max' if kind < 0.82 else 'avg'}{window}", channels
    if kind < 0.93:
        plain = "up2", "up2", "bn", "ln", drawn.choice(ACTIVATIONS), "gap"
        return drawn.choice((*plain, *_LAYERS)).replace("C", str(channels)), channels
    return _group(drawn, channels)


_LAYERS = (
    *("bilinear2", "bilinear3~corners", "adaptive7", "max3x3@2", "avg3x3/2~ceil~nopad", "pad2~reflect", "crop1"),
    *("affine", "gnC", "in", "lrn5", "prelu", "relu6", "channelshuffleC"),
)
"""Other layers, with C for their channels."""


def _group(drawn: random.Random, channels: int) -> tuple[str, int]:
    """(one group of branches, the channels that it makes)."""
    body = f"{drawn.choice((1, 2))}x3x3:{channels}"
    match drawn.choice(("res", "res_pre", "add", "cat", "cat", "mul")):
        case "add":
            return f"add(|{body}|5x5:{channels})", channels
        case "cat":
            features = drawn.choice(FEATURES)
            return f"cat(|{body}|max3x3 1x1:{features})", 2 * channels + features
        case "mul":
            return f"mul(|gap 1x1:4 1x1:{channels}=sigmoid)", channels
        case word:
            return f"{word}({body})", channels
