"""The images that heatmaps were measured on, read again to be drawn below these."""

from typing import TYPE_CHECKING

from pipeline.config import Config
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


def _folder(config: Config) -> tuple[str | None, str | None]:
    return config.probes.path, config.probes.sha256
