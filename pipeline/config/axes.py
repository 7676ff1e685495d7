"""The axes of a config: what a sweep varies, as columns that a table can be filtered and sorted by."""

from functools import lru_cache
from typing import TypeAlias, get_type_hints

from pipeline.config.config import Config
from pipeline.result import Axes
from pipeline.stem import DEFAULT_ACTIVATION, Pair, parse, uniform_layer

StemAxes: TypeAlias = tuple[int | None, int | None, int | None, int | None, int | None, str | None]

AXIS_PATHS: dict[str, str] = {
    name: meta.extra_json_schema["path"]
    for name, hint in get_type_hints(Axes, include_extras=True).items()
    for meta in getattr(hint, "__metadata__", ())
    if "path" in (meta.extra_json_schema or {})
}
"""Where a config holds the axes that are columns under a name of their own: `seed` is `init.seed`."""


def axes(config: Config) -> Axes:
    """The axes of a config; those of the stem are None where it is not a plain stack, or not square in them.

    >>> from pipeline.stem import Plane
    >>> axes(Config("4x3x3", Plane(21, 21))).depth
    4
    """
    plane, init, probes, readout = config.input, config.init, config.probes, config.readout
    return Axes(
        *_stem_axes(config.stem),
        plane.height,
        plane.width,
        plane.channels,
        init.kind,
        init.seed,
        probes.kind,
        probes.count,
        probes.seed,
        str(readout.channel),
        readout.gradient,
        config.dtype,
        *config.unit,
        config.network[-1].index,
        config.network[-1].layer.mark,
        probes.index,
    )


@lru_cache(maxsize=4096)
def _stem_axes(text: str) -> StemAxes:
    """Kernel, depth, features, dilation, stride and activation."""
    stem = parse(text)
    layer = uniform_layer(stem)
    if layer is None:
        return None, None, None, None, None, None
    kernel, dilation, stride = _side(layer.kernel), _side(layer.dilation), _side(layer.stride)
    return kernel, len(stem), layer.features, dilation, stride, layer.activation or DEFAULT_ACTIVATION


def _side(pair: Pair) -> int | None:
    return pair[0] if pair[0] == pair[1] else None
