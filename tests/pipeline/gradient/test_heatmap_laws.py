"""What holds for every heatmap, whatever is measured."""

import random
import threading

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import plan_of
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import Watch
from pipeline.stem import Convolution, network
from pipeline.sweep.build import build
from pipeline.theory.support import support
from tests.heatmaps import heatmap_of
from tests.strategies import stems

pytestmark = pytest.mark.usefixtures("memory_and_ways")


def filed(folder, stem, plane, weights, probes, **readout):
    """A config in float64 with these weights (by layer) and probes [n, height, width, channels]."""
    number = len(list(folder.iterdir()))
    np.savez(folder / f"{number}.npz", **{f"layer{index}.weight": weight for index, weight in weights.items()})
    np.save(folder / f"{number}.npy", probes)
    fields = {"stem": stem, "input": plane, "dtype": "float64", "readout": readout}
    fields["init"] = {"kind": "file", "path": str(folder / f"{number}.npz")}
    return build(fields | {"probes": {"kind": "file", "path": str(folder / f"{number}.npy")}})


def random_weights(stem, plane, seed):
    drawn = np.random.default_rng(seed)
    nodes = [node for node in build({"stem": stem, "input": plane}).network if isinstance(node.layer, Convolution)]
    return {node.index: drawn.normal(0, node.fan_in**-0.5, node.weight_shape) for node in nodes}


SYMMETRIC = [
    ("2x3x3", "9x9x1"),
    ("3x5:3 5x3=tanh", "11x9x2"),
    ("3x3@2 5x1=gelu res(3x3:4)", "13x11x3"),
    ("3x3/2 3x3", "13x13x2"),
    ("dw3x3 1x1 avg3x3", "9x11x2"),
    ("3x3~reflect 5x5~circular 3x3~replicate", "7x9x1"),
]


@pytest.mark.parametrize(("stem", "plane"), SYMMETRIC)
@pytest.mark.parametrize("axis", [0, 1])
def test_flipped_kernels_and_probes_flip_the_heatmap(tmp_path, stem, plane, axis):
    """For odd kernels and the unit at the plane's centre."""
    weights = random_weights(stem, plane, 1)
    config = build({"stem": stem, "input": plane})
    probes = np.random.default_rng(2).normal(size=(3, config.input.height, config.input.width, config.input.channels))
    found = heatmap_of(filed(tmp_path, stem, plane, weights, probes)).values
    flipped = {index: np.flip(weight, axis) for index, weight in weights.items()}
    mirrored = heatmap_of(filed(tmp_path, stem, plane, flipped, np.flip(probes, axis + 1))).values
    assert found.any()
    np.testing.assert_allclose(np.flip(mirrored, axis), found, rtol=0, atol=1e-12 * found.max())


@pytest.mark.parametrize(
    ("stem", "turned", "plane"),
    [
        ("3x5:3 7x1=tanh", "5x3:3 1x7=tanh", "11x9x2"),
        ("3x3/2x1 1x3@2", "3x3/1x2 3x1@2", "13x11x2"),
        ("t3x4/2x1:2 3x3=linear", "t4x3/1x2:2 3x3=linear", "7x9x1"),
        ("max2x3/1x2 3x3=linear", "max3x2/2x1 3x3=linear", "12x13x2"),
        ("avg3x1 up2x1 res(5x3:4)", "avg1x3 up1x2 res(3x5:4)", "9x8x2"),
        ("ln 3x3p0x1 gap", "ln 3x3p1x0 gap", "6x9x3"),
    ],
)
def test_transposed_kernels_and_probes_transpose_the_heatmap(tmp_path, stem, turned, plane):
    weights = random_weights(stem, plane, 1)
    size = build({"stem": stem, "input": plane}).input
    probes = np.random.default_rng(2).normal(size=(3, size.height, size.width, size.channels))
    found = heatmap_of(filed(tmp_path, stem, plane, weights, probes)).values
    swapped = {index: weight.swapaxes(0, 1) for index, weight in weights.items()}
    other = filed(tmp_path, turned, f"{size.width}x{size.height}x{size.channels}", swapped, probes.swapaxes(1, 2))
    assert found.any()
    np.testing.assert_allclose(heatmap_of(other).values.T, found, rtol=0, atol=1e-12 * found.max())


