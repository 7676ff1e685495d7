"""No heatmap depends on the scale of what a norm is handed, or multiplies by."""

import numpy as np
import pytest

from pipeline.stem import BatchNorm, Convolution, LayerNorm
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
        if isinstance(node.layer, BatchNorm | LayerNorm):
            drawn = {
                "weight": rng.normal(1, 0.3, channels),
                "bias": rng.normal(0, 0.3, channels),
                "running_mean": rng.normal(0, 0.3, channels),
                "running_var": rng.uniform(0.5, 2, channels),
            }
            found |= {f"{name}.{part}": drawn[part] for part in parts}
    return found


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


@pytest.mark.parametrize("parts", [("weight",), ("weight", "bias")], ids="+".join)
@pytest.mark.parametrize("stem", ["2x1x1:3=linear ln 3x3:2=linear", "2x3x3:4=relu ln 3x3:2=sigmoid"])
@pytest.mark.parametrize("power", [60, 100, 115, 255, 300, 450, 500])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_layer_norm_does_not_see_the_scale_of_large_numbers(power, stem, parts, dtype, tmp_path) -> None:
    """Handed numbers near 2**80 it has none of its epsilon left, and their squares are numbers of float64."""
    if dtype == "float32" and power > 120:
        pytest.skip("no weight of this type is so far from 1")
    arrays = arrays_of(stem, parts)
    expected = measured(tmp_path / "plain.npz", stem, arrays, "float64", {"layer0.weight": 40, "layer1.weight": 40})
    powers = {"layer0.weight": power, "layer1.weight": power}
    found = measured(tmp_path / "scaled.npz", stem, arrays, dtype, powers)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 if dtype == "float32" else 1e-11)
