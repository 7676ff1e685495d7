"""Activations: their names, and the numbers that some of them take, written `leaky_relu(0.1)`."""

import re
from functools import lru_cache
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

NAMES: tuple[str, ...] = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "gelu_tanh",
    "silu",
    "mish",
    "tanh",
    "sigmoid",
    "softplus",
    "hardswish",
    "hardsigmoid",
    "hardtanh",
    "linear",
)
NUMBERS: dict[str, tuple[float, ...]] = {
    "leaky_relu": (0.01,),
    "elu": (1.0,),
    "hardsigmoid": (1 / 6, 0.5),
    "hardtanh": (-1.0, 1.0),
}
"""What an activation's numbers are where they are not written.

leaky_relu: the slope below zero. elu: alpha. hardsigmoid: a and b of min(max(a x + b, 0), 1). hardtanh: the least and
the largest value.
"""
SMOOTH = frozenset(NAMES) - {"relu", "relu6", "leaky_relu", "hardswish", "hardsigmoid", "hardtanh", "linear"}
"""Made of exponentials: their slopes fall off to numbers that are too small for any type."""
RECTIFIERS = frozenset({"relu", "relu6", "hardtanh"})
"""Their slope is 0 or 1 everywhere."""
LARGEST_NUMBER = 1e6

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?"
PATTERN = rf"(?:{'|'.join(NAMES)})(?:\({_NUMBER}(?:,{_NUMBER})*\))?"
_WRITTEN = re.compile(rf"([a-z_0-9]+)(?:\(({_NUMBER}(?:,{_NUMBER})*)\))?")

Activation: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^{PATTERN}$", description="an activation, such as relu or leaky_relu(0.1)", examples=list(NAMES)
    ),
]
"""An activation as it is written, by its name and, where they are not the usual ones, its numbers."""
DEFAULT_ACTIVATION: Activation = "relu"


class Curve(NamedTuple):
    """An activation: its name, and all of its numbers."""

    name: str
    numbers: tuple[float, ...] = ()


@lru_cache(maxsize=1024)
def curve(activation: Activation) -> Curve:
    """The name and the numbers of an activation as it is written.

    Raises ValueError where there is no activation of this name, or it takes no such numbers.

    >>> curve("leaky_relu"), curve("hardtanh(0,6)")
    (Curve(name='leaky_relu', numbers=(0.01,)), Curve(name='hardtanh', numbers=(0.0, 6.0)))
    """
    match = _WRITTEN.fullmatch(activation)
    if match is None and activation.partition("(")[0] in NUMBERS:
        name = activation.partition("(")[0]
        raise ValueError(f"{activation!r} has no numbers that can be read; write them as in {name}({_usual(name)})")
    if match is None or match[1] not in NAMES:
        raise ValueError(f"there is no activation {activation!r} (choose from {', '.join(NAMES)})")
    name, usual = match[1], NUMBERS.get(match[1], ())
    if match[2] is None:
        return Curve(name, usual)
    numbers = tuple(float(number) for number in match[2].split(","))
    if len(numbers) != len(usual):
        takes = f"{len(usual)} numbers" if len(usual) > 1 else ("one number" if usual else "no numbers")
        raise ValueError(f"{name} takes {takes}, not {match[2]}")
    if any(abs(number) > LARGEST_NUMBER for number in numbers):
        raise ValueError(f"the numbers of {name} are at most {LARGEST_NUMBER:.0f}, not {match[2]}")
    if name == "hardtanh" and not numbers[0] < numbers[1]:
        raise ValueError(f"hardtanh needs its least value before its largest, not {match[2]}")
    return Curve(name, numbers)


@lru_cache(maxsize=1024)
def canonical_activation(activation: str) -> Activation:
    """An activation in the one way to write it: without its numbers where they are the usual ones.

    Raises ValueError as `curve` does.

    >>> canonical_activation("leaky_relu(0.010)"), canonical_activation("elu(0.50)")
    ('leaky_relu', 'elu(0.5)')
    """
    name, numbers = curve(activation)
    if numbers == NUMBERS.get(name, ()):
        return name
    return f"{name}({','.join(shortest(number) for number in numbers)})"


def _usual(name: str) -> str:
    return ",".join(shortest(round(number, 3)) for number in NUMBERS[name])


def shortest(number: float) -> str:
    """The shortest text that is read back as the same number.

    >>> shortest(2.0), shortest(0.1)
    ('2', '0.1')
    """
    return str(int(number)) if number == int(number) else repr(number)
