"""Levels as colours: the map `inferno`, from black over red to pale yellow, ordered in brightness too."""

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Rgb: TypeAlias = "npt.NDArray[np.uint8]"

_INFERNO = ("000004", "1b0c42", "4b0c6b", "781c6d", "a52c60", "cf4446", "ed6925", "fb9a06", "f7d03c", "fcffa4")
"""Ten of its colours at equal distances (Matplotlib's `inferno`, by Nathaniel Smith and Stefan van der Walt, CC0)."""
LINE = (255, 255, 255)
"""Of the box around the effective square."""
MARK = (0, 255, 255)
"""Of the centre: no colour of the map is near it."""
OPAQUE_FROM = 0.5
"""The level from which on a heatmap hides the image that it is drawn on."""
_DIMMED = (20, 170)
"""What black and white of an image become below a heatmap, whose brightest colours have a grey of 250."""


def colours(levels: "npt.NDArray[np.float64]") -> Rgb:
    """The colours, uint8 [height, width, 3], of levels in [0, 1], float64 [height, width]."""
    import numpy as np

    known = np.array(anchors())
    at = np.linspace(0, 1, len(known))
    made = np.empty((*levels.shape, 3), np.uint8)
    for channel in range(3):  # one by one: of a large plane each takes 8 bytes for a pixel
        made[..., channel] = np.interp(levels, at, known[:, channel]).round()
    return made


def laid_on(grey: Rgb, levels: "npt.NDArray[np.float64]") -> Rgb:
    """A heatmap on an image, uint8 [height, width, 3]: grey is uint8 [height, width], levels float64 of that shape."""
    share = opacity(levels)[..., None]
    return (share * colours(levels) + (1 - share) * dimmed(grey)[..., None]).round().astype("uint8")


def opacity(levels: "npt.NDArray[np.float64]") -> "npt.NDArray[np.float64]":
    """How much each level hides what a heatmap is drawn on, from 0 for level 0 to 1: float64 of the same shape."""
    return (levels / OPAQUE_FROM).clip(0, 1)


def dimmed(grey: "npt.NDArray[Any]") -> Rgb:
    """An image as dark as it lies below a heatmap, so that the bright end of the map stands out.

    grey: numbers [...] from 0 to 255; the result is uint8 of that shape.
    """
    darkest, brightest = _DIMMED
    return (darkest + grey * ((brightest - darkest) / 255)).round().astype("uint8")


def anchors() -> list[list[int]]:
    """(red, green, blue) of the map at equal distances, from level 0 to level 1; between them it is linear."""
    return [[*bytes.fromhex(colour)] for colour in _INFERNO]
