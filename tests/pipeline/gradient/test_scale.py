"""No heatmap depends on the scale of its gradients: what the kernel's type cannot hold is carried by powers of two."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.config import Config
from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import plan_of, rescaled
from pipeline.gradient.erf import Heatmap, readout_gradient, step_parameters
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import LEAST, Watch
from pipeline.result import Sizes
from pipeline.scale import FARTHEST, Sum, times
from pipeline.sizes import COLUMNS, sample_of, sizes
from pipeline.stem import Convolution
from pipeline.sweep.build import build
from tests.heatmaps import gradient_of, heatmap_of
from tests.strategies import stems

SCALE_FREE = [name for name in COLUMNS if not name.startswith("replknet")]


def sized(config: Config, heatmap: Heatmap) -> Sizes:
    return sizes([sample_of(config, heatmap.values, heatmap.n_nan)])[0]


def shape(heatmap: Heatmap) -> np.ndarray:
    """A heatmap over its largest number."""
    assert heatmap.inside.max() > 0
    return heatmap.values / heatmap.values.max()


def drawn(config: Config, seed: int = 1) -> dict[str, np.ndarray]:
    """Random weights, float64, by their names in a file."""
    rng = np.random.default_rng(seed)
    nodes = [node for node in config.network if isinstance(node.layer, Convolution)]
    return {f"layer{node.index}.weight": rng.normal(0, node.fan_in**-0.5, node.weight_shape) for node in nodes}


def filed(path, arrays: dict[str, np.ndarray], **fields: object) -> Config:
    np.savez(path, **arrays)
    return build(fields | {"init": {"kind": "file", "path": str(path)}})


@pytest.mark.parametrize("depth", [60, 69, 70, 120])
def test_deep_sigmoid_stems_are_the_same_in_both_precisions(depth):
    """Each layer takes a gradient to about a quarter: 1e-45 of it is left after seventy, below float32's range."""
    single, double = (
        build({"stem": f"{depth}x3x3=sigmoid", "input": 31, "probes": {"count": 2}, "dtype": dtype})
        for dtype in ("float32", "float64")
    )
    found, expected = heatmap_of(single), heatmap_of(double)
    assert (found.n_zero, found.n_nan) == (expected.n_zero, expected.n_nan) == (0, 0)
    assert np.abs(shape(found) - shape(expected)).max() < 1e-3
    assert sized(single, found).eff_rf == sized(double, expected).eff_rf
    if depth in (69, 70):
        assert sized(single, found).eff_rf == 25


HOMOGENEOUS = [
    "6x3x3:3=linear",
    "6x3x3",
    "3x3@2:4 3x3g2:4 dw5x5 t2x2/2:3 3x3/2",
    "2x3x3=leaky_relu max3x3/2 3x3 avg2x2 up2 3x3=linear",
    "3x3:4 res(3x3:4 3x3:4=linear) res(3x3/2:6 3x3:6=linear) res_pre(3x3:6)",
    "4x3x3:32",
    "2x13x13:16=linear",
    "3x3:4 cat(|3x3:2|up2 3x3/2:3) crop1 slice2:8 channelshuffle2 3x3:2=linear",
    "3x3:4 add(3x3:4|1x1:4|gap 1x1:1=linear) prelu 3x3:3=linear",
    "3x3:4 mul(3x3:4|gap 1x1:4=linear) pad1~reflect bilinear2 3x3:3=linear",
]
"""Without biases and norms, the gradient of these is proportional to each weight."""


