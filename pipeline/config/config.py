"""A config: one thing to measure, identified by the digest of everything that decides its heatmap."""

import hashlib
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from pipeline.stem import MAX_INTEGER, Network, Plane, network

KERNEL_VERSION = 10
"""Goes up when the numbers that a config yields change; part of every digest."""

InitKind: TypeAlias = Literal[
    "lecun_uniform",
    "lecun_normal",
    "he_uniform",
    "he_normal",
    "glorot_uniform",
    "glorot_normal",
    "normal",
    "orthogonal",
    "uniform_kernel",
    "neural_api",
    "file",
]
ProbesKind: TypeAlias = Literal["uniform", "normal", "constant", "neural_api", "file", "images"]
Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Reduction: TypeAlias = Literal["sum", "mean", "relu_sum"]
Gradient: TypeAlias = Literal["abs", "square", "relu"]
Dtype: TypeAlias = Literal["float32", "float64"]

NOT_DRAWN = frozenset({"uniform_kernel", "constant", "file", "images"})
"""Kinds of weights and of probes that come without a draw: their seed plays no part."""
FILED = frozenset({"file", "images"})
"""Kinds that come from files: they are known by the sha256 of what these hold."""

_Seed: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_INTEGER)]
_Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]
_Offset: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Init(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """How the weights are drawn; biases are zero. `offset` is for kind neural_api, `path` and `sha256` for file.

    `build` makes the seed 0 where nothing is drawn, so that it decides nothing.
    """

    kind: InitKind = "lecun_uniform"
    seed: _Seed = 0
    offset: _Offset | None = None
    path: str | None = None
    sha256: _Sha256 | None = None


class Probes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """The input samples that the heatmap is averaged over; `path` and `sha256` are for files; seed as in `Init`.

    index: one probe alone, by its number from 0; `count` says how many there are to choose from, and is 1 in effect.
    The others are for kind images, a folder: `resize` (a number is the shorter side, a pair (height, width)) by
    `interpolation`, `crop` (cut out of the centre), then (pixel * scale - mean) / std, channels in `order`. `prepare`
    stands for several of these at once, and `build` writes them out.
    """

    kind: ProbesKind = "uniform"
    count: _Count = 16
    seed: _Seed = 0
    path: str | None = None
    sha256: _Sha256 | None = None
    index: _Index | None = None
    prepare: Literal["imagenet"] | None = None
    resize: int | tuple[int, int] | None = None
    interpolation: Interpolation | None = None
    crop: int | tuple[int, int] | None = None
    scale: float | None = None
    mean: float | tuple[float, ...] | None = None
    std: float | tuple[float, ...] | None = None
    order: Literal["rgb", "bgr"] | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether pixels of a probe may be equal, as those of a constant or of an image; random ones differ."""
        return self.kind in ("constant", "file", "images")

    @property
    def span(self) -> range:
        """The numbers of the probes that are measured: all, or the one of `index`."""
        return range(self.count) if self.index is None else range(self.index, self.index + 1)


PREPARATION = ("resize", "interpolation", "crop", "scale", "mean", "std", "order")
"""Fields of probes that say how images are prepared."""
PREPARATIONS: dict[str, dict[str, Any]] = {
    "imagenet": {"resize": 256, "scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
}
"""What `prepare` stands for. imagenet: as torchvision evaluates its classifiers, cut to the input plane."""


class Readout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which output unit is differentiated, and what is made of the gradient.

    layer: whose output it is, by its index or its mark; `build` writes the index, and none for the last layer.
    """

    channel: _Index | Reduction = 0
    position: Literal["center"] | tuple[_Index, _Index] = "center"
    gradient: Gradient = "abs"
    layer: _Index | Annotated[str, msgspec.Meta(max_length=200, description="the mark of a layer")] | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to measure. `stem` is in canonical notation; make one from what a user wrote with `build`."""

    stem: str
    input: Plane
    init: Init = Init()
    probes: Probes = Probes()
    readout: Readout = Readout()
    dtype: Dtype = "float32"

    @property
    def network(self) -> Network:
        """The stem on the input plane, every layer settled, up to the one that is read out."""
        return network(self.stem, self.input, self.layer)

    @property
    def layer(self) -> int | None:
        """Index of the layer that is read out, None for the last. Raises TypeError where `build` has not settled it."""
        layer = self.readout.layer
        if isinstance(layer, str):
            raise TypeError(f"the mark {layer!r} of a layer stands for no index yet; make the config by `build`")
        return layer

    @property
    def unit(self) -> tuple[int, int]:
        """(y, x) of the output unit that is differentiated: the centre is (height // 2, width // 2)."""
        if self.readout.position == "center":
            made = self.network[-1].output
            return made.height // 2, made.width // 2
        return self.readout.position

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON of everything that decides the heatmap, in hexadecimal."""
        return self.digest_under(KERNEL_VERSION)

    def digest_under(self, kernel_version: int) -> str:
        """The digest under a version of the kernel, as an older one gave it."""
        decisive = _without_nothing(msgspec.to_builtins(self))
        decisive["kernel_version"] = kernel_version
        for part in ("init", "probes"):
            decisive[part].pop("path", None)
        return hashlib.sha256(msgspec.json.encode(decisive, order="sorted")).hexdigest()


def digest_of(encoded: bytes) -> str:
    """The digest of a config that `encode` wrote, four times as fast as decoding it where it names no file."""
    if b'"path"' in encoded:
        return decode(encoded).digest
    before, separator, after = encoded.partition(b',"probes":')  # the key that follows, in their order
    return hashlib.sha256(b'%b,"kernel_version":%d%b%b' % (before, KERNEL_VERSION, separator, after)).hexdigest()


def encode(config: Config) -> bytes:
    """A config as canonical JSON: sorted keys, no spaces, defaults filled in, what is not set left out."""
    return msgspec.json.encode(_without_nothing(msgspec.to_builtins(config)), order="sorted")


_decoder = msgspec.json.Decoder(Config)


def decode(data: bytes) -> Config:
    """The config that `encode` wrote."""
    return _decoder.decode(data)


def _without_nothing(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_nothing(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if value is not None
    }
