"""Hypothesis strategies: random stems that fit their input plane."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.errors import InputError
from pipeline.stem import (
    NAMES,
    Activate,
    Activation,
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
    PaddingMode,
    PixelShuffle,
    PixelUnshuffle,
    Plane,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Stem,
    Transposed,
    Upsample,
    canonical,
    format_stem,
    network,
)
from pipeline.stem.layers import PADDING_MODES

PLAIN_KINDS = ("conv", "dw", "t", "max", "avg", "up", "gap", "bn", "ln", "act", "res", "res_pre")
"""Stacks and residual groups with paddings that are equal on both sides."""
JOINS = ("add", "cat", "mul")
WIDER_KINDS = (
    *("bilinear", "adaptive", "pad", "crop", "slice", "channelshuffle", "pixelshuffle", "pixelunshuffle"),
    *("affine", "gn", "in", "lrn", "prelu"),
    *JOINS,
)
KINDS = (*PLAIN_KINDS, *WIDER_KINDS)
"""Every kind of layer: joins of up to 4 branches with marks among them, and the paddings of all frameworks."""
KINDS_OF: dict[type, str] = {
    Conv: "conv",
    Depthwise: "dw",
    Transposed: "t",
    MaxPool: "max",
    AvgPool: "avg",
    Upsample: "up",
    Bilinear: "bilinear",
    AdaptiveAvgPool: "adaptive",
    GlobalAvgPool: "gap",
    Pad: "pad",
    Crop: "crop",
    Slice: "slice",
    ChannelShuffle: "channelshuffle",
    PixelShuffle: "pixelshuffle",
    PixelUnshuffle: "pixelunshuffle",
    BatchNorm: "bn",
    Affine: "affine",
    LayerNorm: "ln",
    GroupNorm: "gn",
    InstanceNorm: "in",
    LocalResponseNorm: "lrn",
    PReLU: "prelu",
    Activate: "act",
    Residual: "res",
    PreResidual: "res_pre",
    Add: "add",
    Cat: "cat",
    Mul: "mul",
}
PLAIN_ACTIVATIONS = tuple(name for name in NAMES if name not in ("relu6", "gelu_tanh", "hardsigmoid", "hardtanh"))
ACTIVATIONS = (*NAMES, "leaky_relu(0.1)", "leaky_relu(-0.3)", "elu(0.5)", "hardtanh(0,6)", "hardsigmoid(0.2,0.5)")
"""Every activation, and some with numbers of their own."""
LARGEST_SIDE = 48
"""Planes that transposed convolution and up-sampling may make on the way."""
MOST_CHANNELS = 16
"""What concatenation may make of them."""
MARKS = ("a", "b", "c")


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    """(height, width), square more often than not."""
    side = st.integers(least, most)
    return st.one_of(side.map(lambda n: (n, n)), st.tuples(side, side))


def margins(most: int) -> st.SearchStrategy[Any]:
    """Padding of both axes, each with one number or two."""
    side = st.integers(0, most)
    return st.one_of(side.map(lambda n: (n, n)), st.tuples(*2 * (st.one_of(side, st.tuples(side, side)),)))


def planes(largest: int = 12, channels: int = 3) -> st.SearchStrategy[Plane]:
    """Small input planes, those of one pixel and one row among them."""
    return st.builds(Plane, st.integers(1, largest), st.integers(1, largest), st.integers(1, channels))


def layers(
    kinds: tuple[str, ...] = KINDS,
    activations: tuple[Activation, ...] = ACTIVATIONS,
    modes: tuple[PaddingMode, ...] = PADDING_MODES,
    features: int = 4,
    body: st.SearchStrategy[Stem] | None = None,
) -> st.SearchStrategy[Layer]:
    """One layer of the given kinds, whether it fits anywhere or not; `body` makes those of residual groups.

    If one of the kinds is not among PLAIN_KINDS, convolutions and pools have the paddings and modes of all frameworks.
    """
    inner: st.SearchStrategy[Stem] = st.nothing() if body is None else body
    is_plain = set(kinds) <= set(PLAIN_KINDS)
    activation, written = st.sampled_from(activations), _written(activations)
    plain = st.one_of(st.none(), st.none(), pairs(0, 2))
    padding = plain if is_plain else st.one_of(plain, margins(2), st.just("same"))
    cropping = plain if is_plain else st.one_of(plain, margins(2))
    strides, dilations = pairs(1, 3), st.one_of(st.just((1, 1)), pairs(1, 3))
    common: dict[str, Any] = {"stride": strides, "dilation": dilations, "activation": written}
    pooling: dict[str, Any] = {"stride": strides, "padding": padding}
    more, spread, truth = st.just((0, 0)), st.just((1, 1)), st.just(False)
    if not is_plain:
        more, spread, truth = st.one_of(more, pairs(0, 2)), dilations, st.booleans()
    made = st.integers(1, features)
    groups = st.sampled_from((1, 1, 2, 3))
    mode = st.sampled_from(modes)
    builders: dict[str, Callable[[], st.SearchStrategy[Layer]]] = {
        "conv": lambda: st.builds(
            Conv, pairs(1, 4), features=made, groups=groups, padding=padding, padding_mode=mode, **common
        ),
        "dw": lambda: st.builds(
            Depthwise, pairs(1, 4), features=st.one_of(st.none(), made), padding=padding, padding_mode=mode, **common
        ),
        "t": lambda: st.builds(
            Transposed, pairs(1, 4), features=made, groups=groups, padding=cropping, output_padding=more, **common
        ),
        "max": lambda: st.builds(MaxPool, pairs(1, 3), dilation=spread, ceil=truth, **pooling),
        "avg": lambda: st.builds(
            AvgPool, pairs(1, 3), ceil=truth, count_padding=truth.map(lambda left_out: not left_out), **pooling
        ),
        "up": lambda: st.builds(Upsample, pairs(1, 3)),
        "bilinear": lambda: st.builds(Bilinear, pairs(1, 3), st.booleans()),
        "adaptive": lambda: st.builds(AdaptiveAvgPool, pairs(1, 5)),
        "gap": lambda: st.just(GlobalAvgPool()),
        "pad": lambda: st.builds(Pad, margins(2), mode),
        "crop": lambda: st.builds(Crop, margins(2), strides),
        "slice": lambda: st.builds(
            lambda first, more: Slice(first, first + more), st.integers(0, 1), st.integers(1, 2)
        ),
        "channelshuffle": lambda: st.builds(ChannelShuffle, st.integers(1, 3)),
        "pixelshuffle": lambda: st.builds(PixelShuffle, pairs(1, 2)),
        "pixelunshuffle": lambda: st.builds(PixelUnshuffle, pairs(1, 2)),
        "bn": lambda: st.just(BatchNorm()),
        "affine": lambda: st.just(Affine()),
        "ln": lambda: st.just(LayerNorm()),
        "gn": lambda: st.builds(GroupNorm, st.integers(1, 3)),
        "in": lambda: st.just(InstanceNorm()),
        "lrn": lambda: st.builds(
            LocalResponseNorm,
            st.integers(1, 5),
            *(st.sampled_from(numbers) for numbers in ((1e-4, 0.5), (0.75, 0.5), (1.0, 2.0))),
        ),
        "prelu": lambda: st.just(PReLU()),
        "act": lambda: st.builds(Activate, activation),
        "res": lambda: st.builds(Residual, inner, activation=activation),
        "res_pre": lambda: st.builds(PreResidual, inner),
        "add": lambda: _joins(Add, kinds, activations, modes, features, body),
        "cat": lambda: _joins(Cat, kinds, activations, modes, features, body),
        "mul": lambda: _joins(Mul, kinds, activations, modes, features, body),
    }
    bodied = ("res", "res_pre", *JOINS)
    groups_too = kinds if body is not None else tuple(kind for kind in kinds if kind not in bodied)
    return st.sampled_from(groups_too).flatmap(lambda kind: builders[kind]())


def _joins(
    join: type[Add | Cat | Mul],
    kinds: tuple[str, ...],
    activations: tuple[Activation, ...],
    modes: tuple[PaddingMode, ...],
    features: int,
    body: st.SearchStrategy[Stem] | None,
) -> st.SearchStrategy[Layer]:
    """A join of two to four branches, most of which end in the same plane: stems, empty ones, and those from marks."""
    activation, mode = _written(activations), st.sampled_from(modes)
    kernel, made = pairs(1, 3), st.integers(1, features)
    conv = st.builds(Conv, kernel, made, padding_mode=mode, activation=activation)
    options: list[st.SearchStrategy[Stem]] = []
    if "conv" in kinds:
        options += 2 * [conv.map(lambda layer: (layer,))]
        if "gap" in kinds:
            single = st.builds(Conv, st.just((1, 1)), made, activation=activation)
            options.append(single.map(lambda layer: (GlobalAvgPool(), layer)))
        for kind, back in (("up", Upsample((2, 2))), ("bilinear", Bilinear((2, 2)))):
            if kind in kinds:
                down = conv.map(lambda layer: replace(layer, stride=(2, 2)))
                options.append(st.tuples(down, st.just(back)))
    if "dw" in kinds:
        options.append(
            st.builds(Depthwise, kernel, padding_mode=mode, activation=activation).map(lambda layer: (layer,))
        )
    if "max" in kinds:
        options.append(st.tuples(st.builds(MaxPool, kernel)))
    if "avg" in kinds:
        options.append(st.tuples(st.builds(AvgPool, kernel)))
    if body is not None:
        options += 2 * [body]
    empty: st.SearchStrategy[Stem] = st.just(())
    stem = st.one_of(empty, *options)
    branch = st.one_of(stem, stem, stem, st.builds(From, st.sampled_from(MARKS), st.one_of(empty, stem)))
    behind = st.one_of(*[st.just("linear")] * ("linear" in activations), st.sampled_from(activations))
    return st.builds(
        lambda branches, stride, alike, marks, act: join(
            tuple(
                _adapted(branch, stride, None if join is Cat else alike, mark)
                for branch, mark in zip(branches, marks, strict=False)
            ),
            activation=act,
        ),
        st.lists(branch, min_size=2, max_size=4),
        st.sampled_from(((1, 1), (1, 1), (1, 1), (2, 2), (2, 1))),
        made,
        st.tuples(*4 * (st.sampled_from((None, None, None, *MARKS)),)),
        behind,
    )


def _adapted(branch: Stem | From, stride: tuple[int, int], features: int | None, mark: str | None) -> Stem | From:
    """A branch of one layer with the stride, and the features, that the others have; its last layer with a mark."""
    stem = branch.stem if isinstance(branch, From) else branch
    if len(stem) == 1 and isinstance(stem[0], Conv | Depthwise | MaxPool | AvgPool):
        stem = (replace(stem[0], stride=stride),)
    if features is not None and stem and isinstance(stem[-1], Conv):
        stem = (*stem[:-1], replace(stem[-1], features=features))
    if stem:
        stem = (*stem[:-1], _marked(stem[-1], mark))
    return From(branch.source, stem) if isinstance(branch, From) else stem


def _marked(layer: Layer, mark: str | None) -> Layer:
    return layer if mark is None else replace(layer, mark=mark)


def _written(activations: tuple[Activation, ...]) -> st.SearchStrategy[Activation | None]:
    """The activation of a convolution; None, which may mean ReLU and no activation, where both are among them."""
    return st.sampled_from((*activations, None) if {"relu", "linear"} <= set(activations) else activations)


def shape_keeping(
    kinds: tuple[str, ...], activations: tuple[Activation, ...], modes: tuple[PaddingMode, ...], features: int
) -> st.SearchStrategy[Stem]:
    """Bodies that often fit a shortcut: strided convolutions with default padding, and planes made larger and back."""
    activation, made, mode = _written(activations), st.integers(1, features), st.sampled_from(modes)
    dilation, stride = pairs(1, 2), pairs(1, 2)
    options: list[st.SearchStrategy[Stem]] = []
    if "conv" in kinds:
        conv = st.builds(
            Conv, pairs(1, 4), made, stride=stride, dilation=dilation, padding_mode=mode, activation=activation
        )
        options.append(st.lists(conv, min_size=1, max_size=2).map(tuple))
    if "dw" in kinds:
        options.append(st.builds(Depthwise, pairs(1, 3), dilation=dilation, activation=activation).map(lambda n: (n,)))
    if {"t", "conv"} <= set(kinds):
        options.append(
            st.builds(
                lambda s, k, m, a: (Transposed(k, m, stride=s, activation=a), Conv(k, m, stride=s, activation=a)),
                pairs(1, 3),
                pairs(1, 3),
                made,
                activation,
            )
        )
    if {"up", "conv"} <= set(kinds):
        options.append(
            st.builds(
                lambda s, k, m, a: (Conv(k, m, stride=s, activation=a), Upsample(s)),
                stride,
                pairs(1, 3),
                made,
                activation,
            )
        )
    pixelwise = ("bn", "ln", "act", "max", "avg", "affine", "gn", "in", "lrn", "prelu", "channelshuffle")
    extra = [layers((kind,), activations, modes, features) for kind in pixelwise if kind in kinds]
    tail = st.lists(st.one_of(extra), max_size=1) if extra else st.just([])
    return st.tuples(tail, st.one_of(options), tail).map(lambda parts: (*parts[0], *parts[1], *parts[2]))


@lru_cache(maxsize=64)  # building strategies takes longer than drawing from them
def _layers(
    kinds: tuple[str, ...], activations: tuple[Activation, ...], modes: tuple[PaddingMode, ...], features: int
) -> st.SearchStrategy[Layer]:
    body = shape_keeping(kinds, activations, modes, features)
    nested = st.one_of(body, layers(kinds, activations, modes, features, body).map(lambda layer: (layer,)))
    return layers(kinds, activations, modes, features, nested)


@st.composite
def stems(
    draw: st.DrawFn,
    *,
    kinds: tuple[str, ...] = KINDS,
    activations: tuple[Activation, ...] | None = None,
    modes: tuple[PaddingMode, ...] = PADDING_MODES,
    features: int = 4,
    largest: int = 12,
    channels: int = 3,
    depth: int = 4,
) -> tuple[str, Plane]:
    """A stem in canonical notation and an input plane that it fits: `network(text, plane)` does not raise.

    Up to `depth` layers of the given kinds, groups nested once or twice; layers that do not fit what was drawn before
    are left out, and a 1x1 convolution (or the first kind that always fits) stands in where nothing is left. Where
    joins are among the kinds, some layers bear marks, which later branches take up. `activations` are all of them, or
    those of plain stacks where no kind is wider than PLAIN_KINDS.
    """
    if activations is None:
        activations = PLAIN_ACTIVATIONS if set(kinds) <= set(PLAIN_KINDS) else ACTIVATIONS
    plane = draw(planes(largest, channels))
    layer_of = _layers(kinds, activations, modes, features)
    is_joined = not set(JOINS).isdisjoint(kinds)
    stem: Stem = ()
    for layer in draw(st.lists(layer_of, min_size=1, max_size=depth)):
        if is_joined:
            layer = _marked(layer, draw(st.sampled_from((None, None, *MARKS))))
        fitting = _with_fitting_branches(layer, stem, plane)
        if fitting is not None:
            stem = (*stem, fitting)
    if not stem:
        stem = (Conv((1, 1), activation=activations[0]),) if "conv" in kinds else (BatchNorm(),)
    return canonical(format_stem(stem)), plane


def _with_fitting_branches(layer: Layer, stem: Stem, plane: Plane) -> Layer | None:
    """The layer behind a stem, a join without the branches that do not fit the others; None if it does not fit."""
    if not isinstance(layer, Add | Cat | Mul):
        return layer if _fits((*stem, layer), plane) else None
    kept: tuple[Any, ...] = ()
    known = re.findall(r"#(\w)", format_stem(stem))
    for branch in layer.branches:
        if isinstance(branch, From) and known and branch.source not in known:
            branch = replace(branch, source=known[MARKS.index(branch.source) % len(known)])
        if _fits((*stem, replace(layer, branches=(*kept, branch))), plane):
            kept = (*kept, branch)
    return replace(layer, branches=kept) if kept else None


def _fits(stem: Stem, plane: Plane) -> bool:
    try:
        made = network(format_stem(stem), plane)[-1].output
    except InputError:
        return False
    return max(made.height, made.width) <= LARGEST_SIDE and made.channels <= MOST_CHANNELS
