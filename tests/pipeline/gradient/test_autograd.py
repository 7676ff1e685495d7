"""Heatmaps against reverse-mode differentiation by PyTorch."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.draws import draw_probes, draw_weights
from pipeline.errors import InputError
from pipeline.gradient import plan_of
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import Watch
from pipeline.ops.maxpool import Places
from pipeline.stem import Affine, BatchNorm, Box, Convolution, GroupNorm, InstanceNorm, LayerNorm, Plane, PReLU
from pipeline.sweep.build import build
from tests.heatmaps import gradient_of, heatmap_of
from tests.strategies import stems

pytest.importorskip("torch", reason="autograd of PyTorch is the independent gradient (extra `oracle`)")

from tests.torch_network import TorchNetwork

pytestmark = pytest.mark.usefixtures("memory_and_ways")

ROUNDING = 1e-12
"""How near to a kink a pre-activation, or how near to a tie a maximum, may be in float64."""

VANISHING = 1e-12
"""A gradient that is zero but for rounding, as that of the sum of a layer norm's channels."""

NORMS = {LayerNorm, GroupNorm, InstanceNorm}
CANCELLED = 1e-14
"""What rounding leaves of gradients near 1 that cancel through a norm of two numbers, to 1e-5 or 1e-10."""
CANCELLED_SINGLE = 2e-6
"""What float32 leaves of gradients up to 4 by copies of one pixel that are normalised together: they cancel, and each
is rounded by itself."""

RANDOM_INITS = (
    "lecun_uniform",
    "lecun_normal",
    "he_uniform",
    "he_normal",
    "glorot_uniform",
    "glorot_normal",
    "normal",
    "orthogonal",
)


def torch_gradient(config):
    """(gradient by the probes [n, height, width, channels], smallest distance to a kink or a tie)."""
    plane = config.input
    probes = draw_probes(config.probes, plane, Box(0, plane.height, 0, plane.width), 0, config.probes.count)
    oracle = TorchNetwork(config, draw_weights(config))
    return oracle.input_gradient(probes.transpose(3, 0, 2, 1)), oracle.closest


def torch_heatmap(config):
    gradient, closest = torch_gradient(config)
    made = {"abs": np.abs, "square": np.square, "relu": lambda g: np.maximum(g, 0)}[config.readout.gradient](gradient)
    return made.sum(axis=(0, 3)), closest


@st.composite
def configs(draw, **of_stems):
    """Configs in float64 of random stems, with any random init, probes, readout unit, reduction and gradient."""
    stem, plane = draw(stems(**of_stems))
    fields = {
        "stem": stem,
        "input": plane,
        "dtype": "float64",
        "init": {"kind": draw(st.sampled_from(RANDOM_INITS)), "seed": draw(st.integers(0, 9))},
        "probes": {"kind": draw(st.sampled_from(("uniform", "normal"))), "count": draw(st.integers(1, 3))},
        "readout": {"gradient": draw(st.sampled_from(("abs", "square", "relu")))},
    }
    made = build(fields).network[-1].output
    channel = st.one_of(st.integers(0, made.channels - 1), st.sampled_from(("sum", "mean", "relu_sum")))
    fields["readout"]["channel"] = draw(channel)
    if draw(st.booleans()):
        fields["readout"]["position"] = [
            draw(st.integers(0, made.height - 1)),
            draw(st.integers(0, made.width - 1)),
        ]
    return build(fields)


def agrees(config):
    """Holds a config's heatmap against PyTorch's; False where rounding decides a kink or a tie: draw another."""
    expected, closest = torch_heatmap(config)
    if closest <= ROUNDING:
        return False
    found = heatmap_of(config)
    assert found.n_nan == 0
    if expected.max() < VANISHING:
        assert found.values.max() < VANISHING
    else:
        cancelled = CANCELLED if NORMS.intersection(type(node.layer) for node in config.network) else 0
        assert np.abs(found.values - expected).max() <= 1e-10 * expected.max() + cancelled
    return True


@settings(max_examples=500)
@given(configs())
def test_float64_agrees_with_autograd_on_random_stems(config):
    assume(agrees(config))


