"""The closed form against exact tables, a network of ones, and Monte Carlo."""

import re
from math import ldexp, sqrt

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.sizes import theory_columns
from pipeline.stem import SAME, AvgPool, Convolution, GlobalAvgPool, PReLU
from pipeline.sweep.build import build
from pipeline.theory.expected import expected
from tests.box_network import responses
from tests.boxes import BOXES
from tests.strategies import stems

RANDOM = ("lecun_uniform", "lecun_normal", "he_uniform", "he_normal", "glorot_uniform", "glorot_normal", "normal")


def config(stem, side=101, init="lecun_uniform", gradient="abs", channel=0, position="center", **fields):
    readout = {"gradient": gradient, "channel": channel, "position": position}
    return build({"stem": stem, "input": side, "init": {"kind": init}, "readout": readout, **fields})


def on_plane(made):
    """V on the whole input plane, without rounding its factor 2**exponent away."""
    found = expected(made)
    plane = np.zeros((made.input.height, made.input.width))
    height, width = found.values.shape
    plane[found.top : found.top + height, found.left : found.left + width] = found.values
    return plane * ldexp(1.0, found.exponent)


def spread(values):
    """(variance along y, variance along x) of a map about its centroid."""
    share = values / values.sum()
    variances = []
    for profile in (share.sum(axis=1), share.sum(axis=0)):
        at = np.arange(len(profile))
        variances.append(profile @ at**2 - (profile @ at) ** 2)
    return variances


TABLE = [(box.kernel, box.layers, box.sigma, box.axis_90, box.luo, box.luo_root, box.share) for box in BOXES]


@pytest.mark.parametrize(("k", "n", "sigma", "eff_rf", "luo", "luo_root", "share"), TABLE)
def test_uniform_kernels_give_the_self_convolution_of_the_box(k, n, sigma, eff_rf, luo, luo_root, share):
    made = config(f"{n}x{k}x{k}=linear", init="uniform_kernel")
    theory = theory_columns(made)
    assert theory.pred_sigma == pytest.approx(sigma, abs=1e-6)
    assert theory.pred_eff_rf == eff_rf
    assert theory.pred_luo == pytest.approx(luo, abs=1e-4)
    heatmap = np.sqrt(on_plane(made))
    assert heatmap[50, 50] / heatmap.sum() == pytest.approx(share, abs=1e-8)
    assert heatmap.sum() == pytest.approx(1)  # kernels that sum to one


@pytest.mark.parametrize(("k", "n", "sigma", "eff_rf", "luo", "luo_root", "share"), TABLE)
@pytest.mark.parametrize("activation", ["", "=linear", "=leaky_relu"])
def test_random_weights_give_the_same_map_squared(k, n, sigma, eff_rf, luo, luo_root, share, activation):
    stem = f"{n}x{k}x{k}{activation}"
    squared = theory_columns(config(stem, gradient="square"))
    assert squared.pred_sigma == pytest.approx(sigma, abs=1e-6)
    assert squared.pred_eff_rf == eff_rf
    assert squared.pred_luo == pytest.approx(luo, abs=1e-4)
    assert theory_columns(config(stem)).pred_luo == pytest.approx(luo_root, abs=1e-4)


@pytest.mark.parametrize(("stem", "sigma"), [("4x3x3", 2.0258), ("4x5x5", 3.5959)])
@pytest.mark.parametrize("gradient", ["abs", "relu"])
def test_the_absolute_gradient_tends_to_the_square_root(stem, sigma, gradient):
    assert theory_columns(config(stem, gradient=gradient)).pred_sigma == pytest.approx(sigma, abs=5e-5)


def test_centred_squares_of_four_layers_hold_their_shares():
    heatmap = np.sqrt(on_plane(config("4x3x3=linear", init="uniform_kernel")))
    held = [heatmap[50 - r : 51 + r, 50 - r : 51 + r].sum() * 6561 for r in range(5)]
    assert held == pytest.approx([361, 2601, 5041, 6241, 6561])


