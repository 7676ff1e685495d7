"""Every operation's VJP is the transpose of its forward: <g, J v> = <J' g, v>, in float64."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gradient.cone import cone
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.reading import view
from pipeline.gradient.step import EVERYTHING, Source, Step
from pipeline.gradient.table import OPERATIONS
from pipeline.ops import activation, span
from pipeline.ops.bound import run
from pipeline.ops.parameters import Parameters
from pipeline.stem import (
    INPUT,
    NAMES,
    Affine,
    Axis,
    BatchNorm,
    Box,
    Convolution,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Plane,
    PReLU,
    all_channels,
    channel_range,
    channels_read,
    network,
)

pytestmark = pytest.mark.usefixtures("memory")

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3)).map(lambda pair: f"{pair[0]}x{pair[1]}")
KERNEL = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(lambda pair: f"{pair[0]}x{pair[1]}")


@st.composite
def convolutions(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["", "dw", "t"]))
    text = kind + draw(KERNEL)
    if draw(st.booleans()):
        text += "/" + draw(PAIR)
    if draw(st.booleans()):
        text += "@" + draw(PAIR)
    text += ":" + draw(st.sampled_from(["4", "8", "12"]))
    if draw(st.booleans()):
        text += "p" + draw(PAIR)
    if kind != "dw" and draw(st.booleans()):
        text += "g" + draw(st.sampled_from(["2", "4"]))
    return text + "=linear"


@st.composite
def pools(draw: st.DrawFn, name: str) -> str:
    text = f"{name}{draw(KERNEL)}/{draw(PAIR)}"
    if name == "max" and draw(st.booleans()):
        text += f"@{draw(PAIR)}"
    text += draw(st.sampled_from(["", "", "p1", "p1+0x0+1", "psame"]))
    text += draw(st.sampled_from(["", "~ceil"]))
    return text + (draw(st.sampled_from(["", "~nopad"])) if name == "avg" else "")


RESAMPLED = PAIR.flatmap(
    lambda pair: st.sampled_from([f"up{pair}", f"bilinear{pair}", f"bilinear{pair}~corners", f"adaptive{pair}"])
)
PADDED = st.sampled_from(["pad1", "pad2+0x0+1", "pad1x3", "crop1", "crop1+0x0+2/2x1", "crop0/3"])
CHANNELS = st.sampled_from(
    [
        "channelshuffle2",
        "slice1:3",
        "slice0:4",
        "pixelshuffle2",
        "pixelshuffle1x2",
        "pixelunshuffle2",
        "pixelunshuffle3x2",
    ]
)
LINEAR = st.one_of(
    convolutions(), pools("avg"), RESAMPLED, PADDED, CHANNELS, st.sampled_from(["gap", "bn", "affine", "affine"])
)
NONLINEAR = st.one_of(pools("max"), st.sampled_from(["ln", "gn2", "gn1", "in", "lrn3(0.5,0.75,1)", "lrn4", "prelu"]))
PLANES = st.builds(Plane, st.integers(4, 11), st.integers(4, 11), st.just(4))


def alone(text: str, plane: Plane, seed: int) -> tuple[Step, Parameters, np.random.Generator]:
    """A layer on its whole plane, with random parameters. Raises InputError where it does not fit."""
    rng = np.random.default_rng(seed)
    (node,) = network(text, plane)
    parameters = Parameters()
    match node.layer:
        case layer if isinstance(layer, Convolution):
            parameters = Parameters(rng.standard_normal(node.weight_shape))
        case BatchNorm():
            parameters = Parameters(rng.standard_normal(4), var=rng.random(4))
        case LayerNorm() | GroupNorm() | InstanceNorm():
            parameters = Parameters(rng.standard_normal(4), rng.standard_normal(4))
        case Affine() | PReLU():
            parameters = Parameters(rng.standard_normal(4))
    given, made = node.input, node.output
    read = channel_range(channels_read(node, 0, all_channels(made.channels)))
    shape = given.height, read[1] - read[0], given.width
    source = Source(INPUT, 0, EVERYTHING, read, shape, shape)
    taps, box = ((0, node.y.kernel), (0, node.x.kernel)), Box(0, made.height, 0, made.width)
    groups = node.layer.groups if isinstance(node.layer, GroupNorm) else node.groups
    return Step(node, node.y, node.x, (source,), box, (0, made.channels), taps, groups), parameters, rng


def shapes(step: Step, n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Of the operand and of the result of a layer on its whole plane."""
    made = step.node.output
    return (*step.sources[0].shape, n), (made.height, made.channels, made.width, n)


