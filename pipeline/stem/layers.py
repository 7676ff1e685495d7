"""A stem: a stack of layers without weights, as frozen tagged structs.

This is the list form; `pipeline.stem.notation` writes the same in one line. Pairs are (height, width); in data an
integer stands for a square pair. Nothing here knows the input plane: sizes, groups and shortcuts are settled by
`pipeline.stem.network`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec.structs import force_setattr

from pipeline.stem.activations import LARGEST_NUMBER, Activation, canonical_activation

PaddingMode: TypeAlias = Literal["zeros", "reflect", "replicate", "circular"]
PADDING_MODES: tuple[PaddingMode, ...] = get_args(PaddingMode)

Pair: TypeAlias = tuple[int, int]
if TYPE_CHECKING:
    PairLike: TypeAlias = Pair
else:  # what data may hold; after construction it is always a pair
    PairLike = int | Pair
Margin: TypeAlias = int | Pair
"""How far padding goes along one axis: one number for both ends, or (before, after) where these differ."""
Margins: TypeAlias = tuple[Margin, Margin]
"""The padding of both axes, y then x."""
if TYPE_CHECKING:
    MarginsLike: TypeAlias = Margins
else:
    MarginsLike = int | Margins
SAME: Literal["same"] = "same"
"""Padding as TensorFlow and Keras have it: ceil(size / stride) outputs, the odd pixel of padding behind."""

DEFAULT_FEATURES = 4
MAX_LAYERS = 10_000
MAX_NESTING = 50
MAX_INTEGER = 1_000_000
LEAST_NUMBER = 1e-12
"""Of the numbers of norms: none may be zero."""
EPSILON = 1e-5
MARK_PATTERN = "[A-Za-z_/][A-Za-z_0-9./:-]{0,199}"
"""Names of tensors in trained networks have slashes, dots and colons."""
Mark: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=f"^{MARK_PATTERN}$", description="a name that begins with a letter, such as c3")
]


class _Layer(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="layer", kw_only=True
):
    """One layer; integers given for pairs become square pairs, and every number is held within its bounds.

    mark: a name for what the layer makes, by which a later branch, or a readout, can take it up.
    Raises ValueError (which msgspec reports with the path of the field) for a number out of bounds.
    """

    mark: Mark | None = None

    def __post_init__(self) -> None:
        for field, settle in _settling(type(self)):
            value = getattr(self, field)
            if value is not None:
                settled = settle(field, value)
                if settled is not value:
                    force_setattr(self, field, settled)


@lru_cache(maxsize=64)
def _settling(kind: type[_Layer]) -> tuple[tuple[str, Callable[[str, Any], Any]], ...]:
    """The fields of a kind of layer that are checked, each with what settles its value."""
    return tuple((field, _SETTLED[field]) for field in kind.__struct_fields__ if field in _SETTLED)


def _sides(field: str, value: int | Pair) -> Pair:
    return _pair(field, value, 1)


def _extra(field: str, value: int | Pair) -> Pair:
    return _pair(field, value, 0)


def _pair(field: str, value: int | Pair, least: int) -> Pair:
    pair = (value, value) if isinstance(value, int) else value
    for number in pair:
        _check(field, number, least)
    return pair


def _count(field: str, value: int) -> int:
    _check(field, value, 1)
    return value


def _ends(field: str, value: int | Margins | Literal["same"]) -> Margins | Literal["same"]:
    return value if value == SAME else _margins(field, value)


def _number(field: str, value: float) -> float:
    if not LEAST_NUMBER <= value <= LARGEST_NUMBER:
        raise ValueError(f"{field} must be between {LEAST_NUMBER} and {LARGEST_NUMBER:.0f}, not {value}")
    return value


def _activation(field: str, value: str) -> Activation:
    return canonical_activation(value)


_SETTLED: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("kernel", "stride", "dilation", "factor", "size"), _sides),
    "output_padding": _extra,
    **dict.fromkeys(("features", "groups", "channels"), _count),
    **dict.fromkeys(("padding", "margin"), _ends),
    **dict.fromkeys(("epsilon", "alpha", "beta", "k"), _number),
    **dict.fromkeys(("activation", "kind"), _activation),
}


def _margins(field: str, value: int | Margins) -> Margins:
    """Both axes, each as one number where its ends are alike."""
    y, x = (value, value) if isinstance(value, int) else value
    for side in (y, x):
        for number in (side,) if isinstance(side, int) else side:
            _check(field, number, 0)
    return _margin(y), _margin(x)


def _margin(side: Margin) -> Margin:
    return side if isinstance(side, int) or side[0] != side[1] else side[0]


def ends(side: Margin) -> Pair:
    """(before, after) of the padding along one axis."""
    return (side, side) if isinstance(side, int) else side


def _check(field: str, number: int, least: int) -> None:
    if not least <= number <= MAX_INTEGER:
        raise ValueError(f"{field} must be between {least} and {MAX_INTEGER}, not {number}")


class Conv(_Layer, frozen=True, tag="conv", kw_only=False):
    """Convolution and activation. Padding None is d(k-1) in total: floor of half before, the rest after.

    Activation None, of this and of the other convolutions, is one that is not written: ReLU, but none for the last
    convolution of a branch of a sum.
    """

    kernel: PairLike
    features: int = DEFAULT_FEATURES
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: MarginsLike | Literal["same"] | None = None
    groups: int = 1
    padding_mode: PaddingMode = "zeros"
    activation: Activation | None = None


class Depthwise(_Layer, frozen=True, tag="depthwise", kw_only=False):
    """Convolution of each channel by itself. Features None means the input's; else a multiple of them."""

    kernel: PairLike
    features: int | None = None
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: MarginsLike | Literal["same"] | None = None
    padding_mode: PaddingMode = "zeros"
    activation: Activation | None = None


