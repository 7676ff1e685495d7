"""Random graphs of all layers, joins, marks and paddings, by the hundred, for what is held against brute force."""

import random
from collections.abc import Iterator

from pipeline.errors import InputError
from pipeline.stem import Network, Plane, Stem, network
from pipeline.stem.layers import (
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Branch,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    From,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Pad,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
)
from pipeline.stem.notation import format_stem

_LARGEST_SIDE = 20
"""Of the planes between the layers, so that brute force stays quick."""
_MOST_CHANNELS = 12

_KEEPING = (
    "conv",
    "dw",
    "shuffle",
    "lrn",
    "ln",
    "affine",
    "prelu",
    "act",
    "bn",
    "max",
    "gn",
    "in",
    "mul",
    "res",
    "slices",
)
_OTHERS = ("strided", "same", "t", "up", "bilinear", "adaptive", "gap", "pad", "crop", "pool", "slice", "branches")


def random_graphs(seed: int, count: int, *, without: frozenset[str] = frozenset()) -> Iterator[tuple[Stem, Network]]:
    """Stems with their networks on planes of 1 to 9 pixels a side, the same ones for the same seed.

    without: kinds of layers that are left out, as `_KEEPING` and `_OTHERS` name them.
    """
    draw = random.Random(seed)
    while count:
        drawn, plane = _Drawn(draw, without), _plane(draw)
        stem: Stem = ()
        nodes = None
        for _ in range(draw.randint(2, 6)):
            longer = stem + drawn.stem(1)
            found = _fitting(longer, plane)
            stem, nodes = (longer, found) if found else (stem, nodes)
        if nodes:
            count -= 1
            yield stem, nodes


def _fitting(stem: Stem, plane: Plane) -> Network | None:
    """The network of a stem on a plane; None where it does not fit, or is too large."""
    try:
        nodes = network(format_stem(stem), plane)
    except InputError:
        return None
    sides = max(max(node.output.height, node.output.width) for node in nodes)
    return nodes if sides <= _LARGEST_SIDE and max(node.output.channels for node in nodes) <= _MOST_CHANNELS else None


def _plane(draw: random.Random) -> Plane:
    return Plane(draw.randint(1, 9), draw.randint(1, 9), draw.choice((1, 2, 4)))


class _Drawn:
    """Draws the layers of one stem, and keeps the marks that it has set."""

    def __init__(self, draw: random.Random, without: frozenset[str]) -> None:
        self.draw = draw
        self.without = without
        self.marks: list[str] = []

    def stem(self, count: int, depth: int = 0) -> Stem:
        layers: list[Layer] = []
        for _ in range(count):
            kinds = _KEEPING if depth else (*_KEEPING, *_OTHERS, *_OTHERS)
            layers.extend(self.layers(self.draw.choice([kind for kind in kinds if kind not in self.without]), depth))
        return tuple(layers)

    def layers(self, kind: str, depth: int) -> tuple[Layer, ...]:
        draw, pair = self.draw, self.pair
        mode = draw.choice(("zeros", "zeros", "reflect", "replicate", "circular"))
        match kind:
            case "conv":
                groups = draw.choice((1, 1, 2, 4))
                kernel = draw.choice((1, 2, 3))
                return (Conv((kernel, draw.choice((1, 3))), 4, groups=groups, padding_mode=mode, mark=self.mark()),)
            case "dw":
                return (Depthwise((3, 3), dilation=pair(1, 2), padding_mode=mode),)
            case "strided":
                margin = (draw.randint(0, 2), draw.randint(0, 2))
                return (
                    Conv(pair(1, 4), 4, stride=pair(1, 3), dilation=pair(1, 2), padding=(margin, draw.randint(0, 2))),
                )
            case "same":
                return (draw.choice((Conv, MaxPool))(pair(1, 4), stride=pair(1, 3), padding="same"),)
            case "max":
                return (MaxPool((3, 3), dilation=pair(1, 2)),)
            case "pool":
                return (draw.choice((MaxPool, AvgPool))(pair(1, 3), stride=pair(1, 3), ceil=draw.random() < 0.7),)
            case "t":
                stride = pair(1, 3)
                more = (draw.randrange(stride[0]), draw.randrange(stride[1]))
                groups = draw.choice((1, 2))
                return (
                    Transposed(
                        pair(1, 3),
                        4,
                        stride=stride,
                        dilation=pair(1, 2),
                        padding=(1, 0),
                        output_padding=more,
                        groups=groups,
                    ),
                )
            case "up":
                return (Upsample(pair(1, 3)),)
            case "bilinear":
                return (Bilinear(pair(1, 3), corners=draw.random() < 0.5),)
            case "adaptive":
                return (AdaptiveAvgPool(pair(1, 5)),)
            case "gap":
                return (GlobalAvgPool(),)
            case "pad":
                return (Pad(((draw.randint(0, 2), draw.randint(0, 2)), 1), padding_mode=mode),)
            case "crop":
                return (Crop(((draw.randint(0, 1), draw.randint(0, 2)), 1), stride=pair(1, 2)),)
            case "slice":
                return (Slice(draw.randint(0, 1), draw.randint(2, 4)),)
            case "slices":  # as ShuffleNet v2 has them
                return (Cat(((Slice(0, 2),), (Slice(2, 4), Depthwise((3, 3))))), ChannelShuffle(2))
            case "shuffle":
                return (ChannelShuffle(draw.choice((1, 2))),)
            case "lrn":
                return (LocalResponseNorm(draw.randint(1, 4)),)
            case "gn":
                return (GroupNorm(draw.choice((1, 2))),)
            case "mul":  # squeeze and excitation
                return (Mul(((), (GlobalAvgPool(), Conv((1, 1), draw.choice((1, 4)))))),)
            case "res":
                return (
                    (draw.choice((Residual, PreResidual))(self.stem(draw.randint(1, 2), depth + 1)),)
                    if depth < 2
                    else ()
                )
            case "branches":
                join = draw.choice((Add, Cat, Cat, Mul))
                return (join(tuple(self.branch(depth) for _ in range(draw.randint(1, 3))), mark=self.mark()),)
        return (
            {"ln": LayerNorm(), "affine": Affine(), "prelu": PReLU(), "bn": BatchNorm(), "in": InstanceNorm()}.get(kind)
            or Activate("relu"),
        )

    def branch(self, depth: int) -> Branch:
        stem = self.stem(self.draw.randint(0, 2), depth + 1)
        return From(self.draw.choice(self.marks), stem) if self.marks and self.draw.random() < 0.3 else stem

    def mark(self) -> str | None:
        if self.draw.random() < 0.7:
            return None
        self.marks.append(f"m{len(self.marks)}")
        return self.marks[-1]

    def pair(self, least: int, most: int) -> tuple[int, int]:
        return self.draw.randint(least, most), self.draw.randint(least, most)
