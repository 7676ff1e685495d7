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


def _path(path: str) -> dict[str, str]:
    """Where a config holds a column, as sweeps and options write it: an alias of the column's name."""
    return {"path": path}


class Axes(msgspec.Struct, frozen=True):
    """The axes of a config; those of the stem are None where it is not uniform in them."""

    kernel: Annotated[int | None, Meta(description="side of the square kernel that a plain stack repeats")]
    depth: Annotated[int | None, Meta(description="number of layers of a plain stack")]
    features: Annotated[int | None, Meta(description="features of every layer of a plain stack")]
    dilation: Annotated[int | None, Meta(description="dilation of every layer of a plain stack")]
    stride: Annotated[int | None, Meta(description="stride of every layer of a plain stack")]
    activation: Annotated[str | None, Meta(description="activation of every layer of a plain stack")]
    height: Annotated[int, Meta(description="height of the input plane", extra_json_schema=_PX | _path("input.height"))]
    width: Annotated[int, Meta(description="width of the input plane", extra_json_schema=_PX | _path("input.width"))]
    channels: Annotated[int, Meta(description="channels of the input plane", extra_json_schema=_path("input.channels"))]
    init: Annotated[str, Meta(description="how the weights are drawn", extra_json_schema=_path("init.kind"))]
    seed: Annotated[int, Meta(description="seed of the weights", extra_json_schema=_path("init.seed"))]
    probes: Annotated[str, Meta(description="how the probes are drawn", extra_json_schema=_path("probes.kind"))]
    probes_count: Annotated[int, Meta(description="number of probes", extra_json_schema=_path("probes.count"))]
    probes_seed: Annotated[int, Meta(description="seed of the probes", extra_json_schema=_path("probes.seed"))]
    channel: Annotated[
        str,
        Meta(
            description="channel that is read out: its number, or sum, mean or relu_sum of all",
            extra_json_schema=_path("readout.channel"),
        ),
    ]
    gradient: Annotated[
        str,
        Meta(
            description="what is added up of the gradient: abs, square or relu",
            extra_json_schema=_path("readout.gradient"),
        ),
    ]
    dtype: Annotated[str, Meta(description="precision of the kernel: float32 or float64")]
    unit_y: Annotated[
        int, Meta(description="row of the unit that is read out, on its own plane", extra_json_schema=_PX)
    ]
    unit_x: Annotated[
        int, Meta(description="column of the unit that is read out, on its own plane", extra_json_schema=_PX)
    ]
    layer: Annotated[
        int, Meta(description="number of the layer that is read out, from 0; the last one unless another was chosen")
    ]
    mark: Annotated[str | None, Meta(description="mark of the layer that is read out, where it has one")]
    probe: Annotated[
        int | None,
        Meta(
            description="number of the only probe, from 0, where one was chosen",
            extra_json_schema=_path("probes.index"),
        ),
    ]


class Costs(msgspec.Struct, frozen=True):
    """What the network of a config takes, by counting; None beyond 64-bit integers."""

    params: Annotated[int | None, Meta(description="weights of all convolutions; biases are not counted")]
    macs: Annotated[
        int | None, Meta(description="multiply-adds of all convolutions in one forward pass over the whole plane")
    ]