@pytest.mark.parametrize(
    "of_stems",
    [
        {"kinds": ("conv", "dw"), "depth": 6, "largest": 16},
        {"kinds": ("conv", "max", "avg"), "depth": 5, "largest": 16},
        {"kinds": ("t", "up", "conv"), "depth": 4},
        {"kinds": ("conv", "t", "act", "ln", "res", "res_pre"), "depth": 4},
        {"kinds": ("conv", "dw", "res", "res_pre"), "modes": ("reflect", "replicate", "circular"), "depth": 4},
        {"kinds": ("conv", "dw"), "features": 12, "channels": 6, "depth": 3},
    ],
    ids=["plain", "pooled", "enlarged", "residual", "folded", "wide"],
)
def test_float64_agrees_with_autograd_on_stems_of_some_kinds(of_stems):
    @settings(max_examples=60)
    @given(configs(**of_stems))
    def agree(config):
        assume(agrees(config))

    agree()


@pytest.mark.parametrize(
    ("stem", "plane"),
    [
        ("3x4x4", 13),
        ("2x2 4x6 5x2=tanh", "9x12x2"),
        ("2x4x4/2@2", 15),
        ("4x4/3p2 t4x4/3p1", 11),
        ("6x9x9", 5),
        ("31x31 dw31x31:8", "7x4x3"),
        ("3x3@5 3x3@9=gelu", "6x3x1"),
        ("4x3x3/2", 16),
        ("3x3p0 3x3p0", 5),
        ("gap 1x1", "5x7x2"),
        ("3x3/2 gap bn 1x1:3=silu", "9x7x2"),
        ("20x3x3:3", 17),
        ("2x3x3~reflect 5x5~circular 5x4~replicate", "5x6x2"),
        ("t3x3/2p2 t2x3/3x1=elu t1x1/4", "4x3x2"),
        ("res(res(res_pre(2x3x3:2) 3x3/2:2 relu) up2 3x3:2=tanh)=mish", "8x6x2"),
        ("2xres(3x3/2:3 dw5x5 1x1:5) res_pre(bn relu 3x3:5 ln 3x3:5)", "12x9x2"),
        ("relu 3x3", 7),
        ("3x3=linear res(relu 3x3)", 7),
        ("res_pre(relu 1x1:1)", 5),
        ("bn selu res(bn) ln", "3x3x5"),
        ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", "33x33x3"),
        ("4x4/4:24 ln dw7x7 ln 1x1:96=gelu 1x1:24=linear", "32x32x3"),
        ("3x21x21:8=leaky_relu", "40x50x2"),
        ("2x13x13:32", "33x33x8"),
        ("11x12:16~reflect 12x11p3x2:16=tanh", "37x41x4"),
    ],
)
@pytest.mark.parametrize("channel", [0, "sum"])
def test_float64_agrees_with_autograd_on_hard_cases(stem, plane, channel):
    assert agrees(build({"stem": stem, "input": plane, "dtype": "float64", "readout": {"channel": channel}}))


@pytest.mark.parametrize(
    "stem", ["max3x3", "max2x2/2", "max3x3/2p1", "3x3=linear max3x3 1x1=linear", "2xmax2x3 res(max3x3)"]
)
@pytest.mark.parametrize("probes", ["constant", "checkered"])
def test_ties_of_max_pooling_go_to_the_first_in_row_major_order(stem, probes, tmp_path):
    """Weights and probes are integers: every value is exact and ties are everywhere."""
    fields = {"stem": stem, "input": "9x8x2", "dtype": "float64", "probes": {"kind": "constant", "count": 1}}
    if probes == "checkered":
        values = np.indices((3, 9, 8, 2)).sum(axis=0) % 3 - 1.0
        np.save(tmp_path / "probes.npy", values)
        fields["probes"] = {"kind": "file", "path": str(tmp_path / "probes.npy")}
    weights = {}
    for node in build(fields).network:
        if isinstance(node.layer, Convolution):
            count = int(np.prod(node.weight_shape))
            weights[f"layer{node.index}.weight"] = (np.arange(count) % 5 - 2.0).reshape(node.weight_shape)
    if weights:
        np.savez(tmp_path / "weights.npz", **weights)
        fields["init"] = {"kind": "file", "path": str(tmp_path / "weights.npz")}
    config = build(fields)
    expected, _ = torch_heatmap(config)
    assert expected.any()
    np.testing.assert_array_equal(heatmap_of(config).values, expected)


