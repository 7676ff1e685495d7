"""What theory says of a config beside its measurement: the window, and sizes read off the closed form."""

from functools import lru_cache

from pipeline.config import Config, Init, Probes, Readout
from pipeline.result import Sizes, Theory
from pipeline.sizes.curves import curves
from pipeline.sizes.sample import Center, Floats, sample_of
from pipeline.sizes.sizes import sizes
from pipeline.theory import window_of
from pipeline.theory.expected import expected, heatmap
from pipeline.theory.walk import are_alike

_PREDICTED = "sigma_x", "eff_rf", "luo"
"""The sizes of the closed form's map that are columns of theory, as `pred_sigma`, `pred_eff_rf` and `pred_luo`."""


def theory_columns(config: Config) -> Theory:
    """The columns of theory of one config; configs that differ in seeds, probes and precision share one computation.

    `pred_*` are None where the closed form does not hold, where no gradient reaches the input, or (`pred_luo`) where
    the map is zero at the unit's own centre or the centre lies outside the plane. Raises InputError as `window` does.
    """
    return _columns(_without_draws(config))


def expected_curves(config: Config, center: Center = "unit") -> Floats | None:
    """The mass curves of the closed form's map, float64 [4, radii] as `pipeline.sizes.curves` has them.

    None where the closed form does not hold, or no gradient reaches the input.
    """
    return _curves(_without_draws(config), center)


def _without_draws(config: Config) -> Config:
    """The config with everything that the closed form takes no notice of as it is by default."""
    channel = config.readout.channel
    if isinstance(channel, int) and are_alike(config.network):
        channel = 0
    readout = Readout(channel, config.unit, config.readout.gradient, config.readout.layer)
    return Config(config.stem, config.input, Init(config.init.kind), Probes(), readout)


@lru_cache(maxsize=256)
def _curves(config: Config, center: Center) -> Floats | None:
    found = expected(config)
    if found is None or found.dead:
        return None
    sample = sample_of(config, heatmap(found, config), corner=(found.top, found.left))
    return curves([sample], center)[0]


@lru_cache(maxsize=4096)
def _columns(config: Config) -> Theory:
    seen = window_of(config)
    center_y, center_x = seen.center
    predicted = _predicted(config)
    return Theory(
        theo_rf=seen.width,
        theo_rf_y=seen.height,
        center_x=center_x,
        center_y=center_y,
        saturated=seen.leaves(config.input),
        misaligned=seen.misaligned,
        is_global=seen.is_global,
        pred_sigma=predicted.sigma_x,
        pred_eff_rf=predicted.eff_rf,
        pred_luo=predicted.luo,
    )


def _predicted(config: Config) -> Sizes:
    """The sizes `_PREDICTED` of the closed form's map; none where there is no such map."""
    found = expected(config)
    if found is None or found.dead:
        return Sizes(reasons={})
    sample = sample_of(config, heatmap(found, config), corner=(found.top, found.left))
    return sizes([sample], columns=_PREDICTED)[0]