@pytest.mark.parametrize(
    ("stem", "rf", "sigma"),
    [
        ("15x3x3", 31, sqrt(10)),
        ("3x3@2 3x3@4 3x3@8 12x3x3", 53, 8.0),
        ("12x3x3 3x3@2 3x3@4 3x3@8", 53, 8.0),
        ("4x3x3 3x3/2 4x3x3 3x3/2 4x3x3 3x3/2", 71, 8.366600),
    ],
)
def test_strides_and_dilations_add_their_variances(stem, rf, sigma):
    theory = theory_columns(config(stem, side=161, gradient="square"))
    assert theory.theo_rf == rf
    assert theory.pred_sigma == pytest.approx(sigma, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(1, 5)] * 2, *[st.integers(1, 2)] * 2, *[st.integers(1, 3)] * 2), min_size=1, max_size=4
    )
)
def test_variance_is_the_sum_over_layers_away_from_borders(layers):
    stem = " ".join(f"{ky}x{kx}/{sy}x{sx}@{dy}x{dx}" for ky, kx, sy, sx, dy, dx in layers)
    made = config(stem, side=301, init="normal", gradient="square")
    assert not theory_columns(made).saturated
    variances, jumps = [0.0, 0.0], [1, 1]
    for ky, kx, sy, sx, dy, dx in layers:
        for axis, (k, s, d) in enumerate(((ky, sy, dy), (kx, sx, dx))):
            variances[axis] += jumps[axis] ** 2 * d**2 * (k**2 - 1) / 12
            jumps[axis] *= s
    assert spread(on_plane(made)) == pytest.approx(variances, abs=1e-7)


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize(("blocks", "body"), [(1, "3x3"), (5, "3x3"), (3, "5x5@2")])
def test_mean_preserving_residual_blocks_halve_the_variance(blocks, body, channels):
    # One layer a block: x + F(x) has the kernel (1 + F)/2 but for scale, and the identity has no variance.
    plane = {"height": 101, "width": 101, "channels": channels}
    skipped = config(f"{blocks}xres_pre({body})", init="uniform_kernel", input=plane)
    plain = config(f"{blocks}x{body}=linear", init="uniform_kernel", input=plane)
    halves = [variance / 2 for variance in spread(np.sqrt(on_plane(plain)))]
    assert spread(np.sqrt(on_plane(skipped))) == pytest.approx(halves)
    assert np.sqrt(on_plane(skipped)).sum() == pytest.approx(2**blocks)


def counted(node, along):
    """How many pixels the windows of an average pooling divide by, [outputs]: counted one by one on a padded line."""
    layer, axis = node.layer, (node.y, node.x)[along]
    if layer.padding is None:
        ends = (axis.kernel - 1) // 2, axis.kernel // 2
    elif layer.padding == SAME:
        ends = axis.before, axis.after
    else:
        side = layer.padding[along]
        ends = side if isinstance(side, tuple) else (side, side)
    counts_padding = layer.count_padding and layer.padding != SAME
    line = np.concatenate([np.full(ends[0], counts_padding), np.ones(axis.size_in), np.full(ends[1], counts_padding)])
    windows = [line[axis.stride * output :][: axis.kernel] for output in range(axis.size_out)]
    return [window.sum() for window in windows]


def gains(made):
    """The gain of each layer, as the design words it, for maps whose boxes are all ones and sum over channels."""
    kind = made.init.kind
    slopes = {"linear": 1.0, "relu": 1 / 2, "leaky_relu": (1 + 0.01**2) / 2}

    def gain(node):
        if kind == "uniform_kernel":
            if isinstance(node.layer, Convolution):
                return 1 / node.fan_in
            if isinstance(node.layer, AvgPool):
                return 1 / np.outer(counted(node, 0), counted(node, 1))
            if isinstance(node.layer, GlobalAvgPool):
                return 1 / (node.y.kernel * node.x.kernel)
            return 1.0
        if isinstance(node.layer, PReLU):
            return (1 + 0.25**2) / 2
        if not isinstance(node.layer, Convolution):
            return slopes[node.activation]
        height, width, inputs, features = node.weight_shape
        fan_in, fan_out = height * width * inputs, height * width * features // node.groups
        variance = {"lecun": 1 / fan_in, "he": 2 / fan_in, "glorot": 2 / (fan_in + fan_out), "normal": 1.0}
        return variance[kind.split("_")[0]] * slopes[node.activation]

    return gain


LAWFUL = {
    "kinds": (
        *("conv", "dw", "t", "up", "bn", "res_pre", "act"),
        *("pad", "crop", "slice", "channelshuffle", "pixelshuffle", "pixelunshuffle", "affine", "prelu", "cat", "add"),
    ),
    "activations": ("linear", "relu", "leaky_relu"),
}
MAY_BREAK_IT = re.compile(r"res_pre|add|[)]=|prelu|(^|[( |]|[0-9]x)(relu|leaky_relu)")
"""Sums without a linear end, and activations that do not follow a convolution directly."""


