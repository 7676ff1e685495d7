"""Batches: heatmaps of one plane and one centre, cropped around it, so that NumPy measures them all at once.

The crop of a heatmap depends on that heatmap alone, and nothing here or after it sums across heatmaps. So a heatmap's
sizes and curves are the same bits in whatever company it is measured.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, floor, prod
from typing import TypeAlias

import msgspec
import numpy as np

from pipeline.errors import InputError, quote
from pipeline.sizes.sample import Center, Floats, Sample
from pipeline.theory import Window

_PIXELS = 1 << 16  # of a batch: 512 KiB of float64, which stays in the second-level cache
_SMALLEST_REACH = 8

_Area: TypeAlias = tuple[slice, slice]


class Frame(msgspec.Struct, frozen=True):
    """A plane, a centre on it, and the crop that holds all the mass.

    plane: (height, width). rows, columns: [start, stop) of the crop. center: (y, x) in **half** pixels, so that the
    distance of a pixel to the centre is an exact integer.
    """

    plane: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    center: tuple[int, int]

    @property
    def crop(self) -> tuple[int, int]:
        """(height, width) of the crop."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    @property
    def on_plane(self) -> bool:
        """Whether the centre lies between the centres of the outermost pixels, both included."""
        return all(0 <= center <= 2 * (size - 1) for center, size in zip(self.center, self.plane, strict=True))

    def cropped(self, y: int, x: int) -> tuple[int, int, int, int]:
        """(height, width, y, x): the crop, and a point on the plane, in half pixels, as seen from its corner."""
        return *self.crop, y - 2 * self.rows[0], x - 2 * self.columns[0]


class Batch(msgspec.Struct, frozen=True, eq=False):
    """Heatmaps that share a frame, none of them dead.

    positions: where each stands in the caller's list. values: [n, height, width] of the crop, each heatmap multiplied
    by a power of two that brings its maximum near one; unscale: [n], the power that undoes it. Both are exact, so a
    size never depends on the scale of a heatmap.
    """

    frame: Frame
    positions: list[int]
    values: Floats
    unscale: Floats


def batches(samples: Sequence[Sample], center: Center = "unit") -> Iterator[Batch]:
    """The samples, batched: every one is in exactly one batch, but for dead ones, which are in none.

    Raises InputError for a heatmap that is not a plane of finite numbers >= 0, or a centre off the grid of half pixels.
    """
    groups: dict[Frame, list[int]] = {}
    for position, sample in enumerate(samples):
        groups.setdefault(_frame(sample.plane, sample.center, sample.window, center), []).append(position)
    while groups:
        frame, positions = groups.popitem()
        step = max(1, _PIXELS // prod(frame.crop))
        for start in range(0, len(positions), step):
            chunk = positions[start : start + step]
            spilt = [position for position in chunk if _is_spilt(samples[position], frame)]
            if spilt:
                # A heatmap with mass outside its window is measured whole. It is none of ours, but it has sizes.
                groups.setdefault(_whole(frame), []).extend(spilt)
                chunk = [position for position in chunk if position not in spilt]
            values = np.zeros((len(chunk), *frame.crop))
            for value, sample in zip(values, [samples[position] for position in chunk], strict=True):
                part, crop = _overlap(sample.heatmap.shape, sample.corner, frame)
                value[crop] = sample.heatmap[part]
            largest = _largest(values, chunk)
            if (largest > 0).any():
                yield _batch(frame, chunk, values, largest)


def _batch(frame: Frame, positions: list[int], values: Floats, largest: Floats) -> Batch:
    alive = largest > 0
    if not alive.all():
        positions = [position for position, lives in zip(positions, alive.tolist(), strict=True) if lives]
        values, largest = values[alive], largest[alive]
    # 2**1074 is beyond float64, which the smallest denormal would need; 2**1000 brings it near enough.
    exponent = np.clip(np.frexp(largest)[1], -1000, 1000)
    values *= np.ldexp(1.0, -exponent)[:, None, None]  # in place: it is a copy
    return Batch(frame, positions, values, np.ldexp(1.0, exponent))


def _largest(values: Floats, positions: list[int]) -> Floats:
    largest: Floats = values.max(axis=(1, 2), initial=0.0)
    sound = np.isfinite(largest) & (values.min(axis=(1, 2), initial=0.0) >= 0)
    if not sound.all():
        at = positions[int(np.argmin(sound))]
        raise InputError(
            f"Heatmap number {at} has a pixel that is negative, infinite or not a number; measure its config again."
        )
    return largest


def _is_spilt(sample: Sample, frame: Frame) -> bool:
    """Whether a heatmap has anything but zeros outside the crop."""
    part, _ = _overlap(sample.heatmap.shape, sample.corner, frame)
    return bool(np.count_nonzero(sample.heatmap) > np.count_nonzero(sample.heatmap[part]))


@lru_cache(maxsize=4096)
def _overlap(shape: tuple[int, ...], corner: tuple[int, int], frame: Frame) -> tuple[_Area, _Area]:
    """What a part of the plane and the crop have in common, as rows and columns of the one and of the other."""
    of_part, of_crop = [], []
    for size, first, (start, stop) in zip(shape, corner, (frame.rows, frame.columns), strict=True):
        low, high = (min(max(end - first, 0), size) for end in (start, stop))
        of_part.append(slice(low, high))
        of_crop.append(slice(low + first - start, high + first - start))
    return (of_part[0], of_part[1]), (of_crop[0], of_crop[1])


def _whole(frame: Frame) -> Frame:
    height, width = frame.plane
    return Frame(frame.plane, (0, height), (0, width), frame.center)


@lru_cache(maxsize=4096)
def _frame(shape: tuple[int, ...], center: tuple[float, float], window: Window, mode: Center) -> Frame:
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"A heatmap has two axes and at least one pixel, not the shape {quote(shape)}.")
    height, width = shape
    y, x = ((height - 1) / 2, (width - 1) / 2) if mode == "plane" else center
    if (2 * y) % 1 or (2 * x) % 1:
        raise InputError(f"The centre {quote((y, x))} is not on a pixel nor halfway between two; pass a unit's own.")
    seen = max(window.top, 0), min(window.bottom, height - 1), max(window.left, 0), min(window.right, width - 1)
    if seen[0] > seen[1] or seen[2] > seen[3]:
        rows, columns = (0, height), (0, width)
    else:
        # Reaches are rounded up to a power of two, so that a sweep over depths makes a few batches, not one for each.
        reach = max(y - seen[0], seen[1] - y, x - seen[2], seen[3] - x)
        rounded = _SMALLEST_REACH
        while rounded < reach:
            rounded *= 2
        rows, columns = _span(y, rounded, height), _span(x, rounded, width)
    return Frame((height, width), rows, columns, (int(2 * y), int(2 * x)))


def _span(center: float, reach: float, size: int) -> tuple[int, int]:
    return max(ceil(center - reach), 0), min(floor(center + reach) + 1, size)