def forward(x: np.ndarray, step: Step, parameters: Parameters) -> tuple[np.ndarray, Any]:
    """(what a layer makes of x, what it saves for its VJP)."""
    bound = OPERATIONS[type(step.node.layer)].forward(x, step, parameters, None)
    return run(bound, parameters), bound.saved


def vjp(g: np.ndarray, step: Step, parameters: Parameters, saved: Any) -> np.ndarray:
    return run(OPERATIONS[type(step.node.layer)].vjp(g, step, parameters, saved, None, None), parameters)


def inner(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.vdot(a, b))


@settings(max_examples=300, deadline=None)
@given(LINEAR, PLANES, st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_vjp_of_a_linear_operation_is_its_transpose(text: str, plane: Plane, n: int, seed: int) -> None:
    try:
        step, parameters, rng = alone(text, plane, seed)
    except InputError:
        return  # the layer does not fit the plane
    given_shape, made_shape = shapes(step, n)
    v, g = rng.standard_normal(given_shape), rng.standard_normal(made_shape)
    made, saved = forward(v.copy(), step, parameters)
    assert made.shape == made_shape
    back = vjp(g.copy(), step, parameters, saved)
    assert back.shape == given_shape
    assert inner(g, made) == pytest.approx(inner(back, v), rel=1e-11, abs=1e-11 * np.abs(made).max(initial=1))


@settings(max_examples=100, deadline=None)
@given(NONLINEAR, PLANES, st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_vjp_of_a_nonlinear_operation_agrees_with_differences(text: str, plane: Plane, n: int, seed: int) -> None:
    try:
        step, parameters, rng = alone(text, plane, seed)
    except InputError:
        return
    given_shape, made_shape = shapes(step, n)
    # Values far enough apart, and from zero, that no maximum changes hands, and no sign, within the difference.
    x = (rng.permutation(np.prod(given_shape)).reshape(given_shape) - np.prod(given_shape) // 2) / 7 + 0.01
    v, g = rng.standard_normal(given_shape), rng.standard_normal(made_shape)
    _, saved = forward(x.copy(), step, parameters)
    ahead, _ = forward(x + 1e-5 * v, step, parameters)
    behind, _ = forward(x - 1e-5 * v, step, parameters)
    back = vjp(g.copy(), step, parameters, saved)
    assert inner(g, (ahead - behind) / 2e-5) == pytest.approx(inner(back, v), rel=1e-6, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(st.one_of(LINEAR, NONLINEAR), PLANES, st.data(), st.integers(0, 2**32 - 1))
def test_a_piece_is_cut_out_of_the_whole(text: str, plane: Plane, data: st.DataObject, seed: int) -> None:
    """A window of two by three pixels behind the layer, of one channel: what it is handed is a part of the whole."""
    try:
        whole, parameters, rng = alone(text, plane, seed)
        behind = f"{text} dw2x3p0=linear"
        output = network(behind, plane)[-1].output
    except InputError:
        return
    unit = data.draw(st.tuples(st.integers(0, output.height - 1), st.integers(0, output.width - 1)))
    found = cone(behind, plane, unit, data.draw(st.integers(0, output.channels - 1)))
    step, (source,) = found.steps[0], found.steps[0].sources
    x, channels = rng.standard_normal((plane.height, 4, plane.width, 2)), slice(*whole.sources[0].channels)
    right, saved_whole = forward(x[:, channels].copy(), whole, parameters)
    box, made = found.box, step.box
    part = view(x[box.top : box.bottom, :, box.left : box.right], source.read)
    piece, saved = forward(part, step, of_step(parameters, step))
    cut = slice(made.top, made.bottom), slice(*step.features), slice(made.left, made.right)
    np.testing.assert_allclose(piece, right[cut], rtol=1e-11, atol=1e-11)
    g = rng.standard_normal(piece.shape)
    alone_in_it = np.zeros_like(right)
    alone_in_it[cut] = g
    back = np.zeros_like(x)
    back[:, channels] = vjp(alone_in_it, whole, parameters, saved_whole)
    inside = back[box.top : box.bottom, slice(*source.channels), box.left : box.right]
    np.testing.assert_allclose(vjp(g, step, of_step(parameters, step), saved), inside, rtol=1e-10, atol=1e-10)
    assert np.abs(back).sum() == pytest.approx(np.abs(inside).sum(), rel=1e-9)


def of_step(parameters: Parameters, step: Step) -> Parameters:
    """The parameters of what a step makes."""
    return step_parameters((step,), {step.node.index: parameters}, np.dtype(np.float64))[step.node.index]


@pytest.mark.parametrize("kind", [*NAMES, "leaky_relu(0.3)", "elu(0.5)", "hardtanh(-2,3)", "hardsigmoid(0.2,0.5)"])
def test_the_slope_of_an_activation_agrees_with_differences(kind: str) -> None:
    z = np.linspace(-6, 6, 1001) + 1e-3
    ahead, behind = (activation.forward(kind, z + step)[0] for step in (1e-6, -1e-6))
    _, slope = activation.forward(kind, z.copy())
    slopes = activation.vjp(np.ones_like(z), slope)
    np.testing.assert_allclose(slopes, (ahead - behind) / 2e-6, atol=1e-8)


def test_max_pooling_passes_the_gradient_to_the_first_of_ties() -> None:
    step, parameters, _ = alone("max2x2/2", Plane(2, 2, 4), 0)
    made, saved = forward(np.ones((2, 4, 2, 1)), step, parameters)
    back = vjp(np.ones_like(made), step, parameters, saved)
    np.testing.assert_array_equal(back[:, 0, :, 0], [[1, 0], [0, 0]])


def window_by_window(x: np.ndarray, g: np.ndarray, step: Step) -> tuple[np.ndarray, np.ndarray]:
    """(the largest of each window, the gradient by x): windows in a loop, the first of ties in row-major order."""

    def pixels(axis: Axis, position: int) -> list[int]:
        taps = range(axis.kernel)
        read = (position * axis.stride - axis.before + tap * axis.dilation for tap in taps)
        return [pixel for pixel in read if 0 <= pixel < axis.size_in]

    made, back = np.empty_like(g), np.zeros_like(x)
    for p, channel, q, probe in np.ndindex(g.shape):
        rows, columns = pixels(step.y, p), pixels(step.x, q)
        places = [(row, channel, column, probe) for row in rows for column in columns]
        best = max(places, key=lambda place: x[place])  # the first of ties
        made[p, channel, q, probe] = x[best]
        back[best] += g[p, channel, q, probe]
    return made, back


@settings(max_examples=300, deadline=None)
@given(
    pools("max"),
    PLANES,
    st.integers(1, 2),
    st.sampled_from(("f4", "f8")),
    st.sampled_from((1, 2**10, span.BLOCK)),
    st.integers(0, 2**32 - 1),
)
def test_max_pooling_follows_its_definition_to_the_bit(
    text: str, plane: Plane, n: int, dtype: str, block: int, seed: int
) -> None:
    """Among few values, so that most windows have ties; both signs, so that padding is never the largest."""
    try:
        step, parameters, rng = alone(text, plane, seed)
    except InputError:
        return
    given_shape, made_shape = shapes(step, n)
    x = rng.integers(-2, 3, given_shape).astype(dtype)
    g = rng.integers(-9, 10, made_shape).astype(dtype)
    with patch.object(span, "BLOCK", block):
        made, saved = forward(x.copy(), step, parameters)
        back = vjp(g.copy(), step, parameters, saved)
    largest, gradient = window_by_window(x, g, step)
    np.testing.assert_array_equal(made, largest)
    np.testing.assert_array_equal(back, gradient)


@pytest.mark.parametrize(("rows", "columns"), [(300, 1), (1, 300), (127, 1), (1, 127), (1, 128), (12, 11)])
def test_max_pooling_of_many_taps_counts_them(rows: int, columns: int) -> None:
    step, parameters, rng = alone(f"max{rows}x{columns}/1p0", Plane(rows + 9, columns + 1, 4), 0)
    x, g = rng.standard_normal((rows + 9, 4, columns + 1, 1)), rng.standard_normal((10, 4, 2, 1))
    made, saved = forward(x.copy(), step, parameters)
    largest, gradient = window_by_window(x, g, step)
    np.testing.assert_array_equal(made, largest)
    np.testing.assert_allclose(vjp(g, step, parameters, saved), gradient, rtol=1e-15)


def test_max_pooling_passes_a_nan_on() -> None:
    step, parameters, _ = alone("max2x2/2", Plane(2, 2, 4), 0)
    x = np.zeros((2, 4, 2, 2))
    x[1, 0, 1, 1] = np.nan
    made, _ = forward(x, step, parameters)
    assert np.isnan(made[0, 0, 0, 1])
    assert not np.isnan(made[..., 0]).any()
