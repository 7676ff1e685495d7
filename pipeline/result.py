"""What a measurement yields, declared once: every column has its type, its unit and its meaning here.

The store's columns, the fields of `--where`, the headings of tables and the page of `erfsweep fields` follow from
these structs. Nothing here needs NumPy, so that listing results stays quick.
"""

import hashlib
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

_PX = {"unit": "px"}
_MASS = {"options": ["mass"]}
_CENTER = {"options": ["center"]}
_BOTH = {"options": ["mass", "center"]}
"""The options of a table that change a column: sizes are then read anew from the stored heatmaps."""

_Pixels: TypeAlias = float | None


class Axes(msgspec.Struct, frozen=True):
    """The axes of a config; those of the stem are None where it is not uniform in them."""

    kernel: Annotated[int | None, Meta(description="side of the square kernel that a plain stack repeats")]
    depth: Annotated[int | None, Meta(description="number of layers of a plain stack")]
    features: Annotated[int | None, Meta(description="features of every layer of a plain stack")]
    dilation: Annotated[int | None, Meta(description="dilation of every layer of a plain stack")]
    stride: Annotated[int | None, Meta(description="stride of every layer of a plain stack")]
    activation: Annotated[str | None, Meta(description="activation of every layer of a plain stack")]
    height: Annotated[int, Meta(description="height of the input plane", extra_json_schema=_PX)]
    width: Annotated[int, Meta(description="width of the input plane", extra_json_schema=_PX)]
    channels: Annotated[int, Meta(description="channels of the input plane")]
    init: Annotated[str, Meta(description="kind of weight initialisation")]
    seed: Annotated[int, Meta(description="seed of the weights (init.seed)")]
    probes: Annotated[str, Meta(description="kind of probes")]
    probes_count: Annotated[int, Meta(description="number of probes")]
    probes_seed: Annotated[int, Meta(description="seed of the probes")]
    channel: Annotated[str, Meta(description="readout channel: an index, sum, mean or relu_sum")]
    gradient: Annotated[str, Meta(description="what is made of the gradient: abs, square or relu")]
    dtype: Annotated[str, Meta(description="precision of the kernel: float32 or float64")]
    unit_y: Annotated[int, Meta(description="row of the unit that is read, on its own plane", extra_json_schema=_PX)]
    unit_x: Annotated[int, Meta(description="column of the unit that is read, on its own plane", extra_json_schema=_PX)]


