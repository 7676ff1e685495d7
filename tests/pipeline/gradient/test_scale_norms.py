"""No heatmap depends on the scale of what a norm is handed, or multiplies by."""

import numpy as np
import pytest

from pipeline.stem import BatchNorm, Convolution, GroupNorm, InstanceNorm, LayerNorm, PReLU
from pipeline.sweep.build import build
from tests.heatmaps import heatmap_of


def arrays_of(stem: str, parts: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Random weights, and of the norms the `parts`, float64, by their names in a file."""
    rng = np.random.default_rng(2)
    found = {}
    for node in build({"stem": stem, "input": "9x9x2"}).network:
        name, channels = f"layer{node.index}", node.output.channels
        if isinstance(node.layer, Convolution):
            found[f"{name}.weight"] = rng.normal(0, node.fan_in**-0.5, node.weight_shape)
        if isinstance(node.layer, PReLU):
            found[f"{name}.weight"] = rng.uniform(-0.3, 0.6, channels)
        if isinstance(node.layer, BatchNorm | LayerNorm | GroupNorm | InstanceNorm):
            drawn = {
                "weight": rng.normal(1, 0.3, channels),
                "bias": rng.normal(0, 0.3, channels),
                "running_mean": rng.normal(0, 0.3, channels),
                "running_var": rng.uniform(0.5, 2, channels),
            }
            held = parts if isinstance(node.layer, BatchNorm) else ("weight", "bias")
            found |= {f"{name}.{part}": drawn[part] for part in parts if part in held}
    return found


def with_norm(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a stem with one more layer before its last one."""
    last = max(arrays)
    number = int(last.removeprefix("layer").removesuffix(".weight"))
    return {name: array for name, array in arrays.items() if name != last} | {f"layer{number + 1}.weight": arrays[last]}


def measured(path, stem: str, arrays: dict[str, np.ndarray], dtype: str, powers: dict[str, int]) -> np.ndarray:
    """The heatmap over its largest number, the arrays that `powers` names times powers of two; no probe is lost."""
    np.savez(path, **{name: np.ldexp(array, powers.get(name, 0)) for name, array in arrays.items()})
    init = {"kind": "file", "path": str(path)}
    fields = {"stem": stem, "input": "9x9x2", "dtype": dtype, "init": init, "probes": {"count": 3}}
    found = heatmap_of(build(fields | {"readout": {"channel": "sum"}}))
    assert (found.n_zero, found.n_nan) == (0, 0)
    return found.values / found.values.max()


@pytest.mark.parametrize("parts", [("weight",), ("weight", "running_var"), ("running_var",)], ids="+".join)
@pytest.mark.parametrize("power", [-1000, -500, -100, 100, 600, 990])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_batch_norm_may_multiply_by_any_number(power: int, parts: tuple[str, ...], dtype: str, tmp_path) -> None:
    """Its weight, or where it has none that of the convolution before it."""
    stem = "3x3:3=linear bn 3x3:2=linear"
    if dtype == "float32" and power > 120:
        pytest.skip("no weight of this type is so far from 1")
    scaled = "layer1.weight" if "weight" in parts else "layer0.weight"
    arrays = arrays_of(stem, parts)
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {})
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, {scaled: power})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


OF_PLANES = [
    "2x1x1:4=linear gn2 3x3:2=linear",
    "2x3x3:4=relu gn1 3x3:2=linear",
    "2x1x1:3=linear in 3x3:2=linear",
    "2x3x3:3=linear prelu in 3x3:2=sigmoid",
]