class Theory(msgspec.Struct, frozen=True):
    """What receptive-field arithmetic and the closed form say, without measuring."""

    theo_rf: Annotated[
        int,
        Meta(
            description="theoretical receptive field: width of the window that the unit could see",
            extra_json_schema=_PX,
        ),
    ]
    theo_rf_y: Annotated[
        int, Meta(description="theoretical receptive field: height of that window", extra_json_schema=_PX)
    ]
    center_x: Annotated[float, Meta(description="column of the unit's own centre", extra_json_schema=_PX)]
    center_y: Annotated[float, Meta(description="row of the unit's own centre", extra_json_schema=_PX)]
    saturated: Annotated[bool, Meta(description="the window leaves the input plane")]
    misaligned: Annotated[bool, Meta(description="windows of branches have different middles")]
    is_global: Annotated[bool, Meta(description="a global layer makes the window the whole plane")]
    pred_sigma: Annotated[
        _Pixels, Meta(description="predicted: standard deviation of the expected heatmap", extra_json_schema=_PX)
    ]
    pred_eff_rf: Annotated[
        _Pixels, Meta(description="predicted: eff_rf of the expected heatmap", extra_json_schema=_PX)
    ]
    pred_luo: Annotated[_Pixels, Meta(description="predicted: luo of the expected heatmap", extra_json_schema=_PX)]


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes read off one heatmap E, P = E / sum E; None is explained in `reasons`, by column."""

    eff_rf: Annotated[
        _Pixels,
        Meta(
            description="effective receptive field: width of the centred columns that hold 90 % of the mass",
            extra_json_schema=_PX | _BOTH,
        ),
    ] = None
    eff_rf_y: Annotated[
        _Pixels,
        Meta(
            description="effective receptive field: height of the centred rows that hold 90 % of the mass",
            extra_json_schema=_PX | _BOTH,
        ),
    ] = None
    eff_square: Annotated[
        _Pixels,
        Meta(
            description="side of the smallest centred square that holds 90 % of the mass", extra_json_schema=_PX | _BOTH
        ),
    ] = None
    ratio: Annotated[float | None, Meta(description="eff_rf as a share of theo_rf", extra_json_schema=_BOTH)] = None
    ratio_y: Annotated[float | None, Meta(description="eff_rf_y as a share of theo_rf_y", extra_json_schema=_BOTH)] = (
        None
    )
    radial: Annotated[
        _Pixels,
        Meta(
            description="diameter of the smallest centred disc that holds 90 % of the mass",
            extra_json_schema=_PX | _BOTH,
        ),
    ] = None
    luo: Annotated[
        _Pixels,
        Meta(
            description="root of the number of pixels above 4.55 % of the centre (Luo et al. 2016)",
            extra_json_schema=_PX | _CENTER,
        ),
    ] = None
    luo_ratio: Annotated[
        float | None, Meta(description="luo as a share of the theoretical receptive field", extra_json_schema=_CENTER)
    ] = None
    hdr: Annotated[
        _Pixels, Meta(description="root of the fewest pixels that hold 90 % of the mass", extra_json_schema=_PX | _MASS)
    ] = None
    sigma_x: Annotated[_Pixels, Meta(description="standard deviation of the mass along x", extra_json_schema=_PX)] = (
        None
    )
    sigma_y: Annotated[_Pixels, Meta(description="standard deviation of the mass along y", extra_json_schema=_PX)] = (
        None
    )
    centroid_x: Annotated[_Pixels, Meta(description="column of the centroid of the mass", extra_json_schema=_PX)] = None
    centroid_y: Annotated[_Pixels, Meta(description="row of the centroid of the mass", extra_json_schema=_PX)] = None
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
    participation: Annotated[
        _Pixels,
        Meta(description="root of the participation ratio: how many pixels carry the mass", extra_json_schema=_PX),
    ] = None
    gauss_sigma_x: Annotated[
        _Pixels, Meta(description="standard deviation along x of the Gaussian that fits best", extra_json_schema=_PX)
    ] = None
    gauss_sigma_y: Annotated[
        _Pixels, Meta(description="standard deviation along y of the Gaussian that fits best", extra_json_schema=_PX)
    ] = None
    gauss_r2: Annotated[float | None, Meta(description="how well that Gaussian fits: R squared, 1 for perfectly")] = (
        None
    )
    area_20: Annotated[
        float | None,
        Meta(
            description="share of the plane in the centred square that holds 20 % of the mass",
            extra_json_schema=_CENTER,
        ),
    ] = None
    area_30: Annotated[
        float | None,
        Meta(
            description="share of the plane in the centred square that holds 30 % of the mass",
            extra_json_schema=_CENTER,
        ),
    ] = None
    area_50: Annotated[
        float | None,
        Meta(
            description="share of the plane in the centred square that holds 50 % of the mass",
            extra_json_schema=_CENTER,
        ),
    ] = None
    area_99: Annotated[
        float | None,
        Meta(
            description="share of the plane in the centred square that holds 99 % of the mass",
            extra_json_schema=_CENTER,
        ),
    ] = None
    replknet_20: Annotated[float | None, Meta(description="area ratio at 20 % by RepLKNet's script")] = None
    replknet_30: Annotated[float | None, Meta(description="area ratio at 30 % by RepLKNet's script")] = None
    replknet_50: Annotated[float | None, Meta(description="area ratio at 50 % by RepLKNet's script")] = None
    replknet_99: Annotated[float | None, Meta(description="area ratio at 99 % by RepLKNet's script")] = None
    reasons: Annotated[
        dict[str, str], Meta(description="why a size is missing, by column", extra_json_schema=_CENTER)
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
