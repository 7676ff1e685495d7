"""Axes: what a sweep varies, NULL where a stem is not uniform in it."""

import pytest

from pipeline.config import axes
from pipeline.sweep.build import build

UNIFORM = ("kernel", "depth", "features", "dilation", "stride", "activation")


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("4x3x3", (3, 4, 4, 1, 1, "relu")),
        ("2x5x5/2@2:8=gelu", (5, 2, 8, 2, 2, "gelu")),
        ("3x3", (3, 1, 4, 1, 1, "relu")),
        ("3x3x1", (None, 3, 4, 1, 1, "relu")),  # a kernel of 3x1 is not square
        ("2x3x3@2x1", (3, 2, 4, None, 1, "relu")),
        ("2x3x3p1:2g2", (3, 2, 2, 1, 1, "relu")),  # paddings and groups are not axes
        ("3x3 5x5", (None,) * 6),
        ("2x3x3 relu", (None,) * 6),
        ("dw3x3", (None,) * 6),
        ("res(2x3x3)", (None,) * 6),
    ],
)
def test_axes_of_a_stem(stem: str, expected: tuple[object, ...]) -> None:
    found = axes(build({"stem": stem, "input": "21x21x2"}))
    assert tuple(getattr(found, name) for name in UNIFORM) == expected


def test_axes_of_everything_else() -> None:
    found = axes(
        build(
            {
                "stem": "3x3",
                "input": {"height": 11, "width": 31, "channels": 3},
                "init": {"kind": "he_normal", "seed": 5},
                "probes": {"kind": "normal", "count": 2, "seed": 7},
                "readout": {"channel": "relu_sum", "gradient": "square"},
                "dtype": "float64",
            }
        )
    )
    assert (found.height, found.width, found.channels) == (11, 31, 3)
    assert (found.init, found.seed) == ("he_normal", 5)
    assert (found.probes, found.probes_count, found.probes_seed) == ("normal", 2, 7)
    assert (found.channel, found.gradient, found.dtype) == ("relu_sum", "square", "float64")


def test_an_index_channel_is_text_too() -> None:
    assert axes(build({"stem": "3x3", "readout": {"channel": 2}})).channel == "2"