@settings(max_examples=300, deadline=None)
@given(stems(**LAWFUL, largest=9, depth=5), st.sampled_from(RANDOM), st.data())
def test_the_map_is_carried_back_on_the_actual_planes(stem, kind, data):
    made = config(stem[0], init=kind, input=stem[1])
    if expected(made) is None:
        assert MAY_BREAK_IT.search(made.stem)
        return
    reached = responses(made.network, gains(made))
    channel, *unit = (data.draw(st.integers(0, side - 1)) for side in reached.shape[:3])
    at_unit = config(stem[0], init=kind, input=stem[1], position=unit, channel=channel)
    assert np.allclose(on_plane(at_unit), reached[channel, *unit], rtol=1e-10, atol=0)


LINEAR = (
    *("conv", "dw", "t", "up", "avg", "gap", "bn", "res", "res_pre", "act", "bilinear", "adaptive"),
    *("pad", "crop", "slice", "channelshuffle", "pixelshuffle", "pixelunshuffle", "affine", "cat", "add"),
)


@settings(max_examples=200, deadline=None)
@given(stems(kinds=LINEAR, activations=("linear",), largest=9), st.data())
def test_uniform_kernels_have_their_exact_map(stem, data):
    made = config(stem[0], init="uniform_kernel", input=stem[1])
    reached = responses(made.network, gains(made))
    channel = data.draw(st.integers(0, len(reached) - 1))
    for which, exact in ((channel, reached[channel]), ("sum", reached.sum(axis=0)), ("mean", reached.mean(axis=0))):
        at_unit = config(stem[0], init="uniform_kernel", input=stem[1], channel=which)
        assert np.allclose(np.sqrt(on_plane(at_unit)), exact[made.unit], rtol=1e-10, atol=0)


@pytest.mark.parametrize(
    ("stem", "side", "unit", "line"),
    [
        ("avg3x3/2", 5, 0, [1 / 3, 1 / 3, 0, 0, 0]),  # padding counts
        ("avg3x3/2~nopad", 5, 0, [1 / 2, 1 / 2, 0, 0, 0]),
        ("avg3x3/2psame", 4, 1, [0, 0, 1 / 2, 1 / 2]),  # no padding before, one pixel behind, which never counts
        ("avg3x3/2p0~ceil", 6, 2, [0, 0, 0, 0, 1 / 2, 1 / 2]),  # hangs over the plane by one pixel
        ("avg4x4/3p1~ceil", 6, 2, [0, 0, 0, 0, 0, 1 / 2]),  # one pixel and one of padding count, and two beyond do not
        ("avg4x4/3p1~ceil~nopad", 6, 2, [0, 0, 0, 0, 0, 1]),
        ("2xavg2x2p0+1~nopad", 3, 2, [0, 0, 1]),
        ("2xavg2x2p0+1~nopad", 3, 1, [0, 1 / 4, 3 / 4]),  # the mean of (x1 + x2) / 2 and x2
    ],
)
def test_windows_of_an_average_share_among_the_pixels_that_count(stem, side, unit, line):
    made = config(stem, side=side, init="uniform_kernel", position=[unit, unit])
    assert np.allclose(np.sqrt(on_plane(made)), np.outer(line, line), rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "stem",
    [
        "3x3=gelu", "3x3=tanh 3x3", "3x3 max2x2/2", "avg3x3 3x3", "3x3 gap", "3x3 ln", "res(3x3)", "3x3 relu",
        "relu 3x3", "3x3=linear relu leaky_relu", "res_pre(3x3 relu)", "res_pre(3x3 bn relu)", "res_pre(res_pre(3x3))",
        "res_pre(3x3 res_pre(3x3))", "res_pre(3x3) relu", "3x3=linear up2 relu",
        "3x3 bilinear2 3x3", "bilinear2", "3x3 adaptive7", "mul(|3x3)", "3x3 in", "3x3 gn2", "3x3 lrn3", "3x3=relu6",
        "3x3=linear hardtanh", "cat(|3x3)=relu", "cat(|3x3=linear) relu", "3x3 prelu", "add(3x3|5x5)=relu", "add(|bn)",
        "3x3=linear add(bn|)", "3x3=linear#a 3x3 add(#a|#a)", "add(3x3=relu|3x3=relu)",
    ],
)  # fmt: skip
def test_where_the_law_does_not_hold_there_is_no_prediction(stem):
    theory = theory_columns(config(stem, side=21, input="21x21x4"))
    assert theory.pred_sigma is theory.pred_eff_rf is theory.pred_luo is None
    assert theory.theo_rf > 0


def test_orthogonal_weights_depend_on_each_other_and_have_no_prediction():
    assert expected(config("4x3x3", init="orthogonal")) is None