@pytest.mark.parametrize("stem", HOMOGENEOUS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gradient", ["abs", "square", "relu"])
@pytest.mark.parametrize("decade", [-2000, -300, -150, -60, -40, -30, 30, 40, 60, 150, 300, 2000])
def test_every_size_is_the_same_at_any_scale(stem, dtype, gradient, decade, tmp_path):
    """A float32 number goes to 1e38 only: what is too much for one layer's weights goes to more of them."""
    readout = {"gradient": gradient, "channel": "sum"}
    fields = {"stem": stem, "input": 33, "dtype": dtype, "readout": readout, "probes": {"count": 3}}
    arrays = drawn(build(fields))
    plain = filed(tmp_path / "plain.npz", arrays, **fields)
    # Branches of other lengths are not scaled alike: a shortcut is scaled by no weight.
    chain = [name for name in arrays if "(" not in stem or name == "layer0.weight"]
    power = round(decade * np.log2(10) / len(chain))
    if abs(power) > 1000 or (dtype == "float32" and power > 120):
        pytest.skip("no weight of this type is so far from 1")
    scaled = filed(tmp_path / "scaled.npz", arrays | {name: np.ldexp(arrays[name], power) for name in chain}, **fields)
    expected, found = heatmap_of(plain), heatmap_of(scaled)
    assert (found.n_zero, found.n_nan) == (expected.n_zero, expected.n_nan)
    assert found.n_nan == 0
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(shape(found), shape(expected), rtol=0, atol=tolerance)
    before, after = sized(plain, expected), sized(scaled, found)
    for name in SCALE_FREE:
        size = getattr(before, name)
        assert getattr(after, name) == (None if size is None else pytest.approx(size, rel=100 * tolerance)), name


@settings(max_examples=60)
@given(
    stems(
        activations=("linear", "relu", "leaky_relu"),
        kinds=("conv", "dw", "t", "max", "avg", "up", "gap", "bn"),
        depth=5,
    ),
    st.lists(st.integers(-120, 120), min_size=5, max_size=5),
    st.sampled_from(("float32", "float64")),
)
def test_weights_of_any_scale_in_any_order_make_the_same_heatmap(tmp_path_factory, found, powers, dtype):
    """A gradient may fall below float32's range and come back, or leave it at the other end."""
    stem, plane = found
    fields = {"stem": stem, "input": plane, "probes": {"count": 2}, "readout": {"channel": "sum"}}
    arrays = drawn(build(fields), 3)
    assume(arrays)
    folder = tmp_path_factory.mktemp("scaled")
    plain = heatmap_of(filed(folder / "plain.npz", arrays, dtype="float64", **fields))
    scaled = {name: np.ldexp(array, power) for (name, array), power in zip(arrays.items(), powers, strict=False)}
    made = heatmap_of(filed(folder / "scaled.npz", scaled, dtype=dtype, **fields))
    assert made.n_nan == plain.n_nan == 0
    if dtype == "float64":
        assert made.n_zero == plain.n_zero
    if not plain.inside.any():
        return
    assume(made.n_zero == plain.n_zero)  # in float32 a kink may be on the other side of a rounding
    difference = np.abs(shape(made) - shape(plain)).max()
    if dtype == "float64":
        assert difference < 1e-10
    else:
        assume(difference < 1e-5 or ("relu" not in stem and "max" not in stem))
        assert difference < 1e-5


@pytest.mark.parametrize("powers", [(-100, 100, 0), (100, -100, 0), (-60, -60, 110), (-110, 90, 10), (0, -120, 0)])
@pytest.mark.parametrize("repeat", [1, 4])
def test_a_gradient_that_falls_below_the_range_and_comes_back_is_not_lost(powers, repeat, tmp_path):
    """Also where the pass is run from tape: each time its sizes are those of float64."""
    fields = {"stem": "3x3x3:6=linear", "input": 15, "probes": {"count": 4}}
    arrays = drawn(build(fields))
    scaled = {name: np.ldexp(array, power) for (name, array), power in zip(arrays.items(), powers, strict=True)}
    plain = heatmap_of(filed(tmp_path / "plain.npz", arrays, **fields, dtype="float64"))
    config = filed(tmp_path / "scaled.npz", {name: array.astype("f4") for name, array in scaled.items()}, **fields)
    for _ in range(repeat):
        found = heatmap_of(config)
        assert (found.n_zero, found.n_nan) == (0, 0)
        np.testing.assert_allclose(shape(found), shape(plain), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "stem",
    [
        "3x3:4=linear res_pre(2x3x3:4=linear)",
        "res(3x3/2:6 3x3:6=linear) 3x3:2=linear",
        "3x3:4=linear add(|3x3:4=linear|gap 1x1:1=linear) 3x3:2=linear",
        "3x3:2=linear cat(|3x3:2=linear|max3x3 1x1:2=linear) 3x3:2=linear",
        "3x3:3=linear mul(|3x3:3=linear|gap 1x1:3=linear) 3x3:2=linear",
    ],
)
@pytest.mark.parametrize("power", [-120, -40, 40, 120])
def test_branches_of_unlike_scale_are_added_at_one(stem, power, tmp_path):
    """Each convolution of the branch, or of the shortcut, is scaled; float64 holds the sum without powers of two."""
    fields = {"stem": stem, "input": 15, "probes": {"count": 3}, "readout": {"channel": "sum"}}
    arrays = drawn(build(fields))
    for name in list(arrays)[1:]:
        scaled = arrays | {name: np.ldexp(arrays[name], power)}
        double = filed(tmp_path / "d.npz", scaled, dtype="float64", **fields)
        gradient, direct = rescaled_gradient(double), direct_gradient(double)
        assert np.abs(direct).max(axis=(0, 1, 2)).all()
        np.testing.assert_allclose(gradient, direct, rtol=0, atol=1e-12 * np.abs(direct).max())
        single = heatmap_of(filed(tmp_path / "s.npz", scaled, dtype="float32", **fields))
        np.testing.assert_allclose(shape(single), shape(heatmap_of(double)), rtol=0, atol=1e-5)


def direct_gradient(config: Config) -> np.ndarray:
    cone = plan_of(config).cone
    probes = draw_probes(config.probes, config.input, cone.box, 0, config.probes.count).astype(config.dtype)
    parameters = step_parameters(cone.steps, draw_weights(config), np.dtype(config.dtype))
    return gradient_of(config, probes, parameters).values.copy()


def rescaled_gradient(config: Config) -> np.ndarray:
    """By the way of `pipeline.gradient.rescaled`, at its own scale."""
    cone = plan_of(config).cone
    probes = draw_probes(config.probes, config.input, cone.box, 0, config.probes.count).astype(np.float64)
    parameters = step_parameters(cone.steps, draw_weights(config), np.dtype(np.float64))
    one = np.zeros(probes.shape[3], np.int64)
    out, traces, finite = rescaled.forward(cone.steps, rescaled.Scaled(probes, one), parameters, None)
    assert finite.all()
    seed = readout_gradient(config.readout, out.values, cone.features)
    made = rescaled.backward(cone.steps, rescaled.Scaled(seed, one), traces, parameters, None)
    return times(made.values, made.exponent)


@settings(max_examples=150)
@given(stems(), st.sampled_from((0, "sum", "mean", "relu_sum")))
def test_both_ways_back_agree_on_random_stems(found, channel):
    stem, plane = found
    fields = {"stem": stem, "input": plane, "dtype": "float64", "probes": {"count": 3}}
    config = build(fields | {"readout": {"channel": channel}})
    gradient, direct = rescaled_gradient(config), direct_gradient(config)
    expected = np.abs(direct).max(axis=(0, 1, 2))
    right = expected > 1e-9  # what is zero but for rounding, as behind a layer norm, is rounded otherwise
    difference = np.abs(gradient - direct)[..., right].max(axis=(0, 1, 2))
    assert (difference <= 1e-9 * expected[right]).all()


def test_a_probe_beside_much_larger_ones_is_not_counted_as_zero(tmp_path):
    """Slopes of softplus at -z: 1e-44 is no normal number in float32, 1e-304 still one in float64, 1e-348 none."""
    values = np.array([0.0, -100.0, -200.0, -700.0, -800.0])
    np.save(tmp_path / "probes.npy", values.reshape(5, 1, 1, 1))
    probes = {"kind": "file", "path": str(tmp_path / "probes.npy")}
    for dtype in ("float32", "float64"):
        fields = {"stem": "1x1:1=softplus", "input": 1, "dtype": dtype, "probes": probes}
        found = heatmap_of(filed(tmp_path / "one.npz", {"layer0.weight": np.ones((1, 1, 1, 1))}, **fields))
        assert (found.n_zero, found.n_nan) == (1, 0)
        assert found.values.tolist() == [[pytest.approx(0.5, rel=1e-6)]]


def test_weights_that_are_no_float32_numbers_are_measured_as_float64_has_them(tmp_path):
    fields = {"stem": "3x3:3 3x3:3 3x3:2=linear", "input": 9, "probes": {"count": 3}}
    arrays = drawn(build(fields))
    arrays["layer0.weight"] *= 1e-60
    arrays["layer1.weight"] *= 1e30
    single, double = (filed(tmp_path / "w.npz", arrays, **fields, dtype=dtype) for dtype in ("float32", "float64"))
    found, expected = heatmap_of(single), heatmap_of(double)
    assert (found.n_zero, found.n_nan) == (expected.n_zero, 0)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-10)