class Theory(msgspec.Struct, frozen=True):
    """What receptive-field arithmetic and the closed form say, without measuring."""

    theo_rf: Annotated[int, Meta(description="width of the window that the unit could see", extra_json_schema=_PX)]
    theo_rf_y: Annotated[int, Meta(description="height of the window that the unit could see", extra_json_schema=_PX)]
    center_x: Annotated[float, Meta(description="column of the unit's own centre", extra_json_schema=_PX)]
    center_y: Annotated[float, Meta(description="row of the unit's own centre", extra_json_schema=_PX)]
    saturated: Annotated[bool, Meta(description="the window leaves the input plane")]
    misaligned: Annotated[bool, Meta(description="branches of a sum have windows with different midpoints")]
    is_global: Annotated[bool, Meta(description="a global layer makes the window the whole plane")]
    pred_sigma: Annotated[
        _Pixels, Meta(description="closed form: standard deviation of the expected map", extra_json_schema=_PX)
    ]
    pred_eff_rf: Annotated[_Pixels, Meta(description="closed form: eff_rf of the expected map", extra_json_schema=_PX)]
    pred_luo: Annotated[_Pixels, Meta(description="closed form: luo of the expected map", extra_json_schema=_PX)]


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes read off one heatmap E, P = E / sum E; None is explained in `reasons`, by column."""

    eff_rf: Annotated[
        _Pixels, Meta(description="2h+1, h the smallest with 90 % of P in |x - c| <= h", extra_json_schema=_PX | _BOTH)
    ] = None
    eff_rf_y: Annotated[
        _Pixels, Meta(description="2h+1, h the smallest with 90 % of P in |y - c| <= h", extra_json_schema=_PX | _BOTH)
    ] = None
    eff_square: Annotated[
        _Pixels, Meta(description="side of the smallest centred square with 90 % of P", extra_json_schema=_PX | _BOTH)
    ] = None
    ratio: Annotated[float | None, Meta(description="eff_rf / theo_rf", extra_json_schema=_BOTH)] = None
    ratio_y: Annotated[float | None, Meta(description="eff_rf_y / theo_rf_y", extra_json_schema=_BOTH)] = None
    radial: Annotated[
        _Pixels, Meta(description="diameter of the smallest centred disc with 90 % of P", extra_json_schema=_PX | _BOTH)
    ] = None
    luo: Annotated[
        _Pixels,
        Meta(
            description="sqrt(number of pixels with E > 0.0455 E(centre)), Luo et al. 2016",
            extra_json_schema=_PX | _CENTER,
        ),
    ] = None
    luo_ratio: Annotated[
        float | None, Meta(description="luo / sqrt(theo_rf * theo_rf_y)", extra_json_schema=_CENTER)
    ] = None
    hdr: Annotated[
        _Pixels, Meta(description="sqrt of the fewest pixels that hold 90 % of P", extra_json_schema=_PX | _MASS)
    ] = None
    sigma_x: Annotated[_Pixels, Meta(description="standard deviation of P along x", extra_json_schema=_PX)] = None
    sigma_y: Annotated[_Pixels, Meta(description="standard deviation of P along y", extra_json_schema=_PX)] = None
    centroid_x: Annotated[_Pixels, Meta(description="centroid column of P", extra_json_schema=_PX)] = None
    centroid_y: Annotated[_Pixels, Meta(description="centroid row of P", extra_json_schema=_PX)] = None
    fwhm_x: Annotated[
        _Pixels,
        Meta(description="full width at half maximum on the row through the centre", extra_json_schema=_PX | _CENTER),
    ] = None
    fwhm_y: Annotated[
        _Pixels,
        Meta(
            description="full width at half maximum on the column through the centre", extra_json_schema=_PX | _CENTER
        ),
    ] = None
    participation: Annotated[_Pixels, Meta(description="sqrt((sum E)^2 / sum E^2)", extra_json_schema=_PX)] = None
    gauss_sigma_x: Annotated[
        _Pixels, Meta(description="sigma along x of a least-squares Gaussian", extra_json_schema=_PX)
    ] = None
    gauss_sigma_y: Annotated[
        _Pixels, Meta(description="sigma along y of a least-squares Gaussian", extra_json_schema=_PX)
    ] = None
    gauss_r2: Annotated[float | None, Meta(description="R^2 of the least-squares Gaussian")] = None
    area_20: Annotated[
        float | None,
        Meta(description="share of the plane in the centred square with 20 % of P", extra_json_schema=_CENTER),
    ] = None
    area_30: Annotated[
        float | None,
        Meta(description="share of the plane in the centred square with 30 % of P", extra_json_schema=_CENTER),
    ] = None
    area_50: Annotated[
        float | None,
        Meta(description="share of the plane in the centred square with 50 % of P", extra_json_schema=_CENTER),
    ] = None
    area_99: Annotated[
        float | None,
        Meta(description="share of the plane in the centred square with 99 % of P", extra_json_schema=_CENTER),
    ] = None
    replknet_20: Annotated[float | None, Meta(description="area ratio at 20 % by RepLKNet's script")] = None
    replknet_30: Annotated[float | None, Meta(description="area ratio at 30 % by RepLKNet's script")] = None
    replknet_50: Annotated[float | None, Meta(description="area ratio at 50 % by RepLKNet's script")] = None
    replknet_99: Annotated[float | None, Meta(description="area ratio at 99 % by RepLKNet's script")] = None
    reasons: Annotated[
        dict[str, str], Meta(description="why a size is NULL, by column", extra_json_schema=_CENTER)
    ] = {}


class Provenance(msgspec.Struct, frozen=True):
    """Where the time of one config went, and on what it ran."""

    erf_seconds: Annotated[float, Meta(description="time in the kernel", extra_json_schema={"unit": "s"})]
    size_seconds: Annotated[float, Meta(description="time for sizes and curves", extra_json_schema={"unit": "s"})]
    kernel_version: Annotated[int, Meta(description="version of the numbers that a config yields")]
    numpy_version: Annotated[str, Meta(description="NumPy that ran it")]
    blas: Annotated[str, Meta(description="BLAS build and CPU kernel that ran it")]


class Arrays(msgspec.Struct, frozen=True):
    """The arrays of a result, each a compressed `.npy`, with one checksum over both.

    heatmap: float64 [height, width]. curves: float64 [4, radii], rows square, x, y, radial at radii 0, 1, ...
    """

    heatmap: bytes
    curves: bytes
    checksum: str


def checksum(heatmap: bytes, curves: bytes) -> str:
    """The checksum of a result's arrays: sha256 over the packed heatmap and the packed curves, in hexadecimal."""
    digest = hashlib.sha256(heatmap)
    digest.update(curves)
    return digest.hexdigest()


class Result(msgspec.Struct, frozen=True):
    """A measured config: everything that the store keeps of it."""

    dead: Annotated[bool, Meta(description="every probe's gradient is zero")]
    n_zero: Annotated[int, Meta(description="probes whose gradient is all zero")]
    n_nan: Annotated[int, Meta(description="probes left out for a NaN or an infinity")]
    theory: Theory
    sizes: Sizes
    provenance: Provenance
    arrays: Arrays


class Failure(msgspec.Struct, frozen=True):
    """How a config went wrong; the traceback never shows locals."""

    type: str
    message: str
    traceback: str = ""


OutcomeKind: TypeAlias = Literal["done", "failed", "killed"]


class Outcome(msgspec.Struct, frozen=True):
    """One attempt at a config, as it comes back from wherever it ran. Times are seconds since the epoch."""

    digest: str
    kind: OutcomeKind
    started: float
    finished: float
    worker: str
    result: Result | None = None
    failure: Failure | None = None
