"""How layers are written: the one table that the reader, the writer, the hints and the documentation's test follow.

A layer is a word, what follows it at once (its head), and then signs with what stands behind each, in any order. All
may end in a mark.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.stem.forms import Acting, Count, Ends, Form, Kernel, Numbers, Sides, Word
from pipeline.stem.layers import (
    PADDING_MODES,
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
)


class Spelling(NamedTuple):
    """How one kind of layer is written.

    example: how it may look, for messages. signs: in the order in which they are printed. no_activation: what is said
    where `=` follows and the layer has no activation.
    """

    kind: Any
    word: str
    example: str
    head: Form | None = None
    signs: Mapping[str, Form] = {}
    no_activation: str = "takes no activation; write it as a block of its own"

    @property
    def required(self) -> tuple[str, ...]:
        """The fields without a default, which come first."""
        fields: tuple[str, ...] = self.kind.__struct_fields__
        return fields[: len(fields) - len(self.kind.__struct_defaults__)]

    def takes(self, field: str) -> bool:
        """Whether the layer has a field of this name."""
        return field in self.kind.__struct_fields__


_MODE = Word(
    "padding mode",
    {mode: ("padding_mode", mode) for mode in PADDING_MODES[1:]},
    {
        "ceil": "ceil mode is of pools, as in max3x3/2~ceil; pad behind the plane instead, as in 3x3/2p0+1",
        "nopad": "only averages count padding, as avg3x3~nopad does not",
        "zeros": "without ~ a layer pads zeros",
        "constant": "without ~ a layer pads zeros",
        **dict.fromkeys(("edge", "border", "nearest"), "padding that repeats the edge is written ~replicate"),
        **dict.fromkeys(("wrap", "periodic"), "padding that wraps around is written ~circular"),
        "symmetric": "padding that reflects is written ~reflect; it does not repeat the edge, as 'symmetric' does",
    },
)
_WINDOW: dict[str, Form] = {"/": Sides("stride"), "@": Sides("dilation")}
_CHANNELS: dict[str, Form] = {":": Count("features"), "p": Ends("padding")}
_EPSILON: dict[str, Form] = {"(": Numbers("epsilon")}
_CEIL = {"ceil": ("ceil", True)}
_NO_MODE: dict[str, str] = {
    "nopad": "max-pooling never counts padding",
    **dict.fromkeys(
        PADDING_MODES[1:],
        "a pool has no padding mode; write the padding as a layer before it, as in pad1~reflect max3x3p0",
    ),
}
_NO_SAME = "leave p out: a transposed convolution without it makes n*stride pixels, as SAME does"
_WHOLE = "give the number of pixels: only p after a kernel has 'same'"

LAYERS: tuple[Spelling, ...] = (
    Spelling(Conv, "", "3x3", Kernel(), {**_WINDOW, **_CHANNELS, "g": Count("groups"), "~": _MODE}),
    Spelling(Depthwise, "dw", "dw3x3", Kernel(), {**_WINDOW, **_CHANNELS, "~": _MODE}),
    Spelling(
        Transposed,
        "t",
        "t4x4/2",
        Kernel(),
        {
            **_WINDOW,
            ":": Count("features"),
            "p": Ends("padding", no_same=_NO_SAME),
            "o": Sides("output_padding", least=0),
            "g": Count("groups"),
        },
    ),
    Spelling(MaxPool, "max", "max3x3", Kernel(), {**_WINDOW, "p": Ends("padding"), "~": Word("mode", _CEIL, _NO_MODE)}),
    Spelling(
        AvgPool,
        "avg",
        "avg2x2",
        Kernel(),
        {
            "/": Sides("stride"),
            "p": Ends("padding"),
            "~": Word("mode", {**_CEIL, "nopad": ("count_padding", False)}, _NO_MODE),
        },
    ),
    Spelling(Upsample, "up", "up2", Sides("factor")),
    Spelling(Bilinear, "bilinear", "bilinear2", Sides("factor"), {"~": Word("mode", {"corners": ("corners", True)})}),
    Spelling(AdaptiveAvgPool, "adaptive", "adaptive7", Sides("size")),
    Spelling(GlobalAvgPool, "gap", "gap"),
    Spelling(Pad, "pad", "pad1~reflect", Ends("padding", no_same=_WHOLE), {"~": _MODE}),
    Spelling(Crop, "crop", "crop1", Ends("margin", no_same=_WHOLE), {"/": Sides("stride")}),
    Spelling(Slice, "slice", "slice0:32", Count("first", least=0), {":": Count("stop")}),
    Spelling(ChannelShuffle, "channelshuffle", "channelshuffle4", Count("groups")),
    Spelling(PixelShuffle, "pixelshuffle", "pixelshuffle2", Sides("factor")),
    Spelling(PixelUnshuffle, "pixelunshuffle", "pixelunshuffle2", Sides("factor")),
    Spelling(BatchNorm, "bn", "bn"),
    Spelling(Affine, "affine", "affine"),
    Spelling(LayerNorm, "ln", "ln", signs=_EPSILON),
    Spelling(GroupNorm, "gn", "gn8", Count("groups"), _EPSILON),
    Spelling(InstanceNorm, "in", "in", signs=_EPSILON),
    Spelling(LocalResponseNorm, "lrn", "lrn5", Count("channels"), {"(": Numbers("alpha", "beta", "k")}),
    Spelling(PReLU, "prelu", "prelu"),
)
ACTIVATE = Spelling(Activate, "", "relu", Acting("kind"))
"""An activation of its own has no word: its head is its name."""
GROUPS: tuple[Spelling, ...] = (
    Spelling(Residual, "res", "res(...)"),
    Spelling(
        PreResidual,
        "res_pre",
        "res_pre(...)",
        no_activation="is a bare sum; write the activation as a block of its own or use res(...)=ACT",
    ),
    Spelling(Add, "add", "add(...|...)"),
    Spelling(Cat, "cat", "cat(...|...)"),
    Spelling(Mul, "mul", "mul(...|...)"),
)

BY_KIND: dict[Any, Spelling] = {each.kind: each for each in (*LAYERS, ACTIVATE, *GROUPS)}
BY_WORD: dict[str, Spelling] = {each.word: each for each in (*LAYERS, *GROUPS)}
WORDS = tuple(each.word for each in LAYERS if each.head is None)
"""The layers that are a word and nothing else."""
EXAMPLES = ", ".join(each.example for each in (*LAYERS, *GROUPS))
