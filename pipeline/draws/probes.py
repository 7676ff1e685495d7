"""Probes: the input samples that a heatmap is averaged over, drawn only where the cone reads them."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pipeline.config import Probes
from pipeline.draws.files import probe_file
from pipeline.draws.images import image_probes
from pipeline.draws.streams import Role, Streams, original_draws
from pipeline.limits import DRAWN_KEPT
from pipeline.ops.buffer import Array
from pipeline.stem import Box, Plane


def draw_probes(probes: Probes, plane: Plane, box: Box, first: int, stop: int) -> Array:
    """Probes `first` to `stop` inside a box of the input plane, as [rows, channels, columns, probes].

    All kinds but files are float32 numbers, whatever the precision of the kernel, so that precisions can be compared.

    - uniform: U[-0.5, 0.5), normal: N(0, 1). Probe i is the window, centred on the plane's pixel (height // 2,
      width // 2), of one endless random image keyed by (seed, i): its pixels follow the stream ring by ring outwards,
      so that a larger plane continues the same probe and only the rings that the cone reads are drawn.
    - constant: 1 everywhere.
    - neural_api: the original's stream, U[-0.5, 0.5) by probe, y, x, channel.
    - file: an .npy of [n, height, width, channels], read without pickle.
    - images: a folder of them, prepared as the probes say; see `pipeline.draws.images`.
    """
    if probes.kind == "constant":
        return np.ones((box.height, plane.channels, box.width, stop - first), np.float32)
    if probes.kind == "file":
        return _cut(probe_file(probes, plane)[first:stop], box)
    if probes.kind == "images":
        return _cut(_images(probes, plane, first, stop), box)
    if probes.kind == "neural_api":
        return _cut(_original(probes.seed, probes.count, plane)[first:stop], box)
    numbers = (stop - first) * box.height * box.width * plane.channels
    draw = _rings if numbers <= DRAWN_KEPT else _rings.__wrapped__
    return draw(probes, plane, box, first, stop)


@lru_cache(maxsize=2)
def _images(probes: Probes, plane: Plane, first: int, stop: int) -> npt.NDArray[np.float32]:
    return image_probes(probes, plane, first, stop)


def _cut(images: Array, box: Box) -> Array:
    """The box of images [n, y, x, channel] as [y, channel, x, n]."""
    cut = images[:, box.top : box.bottom, box.left : box.right]
    return np.ascontiguousarray(cut.transpose(1, 3, 2, 0))


@lru_cache(maxsize=2)
def _original(seed: int, count: int, plane: Plane) -> npt.NDArray[np.float32]:
    shape = (count, plane.height, plane.width, plane.channels)
    draws = original_draws(seed, 0, int(np.prod(shape)))
    images = (draws / 2.0**32 - 0.5).astype(np.float32).reshape(shape)
    images.flags.writeable = False
    return images


@lru_cache(maxsize=4)  # the seeds of a sweep share their probes
def _rings(probes: Probes, plane: Plane, box: Box, first: int, stop: int) -> npt.NDArray[np.float32]:
    places = _ring_places(plane.height // 2, plane.width // 2, box)
    draws = (int(places.max()) + 1) * plane.channels
    streams = Streams(probes.seed, Role.PROBES)
    image = np.empty(draws, np.float32)  # one at a time: around a long thin box lies much that is not read
    pixels = image.reshape(-1, plane.channels)
    images = np.empty((stop - first, *places.shape, plane.channels), np.float32)
    for row, index in enumerate(range(first, stop)):
        if probes.kind == "normal":
            streams.at(index).standard_normal(out=image, dtype=np.float32)
        else:
            streams.at(index).random(out=image, dtype=np.float32)
        pixels.take(places, axis=0, out=images[row], mode="clip")  # "raise" would buffer
    if probes.kind == "uniform":
        images -= np.float32(0.5)
    cut = np.ascontiguousarray(images.transpose(1, 3, 2, 0))
    cut.flags.writeable = False
    return cut


def _ring_places(center_y: int, center_x: int, box: Box) -> npt.NDArray[np.int64]:
    """[rows, columns] the place of each pixel of a box in the order of rings around a centre.

    Ring r holds the 8r pixels at Chebyshev distance r, after the (2r-1)^2 inside it: its top row, its bottom row, then
    what is left of its left and of its right column.
    """
    y = np.arange(box.top, box.bottom)[:, None] - center_y
    x = np.arange(box.left, box.right)[None, :] - center_x
    r = np.maximum(abs(y), abs(x))
    side = 2 * r + 1
    in_ring = np.where(
        y == -r,
        x + r,
        np.where(y == r, side + x + r, np.where(x == -r, 2 * side + y + r - 1, 3 * side - 2 + y + r - 1)),
    )
    return np.where(r == 0, 0, (2 * r - 1) ** 2 + in_ring)