def test_an_overflow_of_float32_alone_leaves_no_probe_out(tmp_path):
    """Forward the second of three layers makes 1e45."""
    fields = {"stem": "3x3:3=linear 3x3:2=linear", "input": "5x5x2"}
    arrays = drawn(build(fields))
    arrays["layer0.weight"] *= 1e15
    arrays["layer1.weight"] *= 1e-15
    probes = np.random.default_rng(0).normal(size=(5, 5, 5, 2))
    probes[1, 2, 2], probes[3, 2, 1] = 1e30, -1e30
    np.save(tmp_path / "probes.npy", probes)
    given_ = {"kind": "file", "path": str(tmp_path / "probes.npy")}
    single, double = (
        heatmap_of(filed(tmp_path / "w.npz", arrays, **fields, probes=given_, dtype=dtype))
        for dtype in ("float32", "float64")
    )
    assert (single.n_zero, single.n_nan) == (0, 0)
    np.testing.assert_allclose(single.values, double.values, rtol=1e-5)


@pytest.mark.parametrize(("first", "second"), [(-1e200, 1e200), (1e200, -1e200), (1e200, 1e200)])
def test_an_infinity_that_a_rectifier_hides_leaves_the_probe_out(first, second, tmp_path):
    """Forward -1e200 1e200 x is minus infinity, and zero behind a ReLU; a probe of zeros is finite, and dead.

    The bias of zero keeps the third layer from being carried by powers of two.
    """
    np.save(tmp_path / "probes.npy", np.array([1.0, 0.0, -1.0]).reshape(3, 1, 1, 1))
    probes = {"kind": "file", "path": str(tmp_path / "probes.npy")}
    arrays = {f"layer{i}.weight": np.full((1, 1, 1, 1), weight) for i, weight in enumerate((first, second, 1.0))}
    arrays["layer2.bias"] = np.zeros(1)
    fields = {"stem": "1x1:1=linear 1x1:1=linear 1x1:1 1x1:1=linear", "input": 1, "dtype": "float64", "probes": probes}
    arrays["layer3.weight"] = np.ones((1, 1, 1, 1))
    found = heatmap_of(filed(tmp_path / "w.npz", arrays, **fields))
    assert (found.n_zero, found.n_nan) == (1, 2)