class Transposed(_Layer, frozen=True, tag="transposed", kw_only=False):
    """Transposed convolution and activation. Padding None yields n*s, as TensorFlow's SAME does.

    Otherwise padding is PyTorch's `padding`, what is cropped from the ends, and `output_padding` is PyTorch's, too: so
    many pixels more are made behind, less than the stride or the dilation.
    """

    kernel: PairLike
    features: int = DEFAULT_FEATURES
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: MarginsLike | None = None
    output_padding: PairLike = (0, 0)
    groups: int = 1
    activation: Activation | None = None


class MaxPool(_Layer, frozen=True, tag="max", kw_only=False):
    """Max-pooling: pads with -inf, takes the first of ties in row-major order.

    ceil: a last window that is cut off by the plane's end counts, if it starts inside the plane or its padding before
    (PyTorch's `ceil_mode`).
    """

    kernel: PairLike
    stride: PairLike = (1, 1)
    dilation: PairLike = (1, 1)
    padding: MarginsLike | Literal["same"] | None = None
    ceil: bool = False


class AvgPool(_Layer, frozen=True, tag="avg", kw_only=False):
    """Average pooling: pads zeros and counts them, unless `count_padding` is false.

    What `ceil` adds beyond the padding is never counted (PyTorch's `ceil_mode`; see MaxPool). Padding "same" is not
    counted either, as in TensorFlow.
    """

    kernel: PairLike
    stride: PairLike = (1, 1)
    padding: MarginsLike | Literal["same"] | None = None
    ceil: bool = False
    count_padding: bool = True


class Upsample(_Layer, frozen=True, tag="up", kw_only=False):
    """Nearest up-sampling: each pixel becomes a block of `factor` pixels."""

    factor: PairLike


class Bilinear(_Layer, frozen=True, tag="bilinear", kw_only=False):
    """Bilinear up-sampling by a whole factor.

    Output o stands at input (o + 1/2) / factor - 1/2, and beyond the border at its last pixel (PyTorch's
    `align_corners=False`); with `corners` at o (size - 1) / (factor size - 1) (`align_corners=True`).
    """

    factor: PairLike
    corners: bool = False


