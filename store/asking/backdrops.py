"""The images that heatmaps were measured on, read again to be drawn below these."""

from collections.abc import Iterable, Mapping
from math import ceil, isqrt
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.config import Config, decode
from pipeline.errors import InputError

if TYPE_CHECKING:
    from pipeline.draws import Backdrop


class Backdrops:
    """Reads the images of configs, and remembers the folders whose images cannot be drawn."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str | None, str | None], str] = {}

    def of(self, config: Config) -> "Backdrop | None":
        """What the heatmap of a config is drawn on; None where its probes are no images, or these cannot be drawn."""
        if config.probes.kind != "images" or self.problem(config) is not None:
            return None
        from pipeline.draws import backdrop_of

        try:
            return backdrop_of(config.probes, config.input)
        except InputError as error:
            self._problems[_folder(config)] = f"the heatmap is drawn without its image: {error}"
            return None

    def problem(self, config: Config) -> str | None:
        """Why the images of a config could not be drawn, as a sentence: moved, changed, or no Pillow to read them."""
        return self._problems.get(_folder(config))

    @property
    def problems(self) -> list[str]:
        """A sentence for each folder whose images could not be drawn."""
        return [*self._problems.values()]


class Reduced(msgspec.Struct, frozen=True, array_like=True):
    """What a heatmap is drawn on, on the whole input plane, for a screen.

    grey: uint8 [height, width], row by row, as dark as it lies below a heatmap; a value is the mean of a square of
    `block` pixels. said: which images these are.
    """

    height: int
    width: int
    block: int
    said: str
    grey: bytes


class ReducedBackdrops(msgspec.Struct, frozen=True):
    """What the heatmaps of rows are drawn on: each once, the number of each row's, and why one that should has none."""

    backdrops: tuple[Reduced, ...]
    of: tuple[int | None, ...]
    problems: tuple[str | None, ...]


def reduced_backdrops(rows: Iterable[Mapping[str, Any]], most: int, side: int) -> ReducedBackdrops:
    """What the heatmaps of rows are drawn on: at most `most` bytes together, and at most side x side values each.

    The rows have the columns `probes` and `spec`.
    """
    configs = [decode(row["spec"].encode()) if row["probes"] == "images" else None for row in rows]
    distinct = {(each.probes, each.input): each for each in configs if each is not None}
    side = max(1, min(side, isqrt(most // max(1, len(distinct)))))
    backdrops = Backdrops()
    made: list[Reduced] = []
    numbers: dict[Any, int] = {}
    for key, config in distinct.items():
        found = backdrops.of(config)
        if found is not None:
            numbers[key] = len(made)
            made.append(_reduced(found, side))
    of = tuple(None if each is None else numbers.get((each.probes, each.input)) for each in configs)
    problems = tuple(None if each is None else backdrops.problem(each) for each in configs)
    return ReducedBackdrops(tuple(made), of, problems)


def _reduced(found: "Backdrop", side: int) -> Reduced:
    import numpy as np

    from pipeline.picture.colours import dimmed
    from pipeline.sizes import block_means

    block = max(1, *(ceil(size / side) for size in found.grey.shape))
    means = block_means(found.grey.astype(np.float64), block)
    height, width = means.shape
    return Reduced(height, width, block, found.said, dimmed(means).tobytes())


def _folder(config: Config) -> tuple[str | None, str | None]:
    return config.probes.path, config.probes.sha256