@pytest.mark.parametrize("power", [-3, 1, 7])
def test_weights_times_a_power_of_two_scale_the_heatmap_exactly(tmp_path, power):
    """ReLU, leaky ReLU and max-pooling are homogeneous, and powers of two are exact."""
    stem, plane = "3x3:3 max2x2 5x5=leaky_relu 3x3", "13x12x2"
    weights = random_weights(stem, plane, 4)
    probes = np.random.default_rng(5).normal(size=(4, 13, 12, 2))
    found = heatmap_of(filed(tmp_path, stem, plane, weights, probes)).values
    scaled = {index: weight * 2.0**power for index, weight in weights.items()}
    other = heatmap_of(filed(tmp_path, stem, plane, scaled, probes)).values
    np.testing.assert_array_equal(other, found * 2.0 ** (power * len(weights)))


@pytest.mark.parametrize(
    ("stem", "small", "large"),
    [
        ("4x3x3", (21, 21), (41, 33)),
        ("4x3x3", (9, 9), (64, 51)),
        ("4x3x3", (20, 20), (64, 48)),
        ("3x3/2 3x3@2 3x3/2", (32, 32), (48, 64)),
        ("7x7/2:8 max3x3/2 res(2x3x3:8)", (64, 64), (96, 128)),
        ("4x4/4:6 ln dw5x5=gelu", (32, 32), (64, 40)),
        ("avg2x2/2 t4x4/2 3x3", (24, 24), (36, 32)),
        ("2x15x15:16=leaky_relu", (33, 33), (40, 37)),
    ],
)
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_a_larger_plane_at_the_same_phase_changes_nothing(stem, small, large, kind):
    """The same probes continue outwards: the heatmap is the same to the bit, with zeros around it."""
    fields = {"stem": stem, "probes": {"kind": kind}}
    found = heatmap_of(build(fields | {"input": "{}x{}x2".format(*small)})).values
    around = heatmap_of(build(fields | {"input": "{}x{}x2".format(*large)})).values
    top, left = (outer // 2 - inner // 2 for inner, outer in zip(small, large, strict=True))
    cut = around[top : top + small[0], left : left + small[1]]
    np.testing.assert_array_equal(cut, found)
    assert around.sum() == pytest.approx(found.sum(), rel=1e-12)
    assert np.count_nonzero(around) == np.count_nonzero(found)


@settings(max_examples=120)
@given(stems(depth=5), st.data())
def test_nothing_outside_the_support_is_read(found, data):
    stem, plane = found
    made = network(stem, plane)[-1].output
    unit = data.draw(st.integers(0, made.height - 1)), data.draw(st.integers(0, made.width - 1))
    readout = {"position": list(unit), "channel": "sum"}
    config = build({"stem": stem, "input": plane, "readout": readout, "probes": {"count": 2}})
    values = heatmap_of(config).values
    seen = support(config.network, config.unit).pixels()
    assert {(int(y), int(x)) for y, x in np.argwhere(values)} <= seen
    assert (values >= 0).all()


@settings(max_examples=60)
@given(stems(kinds=("conv", "dw", "t", "max", "avg", "up", "bn", "act", "res", "res_pre"), channels=1))
def test_the_three_gradients_of_one_probe_and_channel(found):
    """With one probe and one channel: square = abs^2, and relu is abs where the gradient is positive, else 0."""
    stem, plane = found
    fields = {"stem": stem, "input": plane, "dtype": "float64", "probes": {"count": 1}}
    kinds = ("abs", "square", "relu")
    by_abs, by_square, by_relu = (heatmap_of(build(fields | {"readout": {"gradient": kind}})).values for kind in kinds)
    np.testing.assert_allclose(by_square, by_abs**2, rtol=1e-14)
    assert ((by_relu == by_abs) | (by_relu == 0)).all()


@settings(max_examples=60)
@given(stems(), st.sampled_from(("abs", "square", "relu")))
def test_a_heatmap_is_the_sum_of_its_probes(found, gradient):
    stem, plane = found
    fields = {"stem": stem, "input": plane, "dtype": "float64", "readout": {"gradient": gradient}}
    together = heatmap_of(build(fields | {"probes": {"count": 4}}))
    first = heatmap_of(build(fields | {"probes": {"count": 3}}))
    assert (together.values >= first.values * (1 - 1e-9) - 1e-12).all()
    assert 0 <= together.n_zero - first.n_zero <= 1


def test_the_mean_of_linear_readouts_is_their_sum_over_their_number():
    fields = {"stem": "3x3 5x5:6=linear", "input": 11, "dtype": "float64"}
    by_sum = heatmap_of(build(fields | {"readout": {"channel": "sum"}})).values
    by_mean = heatmap_of(build(fields | {"readout": {"channel": "mean"}})).values
    np.testing.assert_allclose(by_mean * 6, by_sum, rtol=1e-12)


@pytest.mark.parametrize(("stem", "plane"), [("ln", "1x1x2"), ("in", "1x2x1"), ("gn1", "2x1x1"), ("gn1", "1x1x2")])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_norm_of_two_numbers_lets_its_epsilon_through(tmp_path, stem, plane, dtype):
    """(a - b) / 2 = d becomes d / sqrt(d^2 + e), whose slope by a is e / (2 (d^2 + e)^1.5): 1e-9 of a number near 1."""
    height, width, channels = map(int, plane.split("x"))
    differences = np.array([3.0, 1.5, 0.25, 0.0625])
    probes = np.stack([5 + differences, 5 - differences], axis=1).reshape(4, height, width, channels)
    np.save(tmp_path / "p.npy", probes.astype(np.float32))
    fields = {"stem": stem, "input": plane, "dtype": dtype, "readout": {"channel": 0, "position": [0, 0]}}
    for index, d in enumerate(differences):
        chosen = {"kind": "file", "path": str(tmp_path / "p.npy"), "index": index}
        found = heatmap_of(build(fields | {"probes": chosen})).values.sum()
        np.testing.assert_allclose(found, 1e-5 / (d * d + 1e-5) ** 1.5, rtol=1e-6 if dtype == "float32" else 1e-8)


def test_uniform_kernels_make_the_self_convolution_of_the_box():
    """Linear, stride 1: 4 x (3x3) holds 361, 2601, 5041, 6241, 6561 of 6561 in its centred squares."""
    config = build({"stem": "4x3x3=linear", "init": {"kind": "uniform_kernel"}, "dtype": "float64"})
    values = heatmap_of(config).values
    shares = [values[10 - r : 11 + r, 10 - r : 11 + r].sum() / values.sum() * 6561 for r in range(5)]
    np.testing.assert_allclose(shares, [361, 2601, 5041, 6241, 6561], rtol=1e-6)


def test_mean_preserving_skips_halve_the_variance():
    """closed_form: y = x + F(x) of uniform kernels has exactly half the variance of the stack without the skips."""

    def variance(stem):
        init = {"kind": "uniform_kernel"}
        fields = {"stem": stem, "input": "33x33x4", "init": init, "dtype": "float64"}
        profile = heatmap_of(build(fields)).values.sum(axis=0)
        return (profile * (np.arange(33) - 16) ** 2).sum() / profile.sum()

    plain = variance("6x3x3=linear")
    assert plain == pytest.approx(6 * 8 / 12, rel=1e-6)
    assert variance("6xres_pre(3x3=linear)") == pytest.approx(plain / 2, rel=1e-6)


@pytest.mark.parametrize(
    ("stem", "plane", "position"),
    [("t1x1/2", 3, [1, 1]), ("t2x2/5 1x1", 4, [3, 4]), ("3x3 t1x1/3x1", "4x4x2", [2, 0]), ("max2x2 t1x3/2", 5, [1, 2])],
)
def test_a_unit_in_a_gap_between_kernels_is_dead(stem, plane, position):
    config = build({"stem": stem, "input": plane, "readout": {"position": position}})
    found = heatmap_of(config)
    assert support(config.network, config.unit).dead
    assert not found.values.any()
    assert (found.n_zero, found.n_nan) == (16, 0)


def test_probes_behind_closed_relus_are_counted_and_kept(tmp_path):
    probes = np.array([1.0, -1.0, 2.0, -2.0, -3.0]).reshape(5, 1, 1, 1)
    found = heatmap_of(filed(tmp_path, "1x1:1", 1, {0: np.full((1, 1, 1, 1), 3.0)}, probes))
    assert found.values.tolist() == [[6.0]]
    assert (found.n_zero, found.n_nan) == (3, 0)


def test_a_probe_that_overflows_is_left_out_and_the_others_are_kept(tmp_path):
    """At a smooth activation, which needs its numbers at their own scale; see test_scale for what is carried."""
    drawn = np.random.default_rng(0)
    probes = drawn.normal(size=(5, 5, 5, 2))
    probes[1, 2, 2], probes[3, 2, 1] = 1e300, -1e300
    weights = {0: drawn.normal(size=(3, 3, 2, 3)) * 1e15, 1: drawn.normal(size=(3, 3, 3, 2)) * 1e-15}
    every = filed(tmp_path, "3x3:3=softplus 3x3:2=linear", "5x5x2", weights, probes)
    sound = filed(tmp_path, "3x3:3=softplus 3x3:2=linear", "5x5x2", weights, probes[[0, 2, 4]])
    found, expected = (heatmap_of(config) for config in (every, sound))
    assert (found.n_zero, found.n_nan) == (0, 2)
    assert (expected.n_zero, expected.n_nan) == (0, 0)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-12)


