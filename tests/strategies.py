"""Hypothesis strategies: random stems that fit their input plane."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stem import (
    ACTIVATIONS,
    Activate,
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    MaxPool,
    PaddingMode,
    Plane,
    PreResidual,
    Residual,
    Stem,
    Transposed,
    Upsample,
    canonical,
    format_stem,
    network,
)
from pipeline.stem.layers import PADDING_MODES

KINDS = ("conv", "dw", "t", "max", "avg", "up", "gap", "bn", "ln", "act", "res", "res_pre")
LARGEST_SIDE = 48
"""Planes that transposed convolution and up-sampling may make on the way."""


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    """(height, width), square more often than not."""
    side = st.integers(least, most)
    return st.one_of(side.map(lambda n: (n, n)), st.tuples(side, side))


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
    """One layer of the given kinds, whether it fits anywhere or not; `body` makes those of residual groups."""
    activation, written = st.sampled_from(activations), _written(activations)
    padding = st.one_of(st.none(), st.none(), pairs(0, 2))
    strides, dilations = pairs(1, 3), st.one_of(st.just((1, 1)), pairs(1, 3))
    common: dict[str, Any] = {"stride": strides, "dilation": dilations, "padding": padding, "activation": written}
    made = st.integers(1, features)
    groups = st.sampled_from((1, 1, 2, 3))
    mode = st.sampled_from(modes)
    builders: dict[str, Callable[[], st.SearchStrategy[Layer]]] = {
        "conv": lambda: st.builds(Conv, pairs(1, 4), features=made, groups=groups, padding_mode=mode, **common),
        "dw": lambda: st.builds(
            Depthwise, pairs(1, 4), features=st.one_of(st.none(), made), padding_mode=mode, **common
        ),
        "t": lambda: st.builds(Transposed, pairs(1, 4), features=made, groups=groups, **common),
        "max": lambda: st.builds(MaxPool, pairs(1, 3), stride=strides, padding=padding),
        "avg": lambda: st.builds(AvgPool, pairs(1, 3), stride=strides, padding=padding),
        "up": lambda: st.builds(Upsample, pairs(1, 3)),
        "gap": lambda: st.just(GlobalAvgPool()),
        "bn": lambda: st.just(BatchNorm()),
        "ln": lambda: st.just(LayerNorm()),
        "act": lambda: st.builds(Activate, activation),
        "res": lambda: st.builds(Residual, body, activation=activation),
        "res_pre": lambda: st.builds(PreResidual, body),
    }
    groups_too = kinds if body is not None else tuple(kind for kind in kinds if not kind.startswith("res"))
    return st.sampled_from(groups_too).flatmap(lambda kind: builders[kind]())


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
    pixelwise = [kind for kind in ("bn", "ln", "act", "max", "avg") if kind in kinds]
    extra = [layers((kind,), activations, modes, features) for kind in pixelwise]
    tail = st.lists(st.one_of(extra), max_size=1) if extra else st.just([])
    return st.tuples(tail, st.one_of(options), tail).map(lambda parts: (*parts[0], *parts[1], *parts[2]))


@st.composite
def stems(
    draw: st.DrawFn,
    *,
    kinds: tuple[str, ...] = KINDS,
    activations: tuple[Activation, ...] = ACTIVATIONS,
    modes: tuple[PaddingMode, ...] = PADDING_MODES,
    features: int = 4,
    largest: int = 12,
    channels: int = 3,
    depth: int = 4,
) -> tuple[str, Plane]:
    """A stem in canonical notation and an input plane that it fits: `network(text, plane)` does not raise.

    Up to `depth` layers of the given kinds, groups nested once or twice; layers that do not fit what was drawn before
    are left out, and a 1x1 convolution (or the first kind that always fits) stands in where nothing is left.
    """
    plane = draw(planes(largest, channels))
    body = shape_keeping(kinds, activations, modes, features)
    nested = st.one_of(body, layers(kinds, activations, modes, features, body).map(lambda layer: (layer,)))
    stem: Stem = ()
    for layer in draw(st.lists(layers(kinds, activations, modes, features, nested), min_size=1, max_size=depth)):
        if _fits((*stem, layer), plane):
            stem = (*stem, layer)
    if not stem:
        stem = (Conv((1, 1), activation=activations[0]),) if "conv" in kinds else (BatchNorm(),)
    return canonical(format_stem(stem)), plane


def _fits(stem: Stem, plane: Plane) -> bool:
    try:
        made = network(format_stem(stem), plane)[-1].output
    except InputError:
        return False
    return max(made.height, made.width) <= LARGEST_SIDE
