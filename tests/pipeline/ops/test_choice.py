"""The shapes of a convolution choose its way; a kernel with zeros is left to a direct one."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import plan_of
from pipeline.gradient.erf import step_parameters
from pipeline.ops import choice, conv
from pipeline.stem import Axis
from pipeline.sweep.build import build
from tests import convolving
from tests.heatmaps import gradient_of

pytestmark = pytest.mark.usefixtures("memory")


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