@pytest.mark.parametrize("channel", ["sum", "mean", "relu_sum"])
def test_readouts_that_mix_channels_have_no_prediction(channel):
    assert expected(config("4x3x3", channel=channel)) is None


@pytest.mark.parametrize(
    "stem",
    [
        "3x3=linear relu", "3x3=linear bn relu", "3x3=linear linear leaky_relu", "bn 3x3 bn", "3x3 up2 3x3",
        "res_pre(3x3)", "res_pre(3x3 3x3 bn)", "res_pre(3x3=linear res_pre(3x3))", "dw3x3 t2x2/2", "linear 3x3",
        "cat(1x1|1x1 3x3|1x1 5x5)", "cat(|3x3) 3x3", "3x3=linear cat(|relu 3x3=linear) bn relu", "add(3x3|5x5|)",
        "3x3#a 3x3/2 add(up2 3x3|#a) 3x3", "cat(slice0:2|slice2:4 3x3:2) channelshuffle2", "pad1~reflect 3x3p0 crop1",
        "3x3=linear prelu", "3x3 affine", "3x3=leaky_relu(0.2)", "add(1x1:1|) 3x3",
        "3x3 pixelshuffle2 3x3 pixelunshuffle2", "3x3=linear pixelshuffle2 relu",
    ],
)  # fmt: skip
def test_where_the_law_holds_there_is_one(stem):
    assert theory_columns(config(stem, side=21, input="20x20x4")).pred_sigma is not None


def test_an_activation_behind_a_convolution_is_the_convolutions_own():
    assert np.array_equal(on_plane(config("3x3=linear bn relu 3x3")), on_plane(config("3x3 3x3")))


def test_uniform_kernels_need_linear_layers():
    assert expected(config("4x3x3", init="uniform_kernel")) is None
    assert expected(config("4x3x3=linear", init="uniform_kernel")) is not None
    assert expected(config("4x3x3=linear max2x2", init="uniform_kernel")) is None


def test_squares_of_uniform_kernels_add_over_channels_that_differ():
    # Through the shortcut only channel 0 of three has a gradient; through the body all of them.
    made = config("res_pre(3x3:3)", side=21, init="uniform_kernel", gradient="square", input="21x21x3")
    plane = np.zeros((21, 21))
    plane[9:12, 9:12] = 3 / 27**2
    plane[10, 10] = (1 + 1 / 27) ** 2 + 2 / 27**2
    assert np.allclose(on_plane(made), plane, rtol=1e-12, atol=0)


def test_a_dead_unit_has_no_prediction():
    made = config("1x1p3", side=5, position=[0, 0])
    assert expected(made).dead
    assert theory_columns(made).pred_sigma is None


def test_thousands_of_layers_neither_overflow_nor_vanish():
    for init in ("lecun_uniform", "normal"):
        made = config("3000x3x3", side=31, init=init)
        assert np.isfinite(theory_columns(made).pred_sigma)
        values = expected(made).values
        assert np.allclose(values, values[::-1])
        assert np.allclose(values, values.T)
    # Without gradient through the border the slowest mode is left: a half sine along each axis.
    sine = np.sin(np.pi * np.arange(1, 32) / 32)
    assert np.allclose(values / values.max(), np.outer(sine, sine), atol=1e-6)


def test_seeds_probes_and_precision_play_no_part():
    first = theory_columns(config("4x3x3", probes={"count": 3, "kind": "normal"}))
    assert theory_columns(config("4x3x3", dtype="float64")) == first
    assert (
        theory_columns(build({"stem": "4x3x3", "input": 101, "init": {"seed": 9}, "readout": {"channel": 3}})) == first
    )
    scaled = theory_columns(config("4x3x3", init="neural_api"))  # the same map times a number, which is rounded
    assert scaled == msgspec.structs.replace(first, pred_sigma=pytest.approx(first.pred_sigma, rel=1e-14))


def test_the_columns_of_the_window():
    theory = theory_columns(config("2x2 res(2x2:4)", side=9, input="9x9x4"))
    assert (theory.theo_rf, theory.theo_rf_y, theory.center_x, theory.center_y) == (3, 3, 5.0, 5.0)
    assert (theory.saturated, theory.misaligned, theory.is_global) == (False, True, False)
    assert theory_columns(config("5x3x3", side=9)).saturated
    assert theory_columns(config("gap", side=9)).is_global


