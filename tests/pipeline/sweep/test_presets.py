"""The sweep files that ship: what their names and comments promise."""

import pytest

from pipeline.stem import Conv, parse
from pipeline.sweep.presets import preset_names
from pipeline.sweep.sweep import preset_spec, sweep
from pipeline.theory import window_of


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_called_as_its_file_and_says_what_it_is(name: str) -> None:
    spec = preset_spec(name)
    assert spec is not None
    assert spec["name"] == name
    assert spec["description"]


def test_every_stem_of_window31_sees_31_pixels_and_no_two_are_alike() -> None:
    spec = preset_spec("window31")
    assert spec is not None
    configs = [*sweep(spec)]
    stems = {config.stem for config in configs}
    assert (len(stems), len(configs)) == (394, 5 * 394)
    assert f"{len(stems)} stems" in spec["description"]
    for config in configs:
        seen = window_of(config)
        assert (seen.height, seen.width, seen.leaves(config.input)) == (31, 31, False), config.stem


def test_window31_has_every_sum_of_half_widths_that_makes_15() -> None:
    # As many ways to write 15 with these parts: the coefficient of x^15 in the product of 1 / (1 - x^h).
    ways = [1] + [0] * 15
    for half in (1, 2, 3, 5, 7, 15):
        for total in range(half, 16):
            ways[total] += ways[total - half]
    spec = preset_spec("window31")
    assert spec is not None
    stacks = [parse(stem) for stem in {config.stem for config in sweep(spec)}]
    plain = [
        stack
        for stack in stacks
        if all(isinstance(layer, Conv) and layer.stride == (1, 1) and layer.dilation == (1, 1) for layer in stack)
    ]
    assert len(plain) == ways[15] == 62
