"""The original program's stream, table and mass curve, digit by digit.

Everything expected here is written from the description of the program alone, in plain loops: its MT19937, the order of
its draws, its layers and their gradient.
"""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.draws import draw_probes, draw_weights
from pipeline.errors import InputError
from pipeline.sizes import CURVES, curves, sample_of, sizes
from pipeline.stem import Box, original_label
from pipeline.sweep.build import build
from pipeline.sweep.sweep import preset_spec, sweep
from tests.heatmaps import heatmap_of
from tests.mt19937 import mt19937

REFERENCE = Path(__file__).parents[1] / "reference"
SEED = 20260607


def original_probes(source, count, height, width, channels):
    """For each probe, for y, for x, for channel: u32 / 2**32 - 0.5, rounded to float32."""
    probes = np.empty((count, height, width, channels), np.float32)
    for place in np.ndindex(probes.shape):
        probes[place] = np.float32(next(source) / 2**32 - 0.5)
    return probes


def original_weights(source, shapes):
    """Layers last to first; within a layer output feature, y, x, input channel. [kh, kw, inputs, features]"""
    layers = []
    for height, width, inputs, features in reversed(shapes):
        scale = np.float32(np.sqrt(3 / (height * width * inputs)))
        weight = np.empty((height, width, inputs, features), np.float32)
        for feature in range(features):
            for y in range(height):
                for x in range(width):
                    for channel in range(inputs):
                        drawn = ((next(source) * 10000) >> 32) - 5000
                        weight[y, x, channel, feature] = np.float32(drawn) / np.float32(5000) * scale
        layers.append(weight)
    return layers[::-1]


def slow_heatmap(probes, weights):
    """Sum over probes and channels of |gradient| of the centre unit of feature 0, for a stack with ReLUs, by loops."""
    _, height, width, _ = probes.shape
    total = np.zeros((height, width))
    for probe in probes.astype(np.float64):
        planes = [probe]
        for weight in weights:
            kernel = weight.shape[0]
            padded = np.pad(planes[-1], ((kernel // 2,) * 2, (kernel // 2,) * 2, (0, 0)))
            made = np.zeros((height, width, weight.shape[3]))
            for y in range(height):
                for x in range(width):
                    window = padded[y : y + kernel, x : x + kernel]
                    made[y, x] = np.einsum("ijc,ijcf->f", window, weight.astype(np.float64))
            planes.append(np.maximum(made, 0))
        gradient = np.zeros_like(planes[-1])
        gradient[height // 2, width // 2, 0] = 1
        for weight, made in zip(reversed(weights), reversed(planes[1:]), strict=True):
            gradient = gradient * (made > 0)
            kernel = weight.shape[0]
            back = np.zeros((height + kernel - 1, width + kernel - 1, weight.shape[2]))
            for y, x in np.argwhere(gradient.any(axis=2)):
                spread = np.einsum("ijcf,f->ijc", weight.astype(np.float64), gradient[y, x])
                back[y : y + kernel, x : x + kernel] += spread
            half = kernel // 2
            gradient = back[half : half + height, half : half + width]
        total += np.abs(gradient).sum(axis=2)
    return total


def preset():
    return list(sweep(preset_spec("luo2016")))


def measured(config):
    sample = sample_of(config, heatmap_of(config).values)
    return sample, sample.window


def test_the_table_of_the_original_to_the_character():
    samples, seen = zip(*(measured(config) for config in preset()), strict=True)
    rows = []
    for config, found, its_window in zip(preset(), sizes(list(samples)), seen, strict=True):
        rows.append(
            f"{original_label(config.stem):<10s}{its_window.width:>12d}{found.eff_rf:>17.0f}{found.ratio:>11.2f}"
        )
    lines = (REFERENCE / "luo2016.txt").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("---")) + 1
    expected = [line.split() for line in lines[first : first + 5]]
    assert [row.split() for row in rows] == expected


def test_the_mass_curve_of_the_original():
    """Of 4x 3x3, within 2e-6 a row: the original sums in float32."""
    (curve,) = curves([measured(preset()[2])[0]])
    with (REFERENCE / "erf_sweep_2.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    square = curve[CURVES.index("square")]
    assert [int(row["radius"]) for row in rows] == list(range(len(rows)))
    assert len(square) == len(rows)
    np.testing.assert_allclose(square, [float(row["mass_fraction"]) for row in rows], rtol=0, atol=2e-6)


def test_the_whole_original_in_plain_loops_gives_the_same_heatmaps():
    """One stream: the probes, then for each stem as many numbers thrown away as it has weights, then its weights."""
    source = mt19937(SEED)
    probes = original_probes(source, 16, 21, 21, 1)
    for config, (kernel, depth) in zip(preset(), ((3, 1), (3, 2), (3, 4), (9, 1), (5, 4)), strict=True):
        shapes = [(kernel, kernel, 1 if layer == 0 else 4, 4) for layer in range(depth)]
        original_weights(source, shapes)
        weights = original_weights(source, shapes)
        drawn = draw_weights(config)
        for layer, weight in enumerate(weights):
            np.testing.assert_array_equal(drawn[layer].weight, weight)
        whole = draw_probes(config.probes, config.input, Box(0, 21, 0, 21), 0, 16)
        np.testing.assert_array_equal(whole.transpose(3, 0, 2, 1), probes)
        expected = slow_heatmap(probes, weights)
        found = heatmap_of(msgspec.structs.replace(config, dtype="float64")).values
        assert np.abs(found - expected).max() <= 1e-12 * expected.max()


@pytest.mark.parametrize(("seed", "offset"), [(1, None), (20260607, 0), (4294967295, 1000)])
def test_other_stems_seeds_and_offsets_draw_as_described(seed, offset):
    """Rectangular kernels, several channels, pools in between."""
    init = {"kind": "neural_api", "seed": seed} | ({} if offset is None else {"offset": offset})
    probes = {"kind": "neural_api", "seed": seed, "count": 2}
    config = build({"stem": "2x3:2 max2x2/2 3x1:3", "input": "6x5x2", "init": init, "probes": probes})
    shapes = [(2, 3, 2, 2), (3, 1, 2, 3)]
    source = mt19937(seed)
    for _ in range(2 * 6 * 5 * 2 + sum(int(np.prod(shape)) for shape in shapes) if offset is None else offset):
        next(source)
    expected = dict(zip((0, 2), original_weights(source, shapes), strict=True))
    found = draw_weights(config)
    assert found.keys() == expected.keys()
    for index, weight in expected.items():
        np.testing.assert_array_equal(found[index].weight, weight)
    drawn = draw_probes(config.probes, config.input, Box(0, 6, 0, 5), 0, 2)
    np.testing.assert_array_equal(drawn.transpose(3, 0, 2, 1), original_probes(mt19937(seed), 2, 6, 5, 2))


@pytest.mark.parametrize("stem", ["3x3 t2x2", "res(3x3)", "3x3 bn", "3x3 relu", "up2 3x3", "3x3 gap"])
def test_the_stream_fills_stacks_of_convolutions_and_pools_only(stem):
    with pytest.raises(InputError, match="neural_api fills stacks of convolutions and pools"):
        build({"stem": stem, "input": "21x21x4", "init": {"kind": "neural_api"}})
