"""What a heatmap of images is drawn on: the image that was measured, or the mean of several, in grey."""

from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from pipeline.config import Probes
from pipeline.draws.images import cut_images
from pipeline.stem import Plane

MOST_AVERAGED = 64
"""Images in a mean: more change nothing that is seen, and each takes some 10 ms to decode."""

_LUMA = (0.299, 0.587, 0.114)
"""Of red, green and blue in grey, by Rec. ITU-R BT.601."""


class Backdrop(msgspec.Struct, frozen=True, eq=False):
    """Images as they were measured: resized and cut to the input plane, before they were scaled and normalised.

    grey: uint8 [height, width] of the input plane. said: which images these are, such as `image 3, cat.jpg`.
    """

    grey: npt.NDArray[np.uint8]
    said: str


@lru_cache(maxsize=8)  # the configs of a sweep share their images
def backdrop_of(probes: Probes, plane: Plane) -> Backdrop:
    """The one image that the probes are, or the mean of all; of more than 64 the mean of 64 at equal distances.

    Raises InputError as `image_probes` does.
    """
    span = probes.span
    used = np.linspace(span.start, span.stop - 1, min(len(span), MOST_AVERAGED)).round().astype(int)
    total = np.zeros((plane.height, plane.width))
    names = []
    for name, image in cut_images(probes, plane, used):
        names.append(name)
        total += image[..., 0] if plane.channels == 1 else image[..., :3] @ np.array(_LUMA)
    grey = (total / len(used)).round().astype(np.uint8)
    if len(span) == 1:
        return Backdrop(grey, f"image {span.start}, {names[0]}")
    all_ = "" if len(used) == len(span) else f"of {len(used)} "
    return Backdrop(grey, f"the mean {all_}of {len(span):,} images")
