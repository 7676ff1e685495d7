"""The region of the input that one unit sees."""

import pytest

from pipeline.errors import InputError
from pipeline.stem import Plane, network
from pipeline.theory import Region, region


def region_of(stem: str, unit: tuple[int, int], side: int = 21, channel: int | None = None) -> Region:
    return region(network(stem, Plane(side, side)), unit, channel)


def test_a_unit_at_the_corner_is_clipped() -> None:
    found = region_of("3x5", (0, 1))
    assert (found.top, found.bottom, found.left, found.right) == (-1, 1, -1, 3)
    assert (found.height, found.width, found.center_y, found.center_x) == (3, 5, 0, 1)
    assert (found.clipped_top, found.clipped_bottom, found.clipped_left, found.clipped_right) == (0, 1, 0, 3)
    assert (found.seen_top, found.seen_bottom, found.seen_left, found.seen_right) == (0, 1, 0, 3)
    assert (found.pixels, found.saturated, found.is_global) == (8, True, False)


def test_the_window_may_be_larger_than_what_matters() -> None:
    found = region_of("3x3@2", (10, 10))
    assert (found.top, found.bottom, found.height) == (8, 12, 5)
    assert found.pixels == 9


def test_copies_of_padding_may_lie_outside_the_window() -> None:
    found = region_of("3x3~circular", (0, 0))
    assert (found.bottom, found.seen_bottom, found.pixels) == (1, 20, 9)


def test_a_window_beyond_the_plane_has_no_part_on_it() -> None:
    found = region_of("1x1p3", (0, 0))
    assert (found.top, found.clipped_top, found.seen_top, found.pixels) == (-3, None, None, 0)


def test_channels_may_see_different_regions() -> None:
    assert [region_of("cat(|3x3:1)", (5, 5), channel=c).pixels for c in (0, 1, None)] == [1, 9, 9]


@pytest.mark.parametrize(("unit", "channel"), [((21, 0), None), ((0, -1), None), ((0, 0), 4)])
def test_what_the_output_does_not_have_is_refused(unit: tuple[int, int], channel: int | None) -> None:
    with pytest.raises(
        InputError, match=f"there is no unit {unit[0]},{unit[1]}" if channel is None else "no channel 4"
    ):
        region_of("3x3", unit, channel=channel)