def test_rectifiers_behind_numbers_that_are_none_are_on_and_off_as_they_should(tmp_path):
    """Twelve layers of 1e-30 and of 1e30: forward 1e-360 and 1e360, on the way to what a ReLU makes of it."""
    fields = {"stem": "12x3x3:3", "input": 25, "probes": {"count": 6}, "readout": {"channel": "sum"}}
    arrays = drawn(build(fields))
    plain = heatmap_of(filed(tmp_path / "plain.npz", arrays, **fields, dtype="float64"))
    for power in (-100, 100):
        scaled = {name: np.ldexp(array, power) for name, array in arrays.items()}
        for dtype in ("float32", "float64"):
            found = heatmap_of(filed(tmp_path / f"{power}.npz", scaled, **fields, dtype=dtype))
            assert (found.n_zero, found.n_nan) == (plain.n_zero, plain.n_nan)
            np.testing.assert_allclose(shape(found), shape(plain), rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_blocks_of_probes_at_any_scale_are_added_up(size, tmp_path):
    """Some probes are dead, some are measured again, in any order."""
    fields = {"stem": "2x1x1:1", "input": 1}
    for values in ([1.0, 2.0, -1.0, 3.0, 4.0], [-1.0, -1.0, 1.0, -1.0, 1e-30], [1e-30, -1.0, -1.0, 2.0, -1.0]):
        np.save(tmp_path / "probes.npy", np.array(values).reshape(5, 1, 1, 1))
        probes = {"kind": "file", "path": str(tmp_path / "probes.npy")}
        arrays = {f"layer{i}.weight": np.full((1, 1, 1, 1), 2.0**-600) for i in (0, 1)}
        config = filed(tmp_path / "w.npz", arrays, **fields, dtype="float64", probes=probes)
        found = heatmap_of(config, block=size)
        alive = sum(value > 0 for value in values)
        assert (found.n_zero, found.n_nan) == (5 - alive, 0)
        assert found.values.max() == np.ldexp(np.frexp(alive)[0], -FARTHEST)


ORDINARY = [
    ("4x3x3", "21", 16),
    ("20x3x3:16", "51", 8),
    ("40x3x3:8", "81", 4),
    ("8x3x3:64", "24", 4),
    ("2x13x13:32", "31", 4),
    ("4xdw31x31:32", "131", 2),
    ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", "95x95x3", 2),
    ("10x3x3=gelu", "64", 8),
    ("4x3x3=silu ln 3x3=tanh 3x3=sigmoid", "21", 8),
]


@pytest.mark.parametrize(("stem", "plane", "count"), ORDINARY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["lecun_uniform", "he_normal"])
def test_ordinary_stems_go_the_quick_way(stem, plane, count, dtype, kind, monkeypatch):
    """Dead ones and dead probes too: an exact zero is known where no product was too small."""
    monkeypatch.setattr(rescaled, "forward", lambda *_: pytest.fail(f"{stem} was measured again"))
    for seed in range(3):
        init = {"kind": kind, "seed": seed}
        heatmap_of(build({"stem": stem, "input": plane, "probes": {"count": count}, "dtype": dtype, "init": init}))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_lost_in_one_step_is_seen(dtype, tmp_path):
    """Of three probes one is small enough to lose digits, one is zero, and one is neither."""
    kind, tiny = np.dtype(dtype), float(np.finfo(dtype).smallest_normal)
    config = filed(tmp_path / "w.npz", {"layer0.weight": np.full((1, 1, 1, 1), 0.3)}, stem="1x1:1=linear", input=1)
    cone = plan_of(config).cone
    watch = Watch(3)
    probes = np.array([tiny, 0.0, 1.0], kind).reshape(1, 1, 1, 3)
    with np.errstate(all="ignore", under="call", call=watch):
        forward(cone.steps, probes, step_parameters(cone.steps, draw_weights(config), kind), None, watch)
    assert watch.was_raised
    assert watch.lost.tolist() == [True, True, False]
    assert LEAST[kind] > tiny * 2.0**40


parts = st.lists(
    st.tuples(st.lists(st.integers(0, 2**20), min_size=2, max_size=2), st.integers(-3000, 3000)), min_size=1, max_size=6
)


@given(parts)
def test_sums_at_any_scale_are_those_of_rational_numbers(members):
    total = Sum((1, 2))
    for pixels, exponent in members:
        total.add(np.array([pixels], np.float64), exponent)
    exact = [sum(pixels[i] * Fraction(2) ** exponent for pixels, exponent in members) for i in range(2)]
    largest = max(exact)
    if not largest:
        assert not total.over(1).any()
        return
    kept = total.over(1)
    assert 2.0 ** -(FARTHEST + 1) <= kept.max() < 2.0**FARTHEST
    for found, right in zip((kept / kept.max()).ravel().tolist(), exact, strict=True):
        assert found == pytest.approx(float(right / largest), rel=1e-14, abs=1e-300)
    if Fraction(1, 2**900) < largest < 2**900:
        assert kept.max() == pytest.approx(float(largest), rel=1e-14)
