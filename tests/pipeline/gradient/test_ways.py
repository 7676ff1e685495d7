"""Heatmaps do not depend on the ways of their convolutions, nor on what else a thread has run or runs beside them."""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import numpy as np
import pytest

from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import plan_of
from pipeline.gradient.erf import step_parameters
from pipeline.ops import conv, fourier, winograd
from pipeline.stem import network
from pipeline.sweep.build import build
from pipeline.theory.support import support
from tests.heatmaps import gradient_of, heatmap_of

pytestmark = pytest.mark.usefixtures("memory")


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


def test_threads_measure_the_same_bits_side_by_side() -> None:
    stems = ["4x3x3", "2x9x9:16", "res(2x3x3:8) max2x2/2", "dw5x5 3x3@2"]
    configs = [build({"stem": stem, "input": 41, "init": {"seed": seed}}) for seed in range(6) for stem in stems]
    one_by_one = [heatmap_of(config).values for config in configs]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda config: heatmap_of(config).values, configs))
    for one, other in zip(one_by_one, together, strict=True):
        np.testing.assert_array_equal(one, other)
