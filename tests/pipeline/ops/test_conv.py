"""Each way of a convolution makes the same numbers, exactly zero where they are, and keeps probes apart."""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.draws.probes import draw_probes
from pipeline.draws.weights import draw_weights
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.plan import plan_of
from pipeline.ops import choice, conv, fourier, lines, product, span, thin, winograd
from pipeline.ops.bound import run
from pipeline.ops.buffer import empty
from pipeline.ops.parameters import Parameters
from pipeline.stem.network import network
from pipeline.stem.plane import Axis
from pipeline.sweep.build import build
from pipeline.theory.support import support
from tests import convolving
from tests.heatmaps import gradient_of, heatmap_of

pytestmark = pytest.mark.usefixtures("memory")


def axis(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> Axis | None:
    room = size + before + after - dilation * (kernel - 1) - 1
    if room < 0:
        return None
    # The cone hands over no more than is read.
    size_out = room // stride + 1
    return Axis(size, size_out, kernel, stride, dilation, before, after - room % stride)


AXES = st.builds(
    axis,
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 4),
    st.integers(0, 4),
).filter(lambda made: made is not None and made.after >= 0)
DENSE = st.builds(
    axis, st.integers(2, 12), st.integers(1, 5), st.just(1), st.just(1), st.integers(0, 2), st.integers(0, 2)
)


def by_definition(x: np.ndarray, weight: np.ndarray, y: Axis, across: Axis, groups: int) -> np.ndarray:
    """The sum that defines a convolution, tap by tap."""
    kh, kw, channels, features = weight.shape
    padded = np.pad(x, ((y.before, y.after), (0, 0), (across.before, across.after), (0, 0)))
    made = np.zeros((y.size_out, features, across.size_out, x.shape[3]))
    own = features // groups
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)
            columns = slice(
                j * across.dilation, j * across.dilation + (across.size_out - 1) * across.stride + 1, across.stride
            )
            for group in range(groups):
                given = padded[rows, group * channels : (group + 1) * channels, columns]
                kernel = weight[i, j, :, group * own : (group + 1) * own]
                made[:, group * own : (group + 1) * own] += np.einsum("pcon,cf->pfon", given, kernel)
    return made


def arrays(y: Axis, across: Axis, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    channels, own, n = rng.integers(1, 4, 3)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, channels, groups * own))
    g = rng.standard_normal((y.size_out, groups * own, across.size_out, n))
    return x, weight, g


