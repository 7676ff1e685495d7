"""A sample: one heatmap with what its sizes need to know of the unit it belongs to."""

from typing import Literal, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.config import Config
from pipeline.theory import Window, window_of

Floats: TypeAlias = NDArray[np.float64]

Center: TypeAlias = Literal["unit", "plane"]
"""`unit`: the centre of the unit's window. `plane`: ((H-1)/2, (W-1)/2) with integer half-widths, as the original."""


class Sample(msgspec.Struct, frozen=True, eq=False):
    """A heatmap and its unit.

    heatmap: float64 [height, width], finite and not negative: the whole plane, or the part of it outside which it is
    zero. center: (y, x) of the unit, in pixels and halves of pixels; it may lie outside the plane. window: the unit's
    unclipped window. used: probes that went into the heatmap. corner: (y, x) on the plane of the part's first pixel.
    whole: (height, width) of the plane, None where the heatmap is all of it.
    """

    heatmap: Floats
    center: tuple[float, float]
    window: Window
    used: int = 1
    corner: tuple[int, int] = (0, 0)
    whole: tuple[int, int] | None = None

    @property
    def plane(self) -> tuple[int, ...]:
        """The shape of the plane."""
        return self.whole or self.heatmap.shape


def sample_of(config: Config, heatmap: Floats, n_nan: int = 0, corner: tuple[int, int] = (0, 0)) -> Sample:
    """The sample that is a config's heatmap.

    heatmap: float64 [height, width], the whole plane or a part of it, whose first pixel is `corner`, (y, x) on the
    plane. n_nan: the config's probes that are not in the heatmap. Raises InputError as `window_of` does.
    """
    seen = window_of(config)
    plane = config.input.height, config.input.width
    return Sample(heatmap, seen.center, seen, config.probes.count - n_nan, corner, plane)