def test_weights_without_end_leave_every_probe_out(tmp_path):
    config = filed(tmp_path, "1x1:1=linear 1x1:1=tanh", 1, dict.fromkeys((0, 1), np.full((1, 1, 1, 1), 1e200)), PROBE)
    found = heatmap_of(config)
    assert (found.n_zero, found.n_nan) == (0, 2)
    assert not found.values.any()


PROBE = np.ones((2, 1, 1, 1))


VARIED = [
    {"stem": "4x3x3"},
    {"stem": "4x3x3", "init": {"seed": 1}},
    {"stem": "4x3x3", "probes": {"seed": 1}},
    {"stem": "4x3x3", "probes": {"count": 5}},
    {"stem": "4x3x3", "dtype": "float64"},
    {"stem": "3x3 3x3=tanh dw3x3 1x1"},
    {"stem": "7x7/2:8 max3x3/2 2xres(2x3x3:8)", "input": "33x33x3"},
    {"stem": "2xres_pre(bn relu 3x3)", "readout": {"channel": "sum"}},
    {"stem": "3x3/2 t4x4/2:3 up2 5x5@2=gelu", "readout": {"channel": "relu_sum"}},
    {"stem": "relu 3x3~reflect 5x5~circular", "input": "9x8x2", "init": {"kind": "orthogonal"}},
    {"stem": "ln 4x4/4:8 ln dw7x7", "input": "31x31x2", "readout": {"gradient": "square"}},
    {"stem": "4x5x5", "init": {"kind": "neural_api"}, "probes": {"kind": "neural_api"}},
    {"stem": "2x13x13:32", "input": "31x33x8", "probes": {"count": 8}},
]