@st.composite
def separable(draw):
    """Stems of large kernels in two or three parts, grouped, dilated, strided: a row's, a column's, pixel by pixel."""
    side = st.integers(1, 15)
    parts = [f"1x1:{draw(st.sampled_from((4, 8, 12)))}"]
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(("dw", "dw", "", "g2", "g4", "t")))
        size = draw(st.sampled_from(("1x{}", "{}x1", "{}x2", "3x{}"))).format(draw(side))
        text = ("dw" if kind == "dw" else "t" if kind == "t" else "") + size
        text += draw(st.sampled_from(("", "", "/2x1", "/1x2", "/2")))
        text += draw(st.sampled_from(("", "", "@2x1", "@1x2")))
        text += "" if kind == "dw" else ":" + draw(st.sampled_from(("4", "8")))
        text += kind if kind.startswith("g") else ""
        parts.append(text + draw(st.sampled_from(("", "=linear", "=tanh"))))
    stem = " ".join(parts)
    if draw(st.booleans()):
        stem = f"res({stem})"
    fields = {"stem": stem, "input": draw(st.sampled_from(("17x19x3", "24x9x1", "9x24x2"))), "dtype": "float64"}
    fields["probes"] = {"count": draw(st.sampled_from((1, 3, 13, 28)))}
    fields["readout"] = {"channel": draw(st.sampled_from((0, "sum")))}
    try:
        return build(fields)
    except InputError:
        return None


@settings(max_examples=120)
@given(separable().filter(bool))
def test_float64_agrees_with_autograd_on_separable_stems(config):
    assume(agrees(config))


@pytest.mark.parametrize(
    ("stem", "plane", "probes"),
    [
        ("1x1:64 dw1x31 dw11x1 1x1:64", "40x40x3", 8),
        ("1x1:8 1x9:8g4 9x1:8g4", "24x24x2", 3),
        ("1x1:8 res(dw1x7 dw7x1) dw5x1/2 dw1x5/2", "24x24x2", 3),
        ("3x5x1/2:64", 31, 28),
        ("2xt63x1/2:16", "24x1x2", 28),
        ("res(ln dw13x1@2x1) up2 5x5:16", "9x12x4", 2),
    ],
)
def test_float64_agrees_with_autograd_on_kernels_in_rows_and_columns(stem, plane, probes):
    assert agrees(build({"stem": stem, "input": plane, "dtype": "float64", "probes": {"count": probes}}))


def trained(config, seed):
    """Arrays by name for every parameter that the layers of a config can have, biases and statistics too."""
    drawn = np.random.default_rng(seed)
    found = {}
    for node in config.network:
        name, channels = f"layer{node.index}", node.output.channels
        if isinstance(node.layer, Convolution):
            found[f"{name}.weight"] = drawn.normal(0, node.fan_in**-0.5, node.weight_shape)
            found[f"{name}.bias"] = drawn.normal(0, 0.3, channels)
        elif isinstance(node.layer, PReLU):
            found[f"{name}.weight"] = drawn.uniform(-0.3, 0.6, channels)
        elif isinstance(node.layer, BatchNorm | Affine | LayerNorm | GroupNorm | InstanceNorm):
            found[f"{name}.weight"] = drawn.normal(1, 0.3, channels)
            found[f"{name}.bias"] = drawn.normal(0, 0.3, channels)
        if isinstance(node.layer, BatchNorm):
            found[f"{name}.running_mean"] = drawn.normal(0, 0.3, channels)
            found[f"{name}.running_var"] = drawn.uniform(0.2, 2, channels)
    return found


def test_trained_stems_agree_with_autograd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")

    @settings(max_examples=120)
    @given(configs(), st.integers(0, 99))
    def agree(config, seed):
        arrays = trained(config, seed)
        if not arrays:
            return
        path = folder / f"{config.digest[:16]}-{seed}.npz"
        np.savez(path, **arrays)
        readout = {"channel": config.readout.channel, "gradient": config.readout.gradient}
        fields = {"stem": config.stem, "input": config.input, "dtype": "float64", "readout": readout}
        assume(agrees(build(fields | {"init": {"kind": "file", "path": str(path)}, "probes": {"count": 2}})))

    agree()


@pytest.mark.parametrize(
    ("kind", "bias"),
    [(kind, bias) for kind in ("sigmoid", "silu", "softplus", "mish", "elu", "selu") for bias in (-20, -40)]
    + [("gelu", -3), ("tanh", -3)],
)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-6), ("float64", 1e-11)])
def test_units_far_below_zero_are_not_dead(kind, bias, dtype, tolerance, tmp_path):
    """The slope of the last activation is as small as 1e-17 there, and right; PyTorch's of GELU and tanh are not."""
    stem = f"3x3:4=tanh 3x3:1={kind}"
    arrays = trained(build({"stem": stem, "input": 9}), 3) | {"layer1.bias": np.full(1, bias)}
    np.savez(tmp_path / "w.npz", **arrays)
    init = {"kind": "file", "path": str(tmp_path / "w.npz")}
    fields = {"stem": stem, "input": 9, "init": init, "probes": {"count": 8}}
    expected, _ = torch_heatmap(build(fields | {"dtype": "float64"}))
    found = heatmap_of(build(fields | {"dtype": dtype}))
    assert (found.n_zero, found.n_nan) == (0, 0)
    assert np.abs(found.values - expected).max() <= tolerance * expected.max()


