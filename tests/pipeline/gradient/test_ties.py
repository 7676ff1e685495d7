"""Exact ties in front of a max pool go to the first pixel, and exact zeros stay zero, whichever way a layer is done."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.draws import draw_probes, draw_weights
from pipeline.gradient import plan_of
from pipeline.ops import activation
from pipeline.stem import NAMES, Axis, Box, Conv, Convolution, Depthwise, Transposed
from pipeline.sweep.build import build
from tests.heatmaps import heatmap_of

pytest.importorskip("torch", reason="the network that is summed pixel by pixel is PyTorch's (extra `oracle`)")

import torch
from torch.nn import functional

from tests import convolving
from tests.torch_network import TorchNetwork

pytestmark = pytest.mark.usefixtures("memory_and_ways")


class SummedNetwork(TorchNetwork):
    """Convolutions tap by tap and channel by channel: every output is the same sum, in the same order."""

    def node(self, node, x, *others):
        if not isinstance(node.layer, Conv | Depthwise | Transposed):
            return super().node(node, x, *others)
        weight = self.array(self.parameters[node.index].weight)
        y, across = node.y, node.x
        padding = across.before, across.after, y.before, y.after
        if isinstance(node.layer, Transposed):
            spread = x.new_zeros(
                (*x.shape[:2], (y.size_in - 1) * y.stride + 1, (across.size_in - 1) * across.stride + 1)
            )
            spread[:, :, :: y.stride, :: across.stride] = x
            weight, x = weight.flip(0, 1), spread
            reach = [(axis.kernel - 1) * axis.dilation for axis in (across, across, y, y)]
            padding = [far - side for far, side in zip(reach, padding, strict=True)]
            y, across = (Axis(0, axis.size_out, axis.kernel, 1, axis.dilation) for axis in (y, across))
            x = functional.pad(x, padding)
        elif node.padding_mode == "circular":
            x = self.wrapped(x, padding)
        else:
            x = functional.pad(x, padding, mode={"zeros": "constant"}.get(node.padding_mode, node.padding_mode))
        own = weight.shape[3] // node.groups
        made = []
        for feature in range(weight.shape[3]):
            total = 0
            for channel in range(weight.shape[2]):
                plane = x[:, feature // own * weight.shape[2] + channel]
                for i in range(y.kernel):
                    rows = slice(i * y.dilation, i * y.dilation + (y.size_out - 1) * y.stride + 1, y.stride)
                    for j in range(across.kernel):
                        start = j * across.dilation
                        columns = slice(start, start + (across.size_out - 1) * across.stride + 1, across.stride)
                        total = total + weight[i, j, channel, feature] * plane[:, rows, columns]
            made.append(total)
        return torch.stack(made, dim=1)


def summed_heatmap(config):
    plane = config.input
    probes = draw_probes(config.probes, plane, Box(0, plane.height, 0, plane.width), 0, config.probes.count)
    oracle = SummedNetwork(config, draw_weights(config))
    return np.abs(oracle.input_gradient(probes.transpose(3, 0, 2, 1))).sum(axis=(0, 3))


def holds(config):
    expected = summed_heatmap(config)
    found = heatmap_of(config).values
    near = 1e-9 if config.dtype == "float64" else 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=near * max(expected.max(), 1e-30))


CONSTANT = {"kind": "constant", "count": 1}
STEMS = [
    ("3x3:8 max2x2/2", "12x13x1"),
    ("2x3x3:8 max3x3/2 3x3:4", "20x17x2"),
    ("5x5:8=tanh max2x2 3x3:8=gelu max3x3/2", "16x19x3"),
    ("9x9:8 3x3:9 max3x3", "24x24x1"),
    ("3x3:8g2 max2x2 dw3x3", "14x15x2"),
    ("dw5x1 dw1x5 1x1:6 max3x3/2", "17x18x3"),
    ("3x3@2:8 max2x2/2", "15x21x2"),
    ("t3x3/2:6 max3x3/2 3x3", "9x8x2"),
    ("t4x4@2:4g2 max2x2", "9x8x2"),
    ("res(2x3x3:8) max2x2/2 res(3x3:8)", "14x14x2"),
    ("3x3:8~replicate max3x3/2", "11x12x2"),
    ("bn 3x3:8=silu ln 1x1:5 max2x2", "13x13x3"),
    ("7x7/2:16 max3x3/2 2x3x3:8", "33x30x3"),
    ("max3x3 3x3:8=sigmoid avg3x3 max3x3", "12x12x1"),
    ("cat(1x1:4|3x3:8 max2x2|5x5:4=tanh) max2x2/2 3x3:4", "14x13x2"),
    ("3x3:8 mul(|gap 1x1:8=sigmoid) 3x3:4 max3x3/2", "13x12x2"),
    ("add(3x3:6|1x1:6|) 3x3:6 max3x3/2p1", "13x13x6"),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("stem", "plane"), STEMS)
def test_windows_of_a_constant_tie(stem, plane, dtype):
    for seed in range(3):
        fields = {"stem": stem, "input": plane, "dtype": dtype, "init": {"kind": "he_normal", "seed": seed}}
        holds(build(fields | {"probes": CONSTANT, "readout": {"channel": "sum"}}))
        holds(build(fields | {"probes": CONSTANT}))


@pytest.mark.parametrize(
    ("stem", "plane"),
    [
        ("up4 3x3:8 max2x2/2 3x3", "9x8x2"),
        ("3x3:8 up3 2x2:8=tanh max3x3", "9x8x2"),
        ("7x7:8~replicate 3x3:8 max3x3/2", "7x6x2"),
        ("3x3:4 res(up2 3x3/2:4) max2x2 5x5:4~circular max2x2", "8x6x2"),
        ("cat(3x3:4|up2 3x3/2:4) max2x2 3x3", "9x8x2"),
        ("mul(up3 1x1:4=linear max3x3/3|gap 1x1:4=sigmoid) 3x3:4=linear max2x2/2", "6x6x2"),
        ("add(bilinear4#b 3x3:4|#b 1x1:4) 3x3:6 max2x2", "5x6x2"),
        ("pad2x3~replicate 3x3:8 max3x3/2", "7x6x2"),
        ("3x3:8=hardtanh(-0.05,0.05) 3x3:8 max3x3/2", "13x12x2"),
    ],
)
def test_pixels_that_the_network_repeats_tie(stem, plane):
    for seed in range(3):
        probes = {"kind": "normal", "count": 2, "seed": seed}
        holds(build({"stem": stem, "input": plane, "dtype": "float64", "probes": probes, "init": {"seed": seed}}))


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(("3x3:4", "dw3x3", "2x4:4g2=tanh", "1x1:6", "3x2/2:4", "t2x3/2:4", "3x3@2:4")),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(("max2x2", "max3x3/2", "max2x3")),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_windows_of_periodic_images_tie(tmp_path_factory, convolutions, pool, high, wide, seed):
    """Gratings whose pixels, zeros among them, come again every few rows and columns."""
    stem = " ".join((*convolutions, pool, "1x1:2"))
    tile = np.random.default_rng(seed).integers(0, 3, (2, high, wide, 4)) / 3
    path = tmp_path_factory.mktemp("images") / "probes.npy"
    np.save(path, np.tile(tile, (1, 12, 12, 1))[:, :12, :11])
    probes = {"kind": "file", "path": str(path)}
    holds(build({"stem": stem, "input": "12x11x4", "dtype": "float64", "probes": probes, "init": {"seed": seed}}))


def test_only_what_a_max_pool_compares_is_summed_window_by_window():
    """Random probes and weights take the quickest way, and so does what follows the last max pool."""

    def marked(stem, kind, plane="40x40x1"):
        plan = plan_of(build({"stem": stem, "input": plane, "probes": {"kind": kind, "count": 1}})).cone
        return [step.ties for step in plan.steps if isinstance(step.node.layer, Convolution)]

    assert marked("2x3x3 max2x2 3x3", "constant") == [True, True, False]
    assert marked("2x3x3 max2x2 3x3", "uniform") == [False, False, False]
    assert marked("3x3 up2 3x3 max2x2 3x3", "normal") == [False, True, False]
    assert marked("3x3 3x3~reflect 3x3 max2x2", "normal") == [False, False, False]  # the border is out of reach
    assert marked("3x3 3x3~reflect 3x3 max2x2", "normal", "5x5x1") == [False, True, True]
    assert marked("res(3x3:8) res(3x3:4 max3x3 3x3:8)", "constant") == [True, True, True, False]
    assert marked("4x3x3", "constant") == [False] * 4
    assert marked("cat(3x3 max3x3 1x1|5x5) 3x3", "constant") == [True, False, False, False]
    assert marked("cat(up2 3x3|up2) 3x3 max2x2", "uniform") == [True, True]
    assert marked("cat(up2|3x3~reflect up2) 3x3 max2x2", "uniform") == [False, True]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", NAMES)
def test_an_activation_makes_equal_bits_of_equal_numbers(kind, dtype):
    """Wherever they stand in a line, which ends with less than a vector."""
    for size in (1, 7, 16, 37, 1023):
        for z in np.random.default_rng(size).normal(0, 4, 20).astype(dtype):
            value, slope = activation.forward(kind, np.full((3, 2, size, 1), z, dtype))
            assert (value == value[0, 0, 0, 0]).all()
            assert slope is None or (slope == slope[0, 0, 0, 0]).all()


@pytest.mark.parametrize("kernel", [3, 13])
def test_a_kernel_that_holds_zeros_makes_exact_zeros(tmp_path, kernel):
    """Layer 0 is zero but for its centre tap, and so is every second column of the probes."""
    stem, plane = f"3x{kernel}x{kernel}:16", "41x41x16"
    drawn = np.random.default_rng(0)
    weights = {f"layer{index}.weight": drawn.normal(0, 0.05, (kernel, kernel, 16, 16)) for index in range(3)}
    centre = np.zeros((kernel, kernel, 16, 16))
    centre[kernel // 2, kernel // 2] = weights["layer0.weight"][0, 0]
    weights["layer0.weight"] = centre
    np.savez(tmp_path / "weights.npz", **weights)
    probes = drawn.normal(size=(2, 41, 41, 16))
    probes[:, :, ::2] = 0
    np.save(tmp_path / "probes.npy", probes)
    fields = {
        "stem": stem,
        "input": plane,
        "dtype": "float64",
        "init": {"kind": "file", "path": str(tmp_path / "weights.npz")},
    }
    found = heatmap_of(build(fields | {"probes": {"kind": "file", "path": str(tmp_path / "probes.npy")}})).values
    assert (found[:, ::2] == 0).all()
    assert (found[:, 1::2] > 0).any()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_kernels_of_few_bits_cancel_exactly(dtype):
    """Half of the features are the difference of two sums, and what they read is the same in every row."""
    drawn = np.random.default_rng(1)
    weight = drawn.integers(1, 9, (13, 13, 32, 32)) / 8
    weight[7:, ..., :16] = -weight[:6, ..., :16]
    weight[6, :, ::2, :16], weight[6, :, 1::2, :16] = 1, -1  # and in every channel
    x = drawn.integers(1, 9, (1, 1, 40, 8)).repeat(40, axis=0).repeat(32, axis=1).astype(dtype)
    inside = Axis(40, 28, 13)
    made = convolving.forward(x, weight.astype(dtype), inside, inside)
    assert (made[:, :16] == 0).all()
    assert (made[:, 16:] > 0).all()
    turned = np.ascontiguousarray(weight[::-1, ::-1].swapaxes(2, 3)).astype(dtype)
    around = Axis(28, 40, 13, before=12, after=12)  # of which pixels read 13 outputs each way
    back = convolving.vjp(x, turned, around, around)
    assert (back[:, :16] == 0).all()
    assert (back[:, 16:] > 0).all()