@settings(max_examples=300, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_the_way_that_is_chosen_follows_the_definition(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, g = arrays(y, across, groups, seed)
    expected = by_definition(x, weight, y, across, groups)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, groups), expected, atol=1e-12)
    back = convolving.vjp(g, weight, y, across, groups)
    assert np.vdot(g, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@settings(max_examples=200, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_a_bias_is_added_to_every_pixel_of_its_feature(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, _ = arrays(y, across, groups, seed)
    bias = np.random.default_rng(seed + 1).standard_normal(weight.shape[3])
    own = Parameters(weight, bias)
    for way in ("folded", "unfolded") if across.stride == y.dilation == 1 else (None,):
        made = run(conv.forward(x, own, y, across, groups, way=way), own)
        without = convolving.forward(x, weight, y, across, groups, way)
        np.testing.assert_array_equal(made, without + bias[:, None, None])


def part_of_more(x: np.ndarray) -> np.ndarray:
    """x among other numbers in memory, so that neither its rows nor its lines follow one another."""
    rows, channels, columns, n = x.shape
    more = np.full((rows, channels + 1, columns + 1, n), np.nan, x.dtype)
    more[:, :channels, 1:] = x
    return more[:, :channels, 1:]


@settings(max_examples=300, deadline=None)
@given(AXES, AXES, st.sampled_from([1, 2, 3]), st.integers(0, 2**32 - 1))
def test_bits_do_not_depend_on_where_an_operand_lies(y: Axis, across: Axis, groups: int, seed: int) -> None:
    x, weight, g = (array.astype("f4") for array in arrays(y, across, groups, seed))
    made = convolving.forward(x, weight, y, across, groups)
    np.testing.assert_array_equal(convolving.forward(part_of_more(x), weight, y, across, groups), made)
    mask = np.random.default_rng(seed).random(g.shape) < 0.9
    back = convolving.vjp(g, weight, y, across, groups, mask)
    np.testing.assert_array_equal(convolving.vjp(part_of_more(g), weight, y, across, groups, mask), back)


@pytest.mark.parametrize("way", ["folded", "unfolded", "fourier"])
@settings(max_examples=100, deadline=None)
@given(DENSE.filter(bool), DENSE.filter(bool), st.integers(0, 2**32 - 1))
def test_every_way_follows_the_definition_where_it_is_forced(way: choice.Way, y: Axis, across: Axis, seed: int) -> None:
    x, weight, g = arrays(y, across, 1, seed)
    expected = by_definition(x, weight, y, across, 1)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, way=way), expected, atol=1e-12)
    mask = np.random.default_rng(seed).random(g.shape) < 0.9
    back = convolving.vjp(g, weight, y, across, mask=mask, way=way)
    assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


WIDE = st.builds(
    axis,
    st.integers(1, 40),
    st.integers(1, 33),
    st.just(1),
    st.integers(1, 2),
    st.integers(0, 34),
    st.integers(0, 34),
).filter(bool)
NARROW = st.integers(1, 40).map(lambda size: Axis(size, size, 1))
TALL = st.builds(
    axis, st.integers(1, 20), st.integers(1, 19), st.integers(1, 3), st.just(1), st.integers(0, 20), st.integers(0, 20)
).filter(lambda made: made is not None and made.after >= 0)


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(TALL, WIDE | NARROW, st.sampled_from([1, 2, 3]), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_wide_kernels_of_one_channel_follow_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, n: int, seed: int
) -> None:
    """Where some of the taps are unfolded before the rest are folded, at borders wider than the plane too."""
    with patch.object(thin, "reads_small_in_place", lambda: in_place):
        follow_the_definition(y, across, groups, n, seed)


def follow_the_definition(y: Axis, across: Axis, groups: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, 1, groups))
    expected = by_definition(x, weight, y, across, groups)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, groups, "folded"), expected, atol=1e-11)
    g = rng.standard_normal(expected.shape)
    mask = rng.random(g.shape) < 0.9
    way: choice.Way = "folded" if y.stride == 1 else "unfolded"
    back = convolving.vjp(g, weight, y, across, groups, mask, way)
    assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(
    AXES,
    AXES,
    st.sampled_from([1, 2]),
    st.sampled_from([1, 3, 8, 32]),
    st.integers(1, 9),
    st.sampled_from(["folded", "unfolded"]),
    st.integers(0, 2**32 - 1),
)
def test_lines_of_whole_vectors_follow_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, channels: int, n: int, way: choice.Way, seed: int
) -> None:
    """Lines that are multiplied to the end of a pair of vectors, and those that are not; where they lie is all one."""
    assume(way != "folded" or (across.stride == y.dilation == 1))
    back_way: choice.Way = way if y.stride == 1 else "unfolded"
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n))
    weight = rng.standard_normal((y.kernel, across.kernel, channels, 8 * groups))
    expected = by_definition(x, weight, y, across, groups)
    g = rng.standard_normal(expected.shape)
    with patch.object(lines, "reads_small_in_place", lambda: in_place):
        made = convolving.forward(x, weight, y, across, groups, way).copy()
        back = convolving.vjp(g, weight, y, across, groups, way=back_way).copy()
        np.testing.assert_array_equal(convolving.forward(apart(x), weight, y, across, groups, way), made)
        np.testing.assert_array_equal(convolving.vjp(apart(g), weight, y, across, groups, way=back_way), back)
    np.testing.assert_allclose(made, expected, atol=1e-11)
    assert np.vdot(g, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


COLUMN = st.integers(1, 3).map(lambda kernel: Axis(kernel, 1, kernel))


@pytest.mark.parametrize("in_place", [True, False])
@settings(max_examples=150, deadline=None)
@given(
    TALL,
    COLUMN,
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 8, 32]),
    st.integers(1, 40),
    st.sampled_from(["f4", "f8"]),
    st.integers(0, 2**32 - 1),
)
def test_one_column_of_outputs_follows_the_definition(
    in_place: bool, y: Axis, across: Axis, groups: int, channels: int, n: int, dtype: str, seed: int
) -> None:
    """Kernels as wide as what is left of the plane, as those that are separable have; lines are all probes."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((y.size_in, groups * channels, across.size_in, n)).astype(dtype)
    weight = rng.standard_normal((y.kernel, across.kernel, channels, 4 * groups)).astype(dtype)
    expected = by_definition(x, weight, y, across, groups)
    g = rng.standard_normal(expected.shape).astype(dtype)
    with patch.object(lines, "reads_small_in_place", lambda: in_place):
        made = convolving.forward(x, weight, y, across, groups)
        back = convolving.vjp(g, weight, y, across, groups)
    near = 1e-4 if dtype == "f4" else 1e-11
    np.testing.assert_allclose(made, expected, atol=near * np.abs(expected).max())
    transposed = by_gradient(g, weight, y, across, groups)
    np.testing.assert_allclose(back, transposed, atol=near * max(np.abs(transposed).max(), 1))


def by_gradient(g: np.ndarray, weight: np.ndarray, y: Axis, across: Axis, groups: int) -> np.ndarray:
    """The transpose of the sum that defines a convolution, tap by tap."""
    kh, kw, channels, features = weight.shape
    shape = y.before + y.size_in + y.after, groups * channels, across.before + across.size_in + across.after, g.shape[3]
    made = np.zeros(shape)
    own = features // groups
    for i in range(kh):
        for j in range(kw):
            rows = slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)
            columns = slice(
                j * across.dilation, j * across.dilation + (across.size_out - 1) * across.stride + 1, across.stride
            )
            for group in range(groups):
                given = g[:, group * own : (group + 1) * own]
                kernel = weight[i, j, :, group * own : (group + 1) * own]
                made[rows, group * channels : (group + 1) * channels, columns] += np.einsum(
                    "pfon,cf->pcon", given, kernel
                )
    return made[y.before : y.before + y.size_in, :, across.before : across.before + across.size_in]


def apart(x: np.ndarray) -> np.ndarray:
    """The same numbers in lines that lie apart."""
    wider = np.full((*x.shape[:2], x.shape[2] + 3, x.shape[3]), np.nan)
    wider[:, :, 1:-2] = x
    return wider[:, :, 1:-2]


THREE_WIDE = st.builds(
    axis, st.integers(2, 12), st.just(3), st.just(1), st.just(1), st.integers(0, 2), st.integers(0, 2)
)
ROWS = st.builds(
    axis, st.integers(2, 12), st.integers(1, 5), st.integers(1, 3), st.just(1), st.integers(0, 2), st.integers(0, 2)
).filter(lambda made: made is not None and made.after >= 0)


@settings(max_examples=300, deadline=None)
@given(ROWS, THREE_WIDE.filter(bool), st.integers(0, 2**32 - 1))
def test_the_winograd_way_follows_the_definition(y: Axis, across: Axis, seed: int) -> None:
    x, weight, g = arrays(y, across, 1, seed)
    expected = by_definition(x, weight, y, across, 1)
    np.testing.assert_allclose(convolving.forward(x, weight, y, across, way="winograd"), expected, atol=1e-12)
    if y.stride == 1:
        mask = np.random.default_rng(seed).random(g.shape) < 0.9
        back = convolving.vjp(g, weight, y, across, mask=mask, way="winograd")
        assert np.vdot(g * mask, expected) == pytest.approx(np.vdot(back, x), rel=1e-11, abs=1e-11)


@pytest.mark.parametrize("block", [1, 2**12])
def test_the_winograd_way_makes_the_same_numbers_in_blocks_of_any_size(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = across = Axis(14, 13, 3, before=1)
    x, weight, g = arrays(y, across, 1, 5)
    whole = convolving.forward(x, weight, y, across, way="winograd").copy()
    back = convolving.vjp(g, weight, y, across, way="winograd").copy()
    monkeypatch.setattr(span, "BLOCK", block)
    np.testing.assert_array_equal(convolving.forward(x, weight, y, across, way="winograd"), whole)
    np.testing.assert_array_equal(convolving.vjp(g, weight, y, across, way="winograd"), back)


def test_the_winograd_way_makes_exact_zeros_of_windows_of_zeros() -> None:
    y = across = Axis(24, 22, 3)
    rng = np.random.default_rng(4)
    x, weight = rng.standard_normal((24, 8, 24, 2)).astype("f4"), rng.standard_normal((3, 3, 8, 8)).astype("f4")
    x[4:10, :, 3:12, 1] = 0
    made = convolving.forward(x, weight, y, across, way="winograd")
    assert (made[4:8, :, 3:10, 1] == 0).all()
    assert (made[..., 0] != 0).all()
    g = rng.standard_normal((22, 8, 22, 2)).astype("f4")
    g[5:12, :, 4:13] = 0
    back = convolving.vjp(g, weight, y, across, way="winograd")
    assert (back[7:12, :, 6:13] == 0).all()


def test_a_kernel_with_zeros_is_left_to_a_direct_way() -> None:
    """A sum whose terms are all zero is exactly zero then, as a rectifier that follows must see."""
    y = across = Axis(24, 22, 3)
    rng = np.random.default_rng(6)
    x, weight = rng.standard_normal((24, 64, 24, 8)).astype("f4"), np.zeros((3, 3, 64, 64), "f4")
    assert choice.forward_way(weight.shape, y, across, 1, 8) == "winograd"
    weight[:, 0] = rng.standard_normal((3, 64, 64))
    x[:, :, 10] = 0
    assert (convolving.forward(x, weight, y, across)[:, :, 10] == 0).all()
    assert (convolving.forward(x, weight, y, across, way="winograd")[:, :, 10] != 0).any()


def test_a_kernel_with_zeros_takes_the_direct_way_after_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    config = build({"stem": "8x3x3:64", "input": 31})
    plan = plan_of(config).cone
    probes = draw_probes(config.probes, config.input, plan.box, 0, 16)
    dense = step_parameters(plan.steps, draw_weights(config), np.dtype("float32"))
    sparse = {index: msgspec.structs.replace(own, weight=np.maximum(own.weight, 0)) for index, own in dense.items()}

    def gradient() -> np.ndarray:
        return gradient_of(config, probes, sparse).values.copy()

    with ThreadPoolExecutor(1) as fresh:
        alone = fresh.submit(gradient).result()
    for _ in range(3):
        gradient_of(config, probes, dense)
    np.testing.assert_array_equal(gradient(), alone)
    for name in ("forward_way", "vjp_way"):
        monkeypatch.setattr(conv, name, lambda *given: "folded")
    with ThreadPoolExecutor(1) as fresh:  # another that has kept nothing
        folded = fresh.submit(gradient).result()
    np.testing.assert_array_equal(folded[:, :, :, 0] == 0, alone[:, :, :, 0] == 0)


@pytest.mark.parametrize("way", ["folded", "unfolded", "winograd"])
def test_float32_agrees_with_float64_for_three_taps(way: choice.Way) -> None:
    y = across = Axis(30, 28, 3)
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((30, 64, 30, 3)), rng.standard_normal((3, 3, 64, 16))
    exact = by_definition(x, weight, y, across, 1)
    made = convolving.forward(x.astype(np.float32), weight.astype(np.float32), y, across, way=way)
    assert np.abs(made - exact).max() < 2e-6 * np.abs(exact).max()


@pytest.mark.parametrize("way", ["folded", "unfolded", "fourier"])
def test_float32_agrees_with_float64_to_a_hundred_thousandth_of_the_largest(way: choice.Way) -> None:
    y = across = Axis(40, 28, 13)
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((40, 8, 40, 3)), rng.standard_normal((13, 13, 8, 8))
    exact = by_definition(x, weight, y, across, 1)
    made = convolving.forward(x.astype(np.float32), weight.astype(np.float32), y, across, way=way)
    assert made.dtype == np.float32
    assert np.abs(made - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("shape", "y", "across", "groups", "way"),
    [
        ((3, 3, 64, 64), Axis(41, 39, 3), Axis(41, 39, 3), 1, "winograd"),
        ((3, 3, 16, 16), Axis(41, 39, 3), Axis(41, 39, 3), 1, "unfolded"),  # transforms take longer than they save
        ((3, 3, 64, 64), Axis(5, 3, 3), Axis(5, 3, 3), 1, "unfolded"),  # too little work for more calls
        ((3, 3, 64, 4), Axis(41, 39, 3), Axis(41, 39, 3), 1, "folded"),  # an unfolded operand is larger than the sums
        ((3, 3, 1, 16), Axis(41, 39, 3), Axis(41, 39, 3), 1, "unfolded"),  # one channel unfolds into less than 16
        ((7, 7, 3, 64), Axis(43, 19, 7, 2), Axis(43, 19, 7, 2), 1, "unfolded"),
        ((3, 3, 16, 1), Axis(3, 1, 3), Axis(3, 1, 3), 1, "unfolded"),
        ((3, 3, 16, 16), Axis(41, 37, 3, 1, 2), Axis(41, 37, 3, 1, 2), 1, "phases"),
        ((13, 13, 32, 32), Axis(37, 25, 13), Axis(37, 25, 13), 1, "fourier"),
        ((31, 31, 1, 32), Axis(61, 31, 31), Axis(61, 31, 31), 32, "folded"),
    ],
)
def test_shapes_choose_the_way(shape: choice.Shape, y: Axis, across: Axis, groups: int, way: choice.Way) -> None:
    assert choice.forward_way(shape, y, across, groups, 16) == way


def test_the_fourier_way_yields_where_a_window_is_zero() -> None:
    y = across = Axis(20, 16, 5)
    rng = np.random.default_rng(1)
    x, weight = rng.standard_normal((20, 8, 20, 2)), rng.standard_normal((5, 5, 8, 8))

    def in_both_ways() -> tuple[np.ndarray, np.ndarray]:
        folded = convolving.forward(x, weight, y, across, way="folded").copy()
        return convolving.forward(x, weight, y, across, way="fourier"), folded

    x[3:9, :, 3:9, 1] = 0
    made, folded = in_both_ways()
    np.testing.assert_array_equal(made, folded)
    assert (made[3:5, :, 3:5, 1] == 0).all()
    x[..., 1] = 0
    made, folded = in_both_ways()
    assert (made != folded).any()
    np.testing.assert_allclose(made, folded, atol=1e-12)
    assert (made[..., 1] == 0).all()
    assert (made[..., 0] != 0).all()


@pytest.mark.parametrize(("way", "kernel"), [("folded", 5), ("unfolded", 5), ("fourier", 5), ("winograd", 3)])
def test_a_nan_stays_in_its_probe(way: choice.Way, kernel: int) -> None:
    y = across = Axis(20, 21 - kernel, kernel)
    rng = np.random.default_rng(2)
    x, weight = rng.standard_normal((20, 8, 20, 3)), rng.standard_normal((kernel, kernel, 8, 8))
    clean = convolving.forward(x, weight, y, across, way=way).copy()
    x[4, 2, 7, 1] = np.nan
    x[4, 2, 8, 1] = np.inf
    made = convolving.forward(x, weight, y, across, way=way)
    np.testing.assert_array_equal(made[..., [0, 2]], clean[..., [0, 2]])
    assert np.isnan(made[..., 1]).any()


LARGE = "3x7x7:16 2x2:16 1x1/3:8=linear"  # Fourier where windows are full, and gradients with holes between strides


def test_pixels_outside_the_support_are_exactly_zero_in_every_way() -> None:
    for stem in (LARGE, "2x9x9:16 3x3@3:8 1x1/2:4=linear", "2x7x7:16 t2x2/2:8 3x3/3:4=linear"):
        config = build({"stem": stem, "input": 61, "probes": {"count": 8}})
        heatmap = heatmap_of(config).values
        pixels = support(network(config.stem, config.input), config.unit).pixels()
        outside = np.ones(heatmap.shape, bool)
        outside[tuple(zip(*pixels, strict=True))] = False
        assert (heatmap[outside] == 0).all()
        assert heatmap.sum() > 0


@pytest.mark.parametrize(
    ("way", "stem"), [(fourier, "3x9x9:16"), (winograd, "9x3x3:64"), (winograd, "res(2x3x3:64) 5x3x3:64")]
)
def test_a_stem_measured_by_a_transform_agrees_with_the_direct_way(
    way: ModuleType, stem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = build({"stem": stem, "input": 31, "probes": {"count": 16}, "dtype": "float64"})
    taken = []
    for name in ("forward", "vjp"):
        one = getattr(way, name)
        monkeypatch.setattr(way, name, lambda *given, one=one, name=name: taken.append(name) or one(*given))
    transformed = heatmap_of(config).values
    assert {"forward", "vjp"} == set(taken)
    for name in ("forward_way", "vjp_way"):
        monkeypatch.setattr(conv, name, lambda *given: "folded")
    with ThreadPoolExecutor(1) as fresh:  # in which no step is kept as it was
        direct = fresh.submit(heatmap_of, config).result().values
    np.testing.assert_allclose(transformed, direct, rtol=1e-10, atol=1e-12 * direct.max())


def test_uniform_kernels_through_the_fourier_way_stay_near_exact() -> None:
    config = build({"stem": "3x13x13:16=linear", "input": 51, "init": {"kind": "uniform_kernel"}})
    assert choice.forward_way((13, 13, 16, 16), Axis(25, 13, 13), Axis(25, 13, 13), 1, 16) == "fourier"
    box = np.ones(13) / 13
    line = np.pad(np.convolve(np.convolve(box, box), box), 7)
    heatmap = heatmap_of(config).values
    np.testing.assert_allclose(heatmap / 16, np.outer(line, line), rtol=0, atol=1e-5 * line.max() ** 2)


def test_a_gradient_does_not_depend_on_what_was_run_before() -> None:
    fields = {"stem": "4x3x3 res(2x3x3:8) 5x5:8/2 gap", "input": 33, "probes": {"count": 8}}
    first = heatmap_of(build(fields)).values
    heatmap_of(build(fields | {"init": {"seed": 5}}))
    heatmap_of(build(fields | {"probes": {"count": 3}}))
    np.testing.assert_array_equal(heatmap_of(build(fields)).values, first)


def test_a_probe_makes_the_same_gradient_in_any_company() -> None:
    config = build({"stem": "3x3:8 5x5:8 3x3:8", "input": 21, "probes": {"count": 9}, "dtype": "float64"})
    plan = plan_of(config).cone
    parameters = step_parameters(plan.steps, draw_weights(config), np.dtype("float64"))
    probes = draw_probes(config.probes, config.input, plan.box, 0, 9).astype(np.float64)
    together = gradient_of(config, probes, parameters).values.copy()
    for index in (0, 4, 8):
        alone = gradient_of(config, np.ascontiguousarray(probes[..., [index]]), parameters).values
        np.testing.assert_allclose(alone[..., 0], together[..., index], rtol=1e-10, atol=1e-14)


@given(st.booleans(), st.integers(1, 400), st.integers(1, 900), st.integers(1, 5000))
def test_chunks_cover_a_product_in_whole_rows(in_place: bool, m: int, k: int, n: int) -> None:
    with patch.object(product, "reads_small_in_place", lambda: in_place):
        rows, columns = product.chunk.__wrapped__(m, k, n)
    assert m % rows == 0
    assert rows == m or in_place
    assert 1 <= columns <= n
    assert (rows, columns) == (m, n) or rows * k * columns <= 10**6


def test_blocks_of_memory_are_not_shared_between_arrays_in_use() -> None:
    held_arrays = [empty((64, 100), np.dtype(np.float32)) for _ in range(20)]
    for number, array in enumerate(held_arrays):
        array[...] = number
    assert [float(array.max()) for array in held_arrays] == list(range(20))
    addresses = {array.__array_interface__["data"][0] for array in held_arrays}
    assert all(address % 64 == 0 for address in addresses)


def test_a_cone_costs_the_same_on_a_wider_plane() -> None:
    narrow = build({"stem": "4x3x3:8", "input": 21})
    wide = msgspec.structs.replace(narrow, input=msgspec.structs.replace(narrow.input, height=84, width=84))
    assert plan_of(wide).cone.box.height == plan_of(narrow).cone.box.height == 9
    assert [step.y for step in plan_of(wide).cone.steps] == [step.y for step in plan_of(narrow).cone.steps]


def test_threads_measure_the_same_bits_side_by_side() -> None:
    stems = ["4x3x3", "2x9x9:16", "res(2x3x3:8) max2x2/2", "dw5x5 3x3@2"]
    configs = [build({"stem": stem, "input": 41, "init": {"seed": seed}}) for seed in range(6) for stem in stems]
    one_by_one = [heatmap_of(config).values for config in configs]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda config: heatmap_of(config).values, configs))
    for one, other in zip(one_by_one, together, strict=True):
        np.testing.assert_array_equal(one, other)