MONTE_CARLO = [
    # strides, dilation, several channels, borders, groups, folding, branches
    ("2x3x3:4", {"height": 7, "width": 7, "channels": 2}, None),
    ("3x3:4/2 3x3@2:4", {"height": 9, "width": 8, "channels": 1}, (0, 3)),
    ("5x5:4=leaky_relu 3x3:4=linear", {"height": 5, "width": 6, "channels": 3}, (4, 0)),
    ("3x3:4~reflect 3x3:2~replicate", {"height": 5, "width": 5, "channels": 2}, (0, 0)),
    ("3x3:4~circular dw3x3", {"height": 4, "width": 5, "channels": 2}, (3, 2)),
    ("t3x3/2:3 3x3g3:3", {"height": 5, "width": 4, "channels": 2}, (1, 3)),
    ("3x3:3 up2 3x3:2", {"height": 4, "width": 4, "channels": 2}, (3, 4)),
    ("res_pre(3x3:3 3x3:3) 3x3:2", {"height": 6, "width": 6, "channels": 3}, (0, 5)),
    ("res_pre(3x3/2:4) 3x3=linear bn relu", {"height": 7, "width": 7, "channels": 2}, (1, 1)),
    # concatenations, as of Inception, DenseNet and ShuffleNet; sums with marks and of branches that count for all
    ("3x3:2 cat(1x1:2|1x1:2 3x3:2|up2 3x3/2:1) 3x3:2", {"height": 5, "width": 6, "channels": 2}, (1, 2)),
    (
        "3x3:2=linear cat(|relu 1x1:3=linear relu 3x3:2=linear) bn relu 3x3",
        {"height": 6, "width": 5, "channels": 1},
        None,
    ),
    ("3x3:4 cat(slice0:2|slice2:4 3x3:2) channelshuffle2 3x3:4g2", {"height": 5, "width": 5, "channels": 2}, (2, 0)),
    ("3x3:2#a 3x3/2:3 add(up2 3x3:2|#a) 3x3:2", {"height": 6, "width": 6, "channels": 2}, (2, 3)),
    ("pad1+2x0+1~reflect 3x3:3p0 crop0+1x1/2 3x3=linear prelu", {"height": 6, "width": 6, "channels": 2}, (1, 1)),
    ("3x3:4 pixelshuffle2 3x3:2 pixelunshuffle2x1 3x3:2", {"height": 4, "width": 3, "channels": 2}, (1, 3)),
    ("3x3:2 add(3x3:2|3x3:1=linear|) 3x3:2", {"height": 5, "width": 5, "channels": 1}, (1, 1)),
]


@pytest.mark.parametrize(("stem", "plane", "position"), MONTE_CARLO)
@pytest.mark.parametrize("init", ["lecun_uniform", "glorot_normal"])
def test_monte_carlo(stem, plane, position, init):
    """The mean over fresh draws lies within its own standard errors of V, pixel by pixel.

    6 standard errors leave a chance of 2e-9 a pixel were the mean normal; its tails are somewhat heavier.
    """
    pytest.importorskip("torch", reason="autograd of PyTorch is the independent gradient (extra `oracle`)")
    from tests.torch_draws import squared_gradients

    made = config(stem, init=init, input=plane, position=list(position) if position else "center")
    squares = squared_gradients(made, draws=6000, seed=5)
    mean, error = squares.mean(axis=0), squares.std(axis=0) / sqrt(len(squares))
    exact = on_plane(made)
    assert np.all((exact > 0) == (mean > 0))
    assert np.abs(mean - exact).max(where=exact == 0, initial=0) == 0
    assert (np.abs(mean - exact) / np.where(error > 0, error, 1)).max() < 6
    totals = squares.sum(axis=(1, 2))
    assert totals.mean() == pytest.approx(exact.sum(), rel=0.1)
    assert totals.std() / sqrt(len(totals)) < 0.04 * exact.sum()  # so that a factor of 1.2 could not hide


@pytest.mark.parametrize(("draws", "tolerance"), [(16, 0.15), (64, 0.08), (256, 0.05)])
def test_monte_carlo_of_four_layers(draws, tolerance):
    """The sigma of a mean over so many draws stays within the tolerance, in nine samples out of ten."""
    pytest.importorskip("torch", reason="autograd of PyTorch is the independent gradient (extra `oracle`)")
    from tests.torch_draws import squared_gradients

    made = config("4x3x3", side=9, gradient="square")
    samples = squared_gradients(made, 12 * 256, seed=1).reshape(-1, draws, 9, 9).mean(axis=1)
    sigma = theory_columns(made).pred_sigma
    within = [abs(sqrt(variance) / sigma - 1) < tolerance for sample in samples for variance in spread(sample)]
    assert np.mean(within) > 0.9