def choices(config, out, traces):
    """[n]-last arrays of every choice that a forward pass made: signs at ReLUs, places of maxima."""
    found = [out > 0] if config.readout.channel == "relu_sum" else []
    for trace in traces:
        slope = trace.slope
        if slope is not None:
            found.append(slope if slope.dtype == bool else slope > 0.5)
        if isinstance(trace.saved, Places):
            found.append(trace.saved.tap)
    return [np.array(choice) for choice in found]


def gradient_and_choices(config, dtype):
    """(gradient of the cone, its choices, indices of the probes that a heatmap would measure again)."""
    plan = plan_of(config).cone
    probes = draw_probes(config.probes, config.input, plan.box, 0, config.probes.count).astype(dtype)
    parameters = step_parameters(plan.steps, draw_weights(config), np.dtype(dtype))
    gradient, _, beyond = gradient_of(config, probes, parameters)
    gradient = np.array(gradient)
    return gradient, choices(config, *forward(plan.steps, probes, parameters, None, Watch(probes.shape[3]))), beyond


@settings(max_examples=100)
@given(configs())
def test_float32_agrees_with_autograd_in_float64_on_random_stems(config):
    """But for probes in which rounding turns a choice over."""
    gradient, closest = torch_gradient(config)
    assume(closest > ROUNDING)
    single, chosen, beyond = gradient_and_choices(config, np.float32)
    _, exact, _ = gradient_and_choices(config, np.float64)
    kept = np.ones(config.probes.count, bool)
    kept[beyond] = False  # measured again in float64
    for one, two in zip(chosen, exact, strict=True):
        kept &= (one == two).all(axis=tuple(range(one.ndim - 1)))
    box = plan_of(config).cone.box
    expected = gradient.transpose(1, 3, 2, 0)[box.top : box.bottom, :, box.left : box.right]
    largest = np.abs(expected).max(axis=(0, 1, 2))
    norms = NORMS.intersection(type(node.layer) for node in config.network)
    tolerance = 1e-5 * largest + (CANCELLED_SINGLE if norms else VANISHING)
    assert (np.abs(single - expected).max(axis=(0, 1, 2)) <= tolerance)[kept].all()


@pytest.mark.parametrize(
    "stem",
    [
        "4x3x3",
        "20x3x3:16",
        "4x5x5=leaky_relu",
        "3x7x7/2:8=tanh",
        "7x7/2:16 max3x3/2 2xres(2x3x3:16)",
        "3xres_pre(bn relu 3x3:8)",
        "4x4/4:24 ln dw7x7 ln 1x1:96=gelu 1x1:24=linear",
        "3x3/2:8 t4x4/2:8=silu avg3x3 up2 3x3@2",
        "dw5x5:8=softplus 2x1x1:8=elu 3x3g2:4=sigmoid",
        "20x3x3:16=linear",
        "13x13:32 13x13:32",
    ],
)
def test_float32_agrees_with_float64_probe_by_probe(stem):
    """But for probes in which rounding turns a ReLU or a maximum over: they are real, and few."""
    flipped = total = 0
    for seed in range(3):
        fields = {"stem": stem, "input": "33x33x2", "init": {"kind": "he_normal", "seed": seed}}
        config = build(fields | {"probes": {"seed": seed, "count": 16}})
        single, chosen, beyond = gradient_and_choices(config, np.float32)
        double, exact, beyond_double = gradient_and_choices(config, np.float64)
        assert not beyond.size
        assert not beyond_double.size
        for probe in range(config.probes.count):
            total += 1
            if any((one[..., probe] != two[..., probe]).any() for one, two in zip(chosen, exact, strict=True)):
                flipped += 1
                continue
            error = np.abs(single[..., probe] - double[..., probe]).max()
            assert error <= 1e-5 * np.abs(double[..., probe]).max()
    assert flipped <= total / 10


def test_the_cone_computes_what_the_whole_plane_does():
    """A plane far larger than the cone, read by PyTorch in full."""
    for stem in ("4x3x3", "3x3/2 5x5@2=gelu max2x2/2", "res(2x3x3)", "t4x4/2 3x3"):
        config = build({"stem": stem, "input": Plane(40, 31, 2), "dtype": "float64", "probes": {"count": 2}})
        assert agrees(config)
