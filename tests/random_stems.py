"""Random stems, by the thousand, that are rich in transposed convolutions, gaps and units that see nothing."""

import random
from collections.abc import Iterator

from pipeline.errors import InputError
from pipeline.stem import Network, Plane, network

_LARGEST_SIDE = 40
"""Of the planes between the layers, so that brute force stays quick."""


def random_networks(seed: int, count: int, *, modes: tuple[str, ...] = ("",)) -> Iterator[tuple[str, Network]]:
    """Stems in the notation with their networks on planes of 1 to 9 pixels a side, the same ones for the same seed."""
    draw = random.Random(seed)
    while count:
        stem = " ".join(_block(draw, modes, nested=True) for _ in range(draw.randint(1, 4)))
        plane = Plane(draw.randint(1, 9), draw.randint(1, 9))
        try:
            nodes = network(stem, plane)
        except InputError:
            continue
        if max(nodes[-1].output.height, nodes[-1].output.width) <= _LARGEST_SIDE:
            count -= 1
            yield stem, nodes


def _block(draw: random.Random, modes: tuple[str, ...], *, nested: bool) -> str:
    kinds = ["conv"] * 3 + ["t"] * 4 + ["up", "max", "gap", "relu"] + ["res"] * 2 * nested
    match draw.choice(kinds):
        case "conv":
            return f"{_pair(draw, 1, 4)}/{_pair(draw, 1, 3)}@{_pair(draw, 1, 3)}{_padding(draw)}{draw.choice(modes)}:1"
        case "t":
            return f"t{_pair(draw, 1, 3)}/{_pair(draw, 1, 4)}@{_pair(draw, 1, 4)}{_padding(draw)}:1"
        case "max":
            return f"max{_pair(draw, 1, 3)}/{_pair(draw, 1, 2)}"
        case "up":
            return f"up{_pair(draw, 1, 3)}"
        case "res":
            if draw.random() < 0.5:  # keeps its plane
                stride = _pair(draw, 1, 3)
                return f"res(3x3/{stride}:1 t{_pair(draw, 1, 3)}/{stride}@{_pair(draw, 1, 4)}:1)"
            return f"res({' '.join(_block(draw, modes, nested=False) for _ in range(draw.randint(1, 2)))})"
        case word:
            return word


def _pair(draw: random.Random, least: int, most: int) -> str:
    return f"{draw.randint(least, most)}x{draw.randint(least, most)}"


def _padding(draw: random.Random) -> str:
    return draw.choice(["", "", f"p{_pair(draw, 0, 2)}"])