class AdaptiveAvgPool(_Layer, frozen=True, tag="adaptive", kw_only=False):
    """Average pooling to a plane of a given size: output o is the mean of floor(o n / size) to ceil((o + 1) n / size).

    The end is not included (PyTorch's AdaptiveAvgPool2d); n is the input's size.
    """

    size: PairLike


class GlobalAvgPool(_Layer, frozen=True, tag="gap"):
    """Global average pooling to a 1x1 plane."""


class Pad(_Layer, frozen=True, tag="pad", kw_only=False):
    """Padding as a layer of its own."""

    padding: MarginsLike
    padding_mode: PaddingMode = "zeros"


class Crop(_Layer, frozen=True, tag="crop", kw_only=False):
    """Takes `margin` pixels away from the ends, then keeps every `stride`-th pixel, beginning with the first."""

    margin: MarginsLike
    stride: PairLike = (1, 1)


class Slice(_Layer, frozen=True, tag="slice", kw_only=False):
    """Keeps the channels from `first` to `stop`, the end not included."""

    first: int
    stop: int

    def __post_init__(self) -> None:
        super().__post_init__()
        _check("first", self.first, 0)
        _check("stop", self.stop, self.first + 1)


class ChannelShuffle(_Layer, frozen=True, tag="channel_shuffle", kw_only=False):
    """Channel i * (C / groups) + j becomes channel j * groups + i (Zhang et al. 2018, ShuffleNet)."""

    groups: int


class PixelShuffle(_Layer, frozen=True, tag="pixel_shuffle", kw_only=False):
    """Lays channels out as blocks of `factor` pixels: channel (c fy + i) fx + j becomes pixel (i, j) of those of c.

    (Shi et al. 2016; PyTorch's PixelShuffle.)
    """

    factor: PairLike


class PixelUnshuffle(_Layer, frozen=True, tag="pixel_unshuffle", kw_only=False):
    """The inverse of PixelShuffle: the pixels of each block of `factor` pixels become channels."""

    factor: PairLike


class BatchNorm(_Layer, frozen=True, tag="bn"):
    """Batch norm with frozen statistics: an affine map per channel, the identity when untrained."""


class Affine(_Layer, frozen=True, tag="affine"):
    """A scale and a shift per channel; the identity when untrained."""


class LayerNorm(_Layer, frozen=True, tag="ln", kw_only=False):
    """Layer norm over the channels of each pixel (Ba et al. 2016)."""

    epsilon: float = EPSILON


class GroupNorm(_Layer, frozen=True, tag="gn", kw_only=False):
    """Norm over all pixels of the plane and the channels of one of `groups` groups (Wu and He 2018)."""

    groups: int
    epsilon: float = EPSILON


class InstanceNorm(_Layer, frozen=True, tag="in", kw_only=False):
    """Norm over all pixels of the plane, each channel by itself (Ulyanov et al. 2016)."""

    epsilon: float = EPSILON


class LocalResponseNorm(_Layer, frozen=True, tag="lrn", kw_only=False):
    """x / (k + alpha / size * sum of x^2 over `size` channels around)^beta (Krizhevsky et al. 2012; PyTorch's form).

    The channels are those from c - size // 2 to c + (size - 1) // 2.
    """

    channels: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0


class PReLU(_Layer, frozen=True, tag="prelu"):
    """max(0, x) + slope * min(0, x), one slope a channel (He et al. 2015), 0.25 when untrained."""


class Activate(_Layer, frozen=True, tag="activation", kw_only=False):
    """An activation on its own."""

    kind: Activation


class Residual(_Layer, frozen=True, tag="res", kw_only=False):
    """act(F(x) + shortcut(x)) (He et al. 2016); the last convolution of F has no ReLU by default."""

    stem: "tuple[Layer, ...]"
    activation: Activation = "relu"


