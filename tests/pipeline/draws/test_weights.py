"""Weights: each kind's law as its paper has it, and weights of files."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.draws import draw_weights
from pipeline.sweep.build import build
from tests.heatmaps import heatmap_of

# Layers with many weights, so that moments are sharp: shape, fan_in and fan_out by hand.
LAYERS = [
    ("5x5:200", "9x9x40", (5, 5, 40, 200), 5 * 5 * 40, 5 * 5 * 200),
    ("3x7:90g3", "9x9x60", (3, 7, 20, 90), 3 * 7 * 20, 3 * 7 * 30),
    ("dw9x9:800", "9x9x400", (9, 9, 1, 800), 81, 81 * 2),
    ("t4x4/2:120", "5x5x70", (4, 4, 70, 120), 4 * 4 * 70, 4 * 4 * 120),
]
UNIFORM = {
    "lecun_uniform": lambda fan_in, fan_out: sqrt(3 / fan_in),
    "he_uniform": lambda fan_in, fan_out: sqrt(6 / fan_in),
    "glorot_uniform": lambda fan_in, fan_out: sqrt(6 / (fan_in + fan_out)),
}
NORMAL = {
    "lecun_normal": lambda fan_in, fan_out: sqrt(1 / fan_in),
    "he_normal": lambda fan_in, fan_out: sqrt(2 / fan_in),
    "glorot_normal": lambda fan_in, fan_out: sqrt(2 / (fan_in + fan_out)),
    "normal": lambda fan_in, fan_out: 1.0,
}


def weights(stem, plane="9x9x3", **init):
    return {
        index: own.weight for index, own in draw_weights(build({"stem": stem, "input": plane, "init": init})).items()
    }


@pytest.mark.parametrize(("stem", "plane", "shape", "fan_in", "fan_out"), LAYERS)
@pytest.mark.parametrize("kind", UNIFORM)
def test_uniform_kinds_have_the_bound_of_their_paper(kind, stem, plane, shape, fan_in, fan_out):
    (drawn,) = weights(stem, plane, kind=kind, seed=3).values()
    bound = UNIFORM[kind](fan_in, fan_out)
    assert drawn.shape == shape
    assert drawn.dtype == np.float32
    exact = drawn.astype(np.float64)
    assert abs(exact).max() <= bound * (1 + 1e-6)
    assert abs(exact).max() > bound * (1 - 1e-3)
    assert abs(exact.mean()) < 5 * bound / sqrt(3 * drawn.size)
    assert abs(exact.var() / (bound**2 / 3) - 1) < 5 * sqrt(0.8 / drawn.size)


@pytest.mark.parametrize(("stem", "plane", "shape", "fan_in", "fan_out"), LAYERS)
@pytest.mark.parametrize("kind", NORMAL)
def test_normal_kinds_have_the_deviation_of_their_paper(kind, stem, plane, shape, fan_in, fan_out):
    (drawn,) = weights(stem, plane, kind=kind, seed=3).values()
    deviation = NORMAL[kind](fan_in, fan_out)
    exact = drawn.astype(np.float64) / deviation
    assert drawn.shape == shape
    assert abs(exact.mean()) < 5 / sqrt(drawn.size)
    assert abs(exact.var() - 1) < 5 * sqrt(2 / drawn.size)
    assert abs((exact**4).mean() - 3) < 5 * sqrt(96 / drawn.size)


@pytest.mark.parametrize("stem", ["3x3:8", "3x3:100", "2x1:6", "1x1:3", "dw3x3:12", "3x3:9g3", "t2x2:5"])
def test_orthogonal_kernels_are_orthonormal(stem):
    """Saxe et al. 2013: as a matrix of features by fan_in, its rows or its columns, whichever are fewer."""
    (drawn,) = weights(stem, kind="orthogonal", seed=1).values()
    matrix = drawn.reshape(-1, drawn.shape[3]).T.astype(np.float64)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, np.eye(min(matrix.shape)), atol=1e-6)


def test_orthogonal_kernels_are_uniform_over_all_rotations():
    """The signs of R's diagonal make Q's law that of Haar: no entry has a preferred sign."""
    corners = [weights("2x2:4", "9x9x1", kind="orthogonal", seed=seed)[0][0, 0, 0, 0] for seed in range(400)]
    assert abs(np.mean(corners)) < 4 * 0.5 / sqrt(400)
    assert abs(np.mean(np.square(corners)) - 1 / 4) < 0.05


@pytest.mark.parametrize(
    ("stem", "share"), [("3x3:5", 1 / 27), ("2x4:5", 1 / 24), ("dw3x3", 1 / 9), ("3x3:6g3", 1 / 9)]
)
def test_the_uniform_kernel_keeps_the_mean(stem, share):
    (drawn,) = weights(stem, kind="uniform_kernel").values()
    assert (drawn == np.float32(share)).all()


RANDOM = [*UNIFORM, *NORMAL, "orthogonal"]


@pytest.mark.parametrize("kind", RANDOM)
def test_a_draw_depends_on_its_seed_and_layer_and_on_nothing_else(kind):
    drawn = weights("3x3:4 res(2x3x3:4) 5x5:2", kind=kind, seed=5)
    assert drawn.keys() == {0, 1, 2, 4}
    for index, weight in weights("3x3:4 res(2x3x3:4) 5x5:2 7x7", "31x20x3", kind=kind, seed=5).items():
        if index in drawn:
            np.testing.assert_array_equal(weight, drawn[index])
    again = weights("3x3:4 res(2x3x3:4) 5x5:2", kind=kind, seed=5)
    other = weights("3x3:4 res(2x3x3:4) 5x5:2", kind=kind, seed=6)
    for index in drawn:
        np.testing.assert_array_equal(again[index], drawn[index])
        assert (other[index] != drawn[index]).mean() > 0.9
    assert (drawn[1] != drawn[2]).mean() > 0.9


@settings(max_examples=30)
@given(st.sampled_from(RANDOM), st.integers(0, 2**32 - 1))
def test_weights_are_float32_numbers_whatever_the_kernel(kind, seed):
    (drawn,) = weights("3x3:7", kind=kind, seed=seed).values()
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()
    double = build({"stem": "3x3:7", "input": "9x9x3", "init": {"kind": kind, "seed": seed}, "dtype": "float64"})
    np.testing.assert_array_equal(draw_weights(double)[0].weight, drawn)


def test_layers_without_weights_have_no_parameters():
    assert weights("3x3 relu bn ln max2x2 avg2x2 up2 gap").keys() == {0}
    assert weights("max3x3") == {}


def of_file(path, stem, plane, **arrays):
    np.savez(path, **arrays)
    return build({"stem": stem, "input": plane, "dtype": "float64", "init": {"kind": "file", "path": str(path)}})


def test_weights_of_a_file_are_what_was_saved(tmp_path):
    drawn = np.random.default_rng(1)
    arrays = {
        "layer0.weight": drawn.normal(size=(3, 3, 2, 6)).astype(np.float32),
        "layer0.bias": drawn.normal(size=6),
        "layer1.running_mean": drawn.normal(size=6),
        "layer1.running_var": drawn.uniform(1, 2, 6).astype(np.float16),
        "layer2.weight": np.asfortranarray(drawn.normal(size=(1, 1, 3, 4))),
    }
    config = of_file(tmp_path / "w.npz", "3x3:6 bn 1x1:4g2", "9x9x2", **arrays)
    found = draw_weights(config)
    np.testing.assert_array_equal(found[0].weight, arrays["layer0.weight"])
    np.testing.assert_array_equal(found[0].bias, arrays["layer0.bias"])
    np.testing.assert_array_equal(found[1].mean, arrays["layer1.running_mean"])
    np.testing.assert_array_equal(found[1].var, arrays["layer1.running_var"])
    np.testing.assert_array_equal(found[2].weight, arrays["layer2.weight"])
    assert found[1].weight is None
    assert found[2].bias is None


def test_what_a_trained_batch_norm_multiplies_by(tmp_path):
    """weight / sqrt(running_var + 1e-5) (Ioffe and Szegedy 2015), here on a linear 1x1 convolution."""
    arrays = {"layer0.weight": np.full((1, 1, 1, 1), 2.0), "layer1.weight": [3.0], "layer1.running_var": [4.0]}
    config = of_file(tmp_path / "w.npz", "1x1:1=linear bn", 3, **arrays)
    expected = np.zeros((3, 3))
    expected[1, 1] = 16 * 2 * 3 / sqrt(4 + 1e-5)
    np.testing.assert_allclose(heatmap_of(config).values, expected, rtol=1e-14)


def test_a_bias_decides_which_relus_are_open(tmp_path):
    weight = np.ones((1, 1, 1, 1))
    for bias, probes_through in ((0.6, 16), (-0.6, 0)):  # probes lie in [-0.5, 0.5)
        config = of_file(tmp_path / "w.npz", "1x1:1", 3, **{"layer0.weight": weight, "layer0.bias": [bias]})
        found = heatmap_of(config)
        assert found.values[1, 1] == probes_through
        assert found.n_zero == 16 - probes_through


@pytest.mark.parametrize(("stem", "plane", "shape", "fan_in", "fan_out"), LAYERS)
def test_fans_stand_to_those_of_pytorch_as_the_page_says(stem, plane, shape, fan_in, fan_out):
    """`_calculate_fan_in_and_fan_out` takes what is second and first in the shape of PyTorch's weight."""
    torch = pytest.importorskip("torch", reason="PyTorch's fans are the other convention (extra `oracle`)")
    given, groups = int(plane.split("x")[2]), {"3x7:90g3": 3, "dw9x9:800": 400}.get(stem, 1)
    kind = torch.nn.ConvTranspose2d if stem.startswith("t") else torch.nn.Conv2d
    layer = kind(given, shape[3], shape[:2], groups=groups)
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(layer.weight)
    assert theirs == ((fan_out, fan_in * groups) if stem.startswith("t") else (fan_in, fan_out * groups))


def test_a_variance_of_one_that_is_given_is_divided_by_with_its_eps(tmp_path):
    """Ioffe and Szegedy 2015, as PyTorch has it in `eval`: (x - mean) / sqrt(var + 1e-5)."""
    heatmaps = []
    for name, more in (("missing", {}), ("given", {"layer1.running_var": np.ones(2)})):
        arrays = {"layer0.weight": np.ones((3, 3, 1, 2)), **more}
        np.savez(tmp_path / f"{name}.npz", **arrays)
        init = {"kind": "file", "path": str(tmp_path / f"{name}.npz")}
        config = build({"stem": "3x3:2=linear bn", "input": 9, "init": init, "dtype": "float64"})
        heatmaps.append(heatmap_of(config).values)
    missing, given = heatmaps
    assert missing.max() == 16  # sixteen probes, each with a gradient of 1
    np.testing.assert_allclose(given, missing / sqrt(1 + 1e-5), rtol=1e-14)
