"""A stem: a stack of layers without weights, as frozen tagged structs.

This is the list form; `pipeline.stem.notation` writes the same in one line. Pairs are (height, width); in data an
integer stands for a square pair. Nothing here knows the input plane: sizes, groups and shortcuts are settled by
`pipeline.stem.network`.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import force_setattr

Activation: TypeAlias = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid", "softplus", "hardswish", "linear"
]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
SMOOTH: frozenset[Activation] = frozenset(ACTIVATIONS) - {"relu", "leaky_relu", "hardswish", "linear"}
"""Made of exponentials: their slopes fall off to numbers that are too small for any type."""
PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
PADDING_MODES: tuple[PaddingMode, ...] = get_args(PaddingMode)

Pair: TypeAlias = tuple[int, int]
if TYPE_CHECKING:
    PairLike: TypeAlias = Pair
else:  # what data may hold; after construction it is always a pair
    PairLike = int | Pair

DEFAULT_FEATURES = 4
DEFAULT_ACTIVATION: Activation = "relu"
MAX_LAYERS = 10_000
MAX_NESTING = 50
MAX_INTEGER = 1_000_000
LEAKY_SLOPE = 0.01


class _Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="layer"):
    """One layer; integers given for pairs become square pairs, and every number is held within its bounds.

    Raises ValueError (which msgspec reports with the path of the field) for a number out of bounds.
    """

    def __post_init__(self) -> None:
        for field, least in (("kernel", 1), ("stride", 1), ("dilation", 1), ("factor", 1), ("padding", 0)):
            value = getattr(self, field, None)
            if isinstance(value, int):
                value = (value, value)
                force_setattr(self, field, value)
            if value is not None:
                for number in value:
                    _check(field, number, least)
        for field in ("features", "groups"):
            number = getattr(self, field, None)
            if number is not None:
                _check(field, number, 1)


def _check(field: str, number: int, least: int) -> None:
    if not least <= number <= MAX_INTEGER:
        raise ValueError(f"{field} must be between {least} and {MAX_INTEGER}, not {number}")


class Conv(_Layer, frozen=True, tag="conv"):
    """Convolution and activation. Padding None is d(k-1) in total: floor of half before, the rest after.

    Activation None, of this and of the other convolutions, is one that is not written: ReLU, but none for the last
    convolution of a residual body.
    """

    kernel: PairLike
    features: int = DEFAULT_FEATURES
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: PairLike | None = None
    groups: int = 1
    padding_mode: PaddingMode = "zeros"
    activation: Activation | None = None


class Depthwise(_Layer, frozen=True, tag="depthwise"):
    """Convolution of each channel by itself. Features None means the input's; else a multiple of them."""

    kernel: PairLike
    features: int | None = None
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: PairLike | None = None
    padding_mode: PaddingMode = "zeros"
    activation: Activation | None = None


class Transposed(_Layer, frozen=True, tag="transposed"):
    """Transposed convolution and activation. Padding None yields n*s; otherwise it is PyTorch's `padding`."""

    kernel: PairLike
    features: int = DEFAULT_FEATURES
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: PairLike | None = None
    groups: int = 1
    activation: Activation | None = None


class MaxPool(_Layer, frozen=True, tag="max"):
    """Max-pooling: pads with -inf, takes the first of ties in row-major order."""

    kernel: PairLike
    stride: PairLike = (1, 1)
    padding: PairLike | None = None


class AvgPool(_Layer, frozen=True, tag="avg"):
    """Average pooling: pads zeros and counts them."""

    kernel: PairLike
    stride: PairLike = (1, 1)
    padding: PairLike | None = None


class Upsample(_Layer, frozen=True, tag="up"):
    """Nearest up-sampling: each pixel becomes a block of `factor` pixels."""

    factor: PairLike


class GlobalAvgPool(_Layer, frozen=True, tag="gap"):
    """Global average pooling to a 1x1 plane."""


class BatchNorm(_Layer, frozen=True, tag="bn"):
    """Batch norm with frozen statistics: an affine map per channel, the identity when untrained."""


class LayerNorm(_Layer, frozen=True, tag="ln"):
    """Layer norm over the channels of each pixel (Ba et al. 2016), eps 1e-5."""


class Activate(_Layer, frozen=True, tag="activation"):
    """An activation on its own."""

    kind: Activation


class Residual(_Layer, frozen=True, tag="res"):
    """act(F(x) + shortcut(x)) (He et al. 2016); the last convolution of F has no ReLU by default."""

    stem: "tuple[Layer, ...]"
    activation: Activation = "relu"


class PreResidual(_Layer, frozen=True, tag="res_pre"):
    """F(x) + shortcut(x), bare (He et al. 2016b); the last convolution of F has no ReLU by default."""

    stem: "tuple[Layer, ...]"


Convolution: TypeAlias = Conv | Depthwise | Transposed
Group: TypeAlias = Residual | PreResidual
Layer: TypeAlias = (
    Conv
    | Depthwise
    | Transposed
    | MaxPool
    | AvgPool
    | Upsample
    | GlobalAvgPool
    | BatchNorm
    | LayerNorm
    | Activate
    | Residual
    | PreResidual
)
Stem: TypeAlias = tuple[Layer, ...]


def count_layers(stem: Stem) -> int:
    """Number of layers of a stem, those inside residual groups included and the groups themselves too."""
    total = 0
    pending = [stem]
    while pending:
        for layer in pending.pop():
            total += 1
            if isinstance(layer, Group):
                pending.append(layer.stem)
    return total


def uniform_layer(stem: Stem) -> Conv | None:
    """The one convolution that a plain stack repeats, or None where the stem is not a plain stack."""
    first = stem[0]
    if isinstance(first, Conv) and all(layer is first or layer == first for layer in stem):
        return first
    return None


def last_convolution(stem: Stem) -> int | None:
    """Position of the last layer that is a convolution or a group that holds one; None where there is none.

    If it is a convolution, that is the one which has no ReLU by default in a residual body; a group has its own.
    """
    return next((position for position in reversed(range(len(stem))) if _convolves(stem[position])), None)


def _convolves(layer: Layer) -> bool:
    return isinstance(layer, Convolution) or (isinstance(layer, Group) and any(map(_convolves, layer.stem)))