def test_a_config_gives_the_same_bits_whatever_runs_before_or_beside_it():
    configs = [build(fields) for fields in VARIED]
    expected = [heatmap_of(config).values.tobytes() for config in configs]
    problems = []

    def run(seed):
        order = list(range(len(configs))) * 3
        random.Random(seed).shuffle(order)
        for place in order:
            if heatmap_of(configs[place]).values.tobytes() != expected[place]:
                problems.append(configs[place].stem)

    run(0)
    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


@pytest.mark.parametrize("fields", VARIED)
def test_blocks_of_probes_change_nothing_but_rounding(fields):
    """Their size is a constant; that there are several must not show."""
    config = build(fields | {"dtype": "float64"})
    whole = heatmap_of(config)
    for size in (1, 3, 7):
        found = heatmap_of(config, block=size)
        np.testing.assert_allclose(found.values, whole.values, rtol=0, atol=1e-12 * whole.values.max())
        assert (found.n_zero, found.n_nan) == (whole.n_zero, whole.n_nan)


def is_the_sum_of_its_parts(folder, stem, plane, probes, starts):
    """Whatever is made of probes together is made of them in parts, each of at least one probe, and added up."""
    weights = random_weights(stem, plane, 3)
    whole = heatmap_of(filed(folder, stem, plane, weights, probes))
    parts = [heatmap_of(filed(folder, stem, plane, weights, part)) for part in np.split(probes, sorted(starts))]
    summed = sum(part.values for part in parts)
    np.testing.assert_allclose(summed, whole.values, rtol=0, atol=1e-11 * whole.values.max())
    assert (whole.n_zero, whole.n_nan) == (sum(part.n_zero for part in parts), 0)


