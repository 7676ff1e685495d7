"""Every operation's VJP is the transpose of its forward: <g, J v> = <J' g, v>, in float64."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.gradient.step import EVERYTHING, Step
from pipeline.gradient.table import OPERATIONS
from pipeline.ops import activation, span
from pipeline.ops.bound import run
from pipeline.ops.parameters import Parameters
from pipeline.stem import NAMES, Axis, Convolution, Plane, network

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


def pools(name: str) -> st.SearchStrategy[str]:
    return st.tuples(KERNEL, PAIR).map(lambda pair: f"{name}{pair[0]}/{pair[1]}")


LINEAR = st.one_of(convolutions(), pools("avg"), PAIR.map("up{}".format), st.just("gap"), st.just("bn"))
PLANES = st.builds(Plane, st.integers(4, 11), st.integers(4, 11), st.just(4))


def alone(text: str, plane: Plane, seed: int) -> tuple[Step, Parameters, np.random.Generator]:
    """A layer on its whole plane, with random parameters. Raises InputError where it does not fit."""
    rng = np.random.default_rng(seed)
    (node,) = network(text, plane)
    parameters = Parameters()
    if isinstance(node.layer, Convolution):
        parameters = Parameters(rng.standard_normal(node.weight_shape))
    elif text == "bn":
        parameters = Parameters(rng.standard_normal(4), var=rng.random(4))
    elif text == "ln":
        parameters = Parameters(rng.standard_normal(4), rng.standard_normal(4))
    taps = (0, node.y.kernel), (0, node.x.kernel)
    return Step(node, node.y, node.x, EVERYTHING, (0, node.output.channels), taps, node.groups), parameters, rng


def shapes(step: Step, n: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    given, made = step.node.input, step.node.output
    return (given.height, given.channels, given.width, n), (made.height, made.channels, made.width, n)


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
@given(st.one_of(pools("max"), st.just("ln")), PLANES, st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_vjp_of_a_nonlinear_operation_agrees_with_differences(text: str, plane: Plane, n: int, seed: int) -> None:
    try:
        step, parameters, rng = alone(text, plane, seed)
    except InputError:
        return
    given_shape, made_shape = shapes(step, n)
    # Values far enough apart that no maximum changes hands within the difference.
    x = rng.permutation(np.prod(given_shape)).reshape(given_shape) / 7
    v, g = rng.standard_normal(given_shape), rng.standard_normal(made_shape)
    _, saved = forward(x.copy(), step, parameters)
    ahead, _ = forward(x + 1e-5 * v, step, parameters)
    behind, _ = forward(x - 1e-5 * v, step, parameters)
    back = vjp(g.copy(), step, parameters, saved)
    assert inner(g, (ahead - behind) / 2e-5) == pytest.approx(inner(back, v), rel=1e-6, abs=1e-6)


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

    def pixels(axis: Axis, position: int) -> range:
        first = position * axis.stride - axis.before
        return range(max(first, 0), min(first + axis.kernel, axis.size_in))

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