@pytest.mark.parametrize("parts", [("weight",), ("weight", "bias")], ids="+".join)
@pytest.mark.parametrize("stem", ["2x1x1:3=linear ln 3x3:2=linear", "2x3x3:4=relu ln 3x3:2=sigmoid", *OF_PLANES])
@pytest.mark.parametrize("power", [60, 100, 115, 255, 300, 450, 500])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_norm_does_not_see_the_scale_of_large_numbers(power, stem, parts, dtype, tmp_path) -> None:
    """Handed numbers near 2**80 it has none of its epsilon left, and their squares are numbers of float64."""
    if dtype == "float32" and power > 120:
        pytest.skip("no weight of this type is so far from 1")
    arrays = arrays_of(stem, parts)
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {"layer0.weight": 40, "layer1.weight": 40})
    powers = {"layer0.weight": power, "layer1.weight": power}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, powers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("stem", ["2x1x1:3=linear ln 3x3:2=linear", *OF_PLANES[:3]])
@pytest.mark.parametrize("power", [-60, -100, -250, -480])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_norm_of_small_numbers_divides_by_the_root_of_its_epsilon(power, stem, dtype, tmp_path) -> None:
    """Handed numbers near 2**-60 it is linear: what is left of their variance beside the epsilon is 2**-103."""
    arrays = arrays_of(stem, ("weight", "bias"))
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {"layer0.weight": -30, "layer1.weight": -30})
    powers = {"layer0.weight": power, "layer1.weight": power}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, powers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("stem", ["2x3x3:4=linear{} 3x3:2=linear", "3x3:4=linear prelu{} 3x3:2=linear"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_local_response_norm_of_small_numbers_hands_them_on(stem, dtype, tmp_path) -> None:
    """x / (1 + alpha mean(x^2))^beta is x where squares are nothing beside 1."""
    plain, normal = stem.format(""), stem.format(" lrn3")
    expected = measured(tmp_path / "plain.npz", plain, arrays_of(plain, ()), "float64", {})
    arrays = with_norm(arrays_of(plain, ()))
    for power in (-60, -120, -900):
        found = measured(tmp_path / "scaled.npz", normal, arrays, dtype, {"layer0.weight": power})
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("power", [60, 110, 200])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_local_response_norm_does_not_see_the_scale_of_large_numbers(power, dtype, tmp_path) -> None:
    """Where 1 is nothing beside alpha mean(x^2), its slopes at 2x are those at x times 2^(-2 beta)."""
    if dtype == "float32" and power > 120:
        pytest.skip("no weight of this type is so far from 1")
    stem = "2x3x3:4=linear lrn3(0.1,0.75,1) 3x3:2=linear"
    arrays = arrays_of(stem, ())
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {"layer0.weight": 30, "layer1.weight": 30})
    powers = {"layer0.weight": power, "layer1.weight": power}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, powers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-11)


@pytest.mark.parametrize("powers", [(-900, 0), (-140, -140), (-120, 100), (-500, 900), (100, 115)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_learned_slopes_are_those_of_numbers_of_any_scale(powers, dtype, tmp_path) -> None:
    if dtype == "float32" and max(powers) > 120:
        pytest.skip("no weight of this type is so far from 1")
    stem = "3x3:4=linear prelu 3x3:3=linear prelu 1x1:2=linear"
    arrays = arrays_of(stem, ())
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {})
    scaled = {"layer0.weight": powers[0], "layer2.weight": powers[1]}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, scaled)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


FAR_FROM_ONE = [
    "2x3x3:4=linear lrn3(0.1,{beta},1) 3x3:2=linear",
    "2x3x3:4=linear lrn1(2,{beta},0.5) lrn4(0.1,{beta},1) 3x3:2=linear",
]


@pytest.mark.parametrize("power", [300, 430, 450, 500])
@pytest.mark.parametrize("beta", [0.25, 0.6, 0.75, 2])
@pytest.mark.parametrize("stem", FAR_FROM_ONE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_local_response_norm_is_right_up_to_the_largest_numbers(power, stem, beta, dtype, tmp_path) -> None:
    """Handed numbers near 2**1000 at most, whose squares are none, nor the powers of what it divides by."""
    if dtype == "float32":
        power = power // 5  # two weights of which are numbers of float32
    stem = stem.format(beta=beta)
    arrays = arrays_of(stem, ())
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {"layer0.weight": 90, "layer1.weight": 90})
    powers = {"layer0.weight": power, "layer1.weight": power}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, powers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-10)