@settings(max_examples=60)
@given(stems(kinds=("conv", "dw", "t", "max", "avg", "up", "bn", "res", "res_pre"), depth=3), st.data())
def test_a_heatmap_is_the_sum_of_those_of_its_parts(tmp_path_factory, found, data):
    stem, plane = found
    count = data.draw(st.integers(2, 9))
    starts = data.draw(st.sets(st.integers(1, count - 1), min_size=1, max_size=3))
    probes = np.random.default_rng(count).normal(size=(count, plane.height, plane.width, plane.channels))
    is_the_sum_of_its_parts(tmp_path_factory.mktemp("parts"), stem, plane, probes, starts)


@pytest.mark.parametrize(
    ("stem", "plane"),
    [
        ("1x1:512 2x13x13", "61x61x1"),
        ("1x1:96 dw1x31 dw31x1 1x1:8", "64x64x3"),
        ("3x3:64 2x3x3:64 max2x2/2 5x5:64", "80x80x2"),
        ("7x7/2:64 t4x4/2:32 9x9:16", "90x90x3"),
    ],
)
def test_a_large_heatmap_is_the_sum_of_those_of_its_parts(tmp_path, stem, plane):
    """What lies between the arrays of a layer has more bytes than a thread keeps."""
    height, width, channels = (int(side) for side in plane.split("x"))
    probes = np.random.default_rng(1).normal(size=(16, height, width, channels))
    is_the_sum_of_its_parts(tmp_path, stem, plane, probes, (1, 6))


@settings(max_examples=60)
@given(
    stems(
        activations=("tanh", "gelu", "silu", "mish", "sigmoid", "softplus", "elu", "relu", "linear"),
        kinds=("conv", "dw", "t", "avg", "up", "gap", "bn", "ln", "act", "res", "res_pre", "max"),
        largest=6,
        depth=3,
    ),
    st.sampled_from((0, "sum", "mean", "relu_sum")),
)
def test_the_gradient_is_that_of_central_differences(found, channel):
    """In float64, one probe; draws with a kink or a tie within the step are left out."""
    stem, plane = found
    fields = {"stem": stem, "input": plane, "dtype": "float64", "readout": {"channel": channel}}
    config = build(fields | {"probes": {"count": 1, "kind": "normal"}})
    plan = plan_of(config).cone
    parameters = step_parameters(plan.steps, draw_weights(config), np.dtype(np.float64))
    x = draw_probes(config.probes, plane, plan.box, 0, 1).astype(np.float64)

    def outputs(step):
        """The readout for each input moved by a step."""
        moved = np.repeat(x, x.size, axis=3)
        moved.reshape(x.size, x.size)[np.diag_indices(x.size)] += step
        unit = np.array(forward(plan.steps, moved, parameters, None, Watch(x.size))[0])[0, :, 0]
        if channel == "relu_sum":
            return np.maximum(unit, 0).sum(axis=0)
        return {0: unit[0 - plan.features[0]], "sum": unit.sum(axis=0), "mean": unit.mean(axis=0)}[channel]

    step = 1e-5
    slopes = (outputs(step) - outputs(-step)) / (2 * step)
    other = (outputs(step / 2) - outputs(-step / 2)) / step
    scale = max(abs(slopes).max(), 1e-3)
    assume(abs(slopes - other).max() < 1e-5 * scale)
    expected = np.zeros((plane.height, plane.width))
    box = plan.box
    expected[box.top : box.bottom, box.left : box.right] = np.abs(slopes.reshape(x.shape)).sum(axis=(1, 3))
    found_values = heatmap_of(config).values
    np.testing.assert_allclose(found_values, expected, rtol=0, atol=1e-4 * scale)


def test_a_square_that_would_overflow_is_kept_at_another_scale(tmp_path):
    """E = 3e400: what is kept is its map times a power of two."""
    np.savez(tmp_path / "w.npz", **{"layer0.weight": np.array([1e200, 2e200]).reshape(1, 2, 1, 1)})
    fields = {"stem": "1x2:1=linear", "input": "1x3", "dtype": "float64", "readout": {"gradient": "square"}}
    weights = {"kind": "file", "path": str(tmp_path / "w.npz")}
    found = heatmap_of(build({**fields, "init": weights, "probes": {"count": 3}}))
    assert (found.n_zero, found.n_nan) == (0, 0)
    assert sorted(found.values.ravel() / found.values.max()) == pytest.approx([0, 1 / 4, 1])