class PreResidual(_Layer, frozen=True, tag="res_pre", kw_only=False):
    """F(x) + shortcut(x), bare (He et al. 2016b); the last convolution of F has no ReLU by default."""

    stem: "tuple[Layer, ...]"


class From(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A branch that begins with what was marked before: the last such mark, where there are several."""

    source: Mark = msgspec.field(name="from")
    stem: "tuple[Layer, ...]" = ()


Branch: TypeAlias = "tuple[Layer, ...] | From"
"""Layers upon what the group is given, none of them for that itself; or upon a mark."""


class Add(_Layer, frozen=True, tag="add", kw_only=False):
    """The sum of its branches, pixel by pixel, and an activation; the last convolution of a branch has no ReLU.

    A branch of one pixel, or of one channel, counts for all.
    """

    branches: Annotated["tuple[Branch, ...]", msgspec.Meta(min_length=1)]
    activation: Activation = "linear"


class Cat(_Layer, frozen=True, tag="cat", kw_only=False):
    """The channels of its branches, one branch after the other, and an activation."""

    branches: Annotated["tuple[Branch, ...]", msgspec.Meta(min_length=1)]
    activation: Activation = "linear"


class Mul(_Layer, frozen=True, tag="mul", kw_only=False):
    """The product of its branches, pixel by pixel, and an activation. A branch of one pixel, or channel, is for all."""

    branches: Annotated["tuple[Branch, ...]", msgspec.Meta(min_length=1)]
    activation: Activation = "linear"


Convolution: TypeAlias = Conv | Depthwise | Transposed
Join: TypeAlias = Residual | PreResidual | Add | Cat | Mul
Layer: TypeAlias = (
    Conv
    | Depthwise
    | Transposed
    | MaxPool
    | AvgPool
    | Upsample
    | Bilinear
    | AdaptiveAvgPool
    | GlobalAvgPool
    | Pad
    | Crop
    | Slice
    | ChannelShuffle
    | PixelShuffle
    | PixelUnshuffle
    | BatchNorm
    | Affine
    | LayerNorm
    | GroupNorm
    | InstanceNorm
    | LocalResponseNorm
    | PReLU
    | Activate
    | Residual
    | PreResidual
    | Add
    | Cat
    | Mul
)
Stem: TypeAlias = tuple[Layer, ...]


def stems_of(layer: Layer) -> tuple[Stem, ...]:
    """The stems of a group's branches, without what they begin with; none for a layer that is no group."""
    if isinstance(layer, Residual | PreResidual):
        return (layer.stem,)
    if isinstance(layer, Add | Cat | Mul):
        return tuple(branch.stem if isinstance(branch, From) else branch for branch in layer.branches)
    return ()


def count_layers(stem: Stem) -> int:
    """Number of layers of a stem, those inside groups included and the groups themselves too.

    An empty branch counts as one, since it is an input of its group as every other.
    """
    total = 0
    pending = [stem]
    while pending:
        for layer in pending.pop():
            total += 1
            for branch in stems_of(layer):
                total += not branch
                pending.append(branch)
    return total


def uniform_layer(stem: Stem) -> Conv | None:
    """The one convolution that a plain stack repeats, or None where the stem is not a plain stack."""
    first = stem[0]
    if isinstance(first, Conv) and all(layer is first or layer == first for layer in stem):
        return first
    return None


def last_convolution(stem: Stem) -> int | None:
    """Position of the last layer that is a convolution or a group that holds one; None where there is none.

    If it is a convolution, that is the one which has no ReLU by default in a branch of a sum; a group has its own.
    """
    return next((position for position in reversed(range(len(stem))) if _convolves(stem[position])), None)


def _convolves(layer: Layer) -> bool:
    return isinstance(layer, Convolution) or any(_convolves(one) for stem in stems_of(layer) for one in stem)
