"""A heatmap as shaded text."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

SHADES = " .:-=+*#%@"
MAX_COLUMNS = 100


def shaded(heatmap: "npt.NDArray[np.float64]", columns: int = MAX_COLUMNS) -> str:
    """Rows of `SHADES`, a pixel two characters wide, from nothing (0) to the maximum, linear in between.

    Planes too wide for `columns` characters are shown in blocks of pixels, each by its mean.
    """
    import numpy as np

    height, width = heatmap.shape
    block = max(1, -(-2 * width // columns))
    rows, across = -(-height // block), -(-width // block)
    padded = np.zeros((rows * block, across * block))
    padded[:height, :width] = heatmap
    sums = padded.reshape(rows, block, across, block).sum(axis=(1, 3))
    counts = np.minimum(block, height - block * np.arange(rows))[:, None] * np.minimum(
        block, width - block * np.arange(across)
    )
    means = sums / counts
    top = means.max()
    if top <= 0:
        return "\n".join([SHADES[0] * 2 * across] * rows) + "\n"
    levels = np.minimum((means / top * (len(SHADES) - 1)).astype(int) + 1, len(SHADES) - 1)
    levels[means == 0] = 0
    return "".join("".join(SHADES[level] * 2 for level in row).rstrip() + "\n" for row in levels.tolist())
