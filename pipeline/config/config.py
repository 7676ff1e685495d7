"""A config: one thing to measure, identified by the digest of everything that decides its heatmap."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec

from pipeline.errors import InputError, quote
from pipeline.sentence import sentence
from pipeline.stem.layers import MAX_INTEGER, AvgPool, Conv, Convolution, Depthwise, Layer, MaxPool
from pipeline.stem.network import Network, Plane, network, walk
from pipeline.stem.notation import canonical, format_stem
from pipeline.sweep.input_plane import input_plane, written_sides

KERNEL_VERSION = 8
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
ProbesKind: TypeAlias = Literal["uniform", "normal", "constant", "neural_api", "file"]
Reduction: TypeAlias = Literal["sum", "mean", "relu_sum"]
Gradient: TypeAlias = Literal["abs", "square", "relu"]
Dtype: TypeAlias = Literal["float32", "float64"]

NOT_DRAWN = frozenset({"uniform_kernel", "constant", "file"})
"""Kinds of weights and of probes that come without a draw: their seed plays no part."""

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


class Probes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The input samples that the heatmap is averaged over; `path` and `sha256` are for kind file; seed as in `Init`."""

    kind: ProbesKind = "uniform"
    count: _Count = 16
    seed: _Seed = 0
    path: str | None = None
    sha256: _Sha256 | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether pixels of a probe may be equal, as those of a constant or of an image; random ones differ."""
        return self.kind in ("constant", "file")


class Readout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which output unit is differentiated, and what is made of the gradient."""

    channel: _Index | Reduction = 0
    position: Literal["center"] | tuple[_Index, _Index] = "center"
    gradient: Gradient = "abs"


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
        """The stem on the input plane, every layer settled."""
        return network(self.stem, self.input)

    @property
    def unit(self) -> tuple[int, int]:
        """(y, x) of the output unit that is differentiated: the centre is (height // 2, width // 2)."""
        if self.readout.position == "center":
            made = self.network[-1].made
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


def build(fields: Mapping[str, Any]) -> Config:
    """The config that a user's mapping describes, checked and with its defaults filled in.

    `stem` is a line of notation or a list of layers, `input` what `pipeline.sweep.input_plane` reads; sides that are
    not written are chosen for the stem.
    Raises InputError for an unknown field, a value out of bounds, a stem that does not fit the plane, a readout
    outside the output, or a file of probes or weights that cannot be used.
    """
    if "stem" not in fields:
        raise InputError("a config needs a stem, such as stem: 4x3x3")
    settled = dict(fields)
    settled["stem"] = canonical_stem(fields["stem"])
    settled["input"] = input_plane(settled["stem"], written_sides(fields["input"]) if "input" in fields else {})
    try:
        config = msgspec.convert(settled, Config)
    except msgspec.ValidationError as error:
        raise InputError(sentence(error, settled, Config)) from None
    written = fields.get("probes")
    return _settled(config, isinstance(written, Mapping) and "count" in written)


def canonical_stem(stem: object) -> str:
    """The canonical notation of a stem given as notation or as a list of layers (each a mapping or notation)."""
    if isinstance(stem, str):
        return canonical(stem)
    if not isinstance(stem, list | tuple) or not stem:
        raise InputError(f"a stem is a line of notation or a list of layers, not {quote(stem)}")
    texts = []
    for position, entry in enumerate(stem):
        if isinstance(entry, str):
            texts.append(entry)
            continue
        try:
            texts.append(format_stem((msgspec.convert(entry, Layer),)))
        except (msgspec.ValidationError, RecursionError) as error:
            raise InputError(f"layer {position} of the stem: {sentence(error, entry, Layer)}") from None
    return canonical(" ".join(texts))


def _settled(config: Config, counted: bool) -> Config:
    """The config with what its other fields decide filled in, and everything that can be refused early refused.

    `counted`: whether the user wrote probes.count, which otherwise follows a file of probes.
    """
    nodes = config.network
    made = nodes[-1].made
    channel, position = config.readout.channel, config.readout.position
    if isinstance(channel, int) and channel >= made.channels:
        raise InputError(
            f"readout.channel {channel} is outside the {made.channels} channels of the output; they count from 0"
        )
    if position != "center" and not (position[0] < made.height and position[1] < made.width):
        raise InputError(
            f"readout.position {list(position)} is outside the {made.height}x{made.width} output; [y, x] count from 0"
        )
    if config.init.kind == "neural_api":
        config = _with_offset(config)
    elif config.init.offset is not None:
        raise InputError(f"init.offset {config.init.offset} is for init.kind neural_api, not {config.init.kind}")
    config = msgspec.structs.replace(config, init=_hashed("init", config.init))
    config = msgspec.structs.replace(config, probes=_hashed("probes", config.probes))
    if config.probes.kind == "file":
        config = _counted(config, counted)
    if config.init.kind == "file":
        from pipeline.draws.weights import draw_weights  # NumPy, which most configs do without

        draw_weights(config)
    return _without_idle_seeds(config)


def _without_idle_seeds(config: Config) -> Config:
    """The config with seed 0, and no offset, for what it does not draw: no two digests may stand for one heatmap."""
    init, probes = config.init, config.probes
    if (init.seed or init.offset is not None) and (
        init.kind in NOT_DRAWN or not _weight_count(config.stem, config.input)
    ):
        init = msgspec.structs.replace(init, seed=0, offset=None)
    if probes.seed and probes.kind in NOT_DRAWN:
        probes = msgspec.structs.replace(probes, seed=0)
    return msgspec.structs.replace(config, init=init, probes=probes)


_Filed = TypeVar("_Filed", Init, Probes)


def _hashed(part: str, own: _Filed) -> _Filed:
    """An init or probes with the sha256 of the file that it names, by a path that holds from any folder."""
    if own.kind != "file":
        for field, value in (("path", own.path), ("sha256", own.sha256)):
            if value is not None:
                raise InputError(
                    f"{part}.{field} {quote(value)} is for {part}.kind file, not {own.kind}; "
                    f"set the kind, or drop the {field}"
                )
        return own
    if own.path is None:
        raise InputError(f"{part}.kind file needs the file; name it by {part}.path")
    from pipeline.draws.files import sha256_of

    found = sha256_of(own.path)
    if own.sha256 not in (None, found):
        raise InputError(f"{quote(own.path)} has the sha256 {found}, not {part}.sha256 {own.sha256}; drop that field")
    return msgspec.structs.replace(own, sha256=found, path=str(Path(own.path).absolute()))


def _counted(config: Config, counted: bool) -> Config:
    """The config with as many probes as its file holds, unless their count was written."""
    from pipeline.draws.files import check_probe_shape, probe_shape

    shape = probe_shape(config.probes.path or "", config.probes.sha256 or "", config.dtype)
    count = config.probes.count if counted else min(max(shape[0], 1), MAX_INTEGER) if shape else 1
    probes = msgspec.structs.replace(config.probes, count=count)
    check_probe_shape(shape, probes, config.input)
    return msgspec.structs.replace(config, probes=probes)


def _with_offset(config: Config) -> Config:
    """A program that builds one stem has drawn its probes and, once for nothing, its weights before.

    Raises InputError for a stem that the original program could not have.
    """
    for node in config.network:
        if not isinstance(node.layer, Conv | Depthwise | MaxPool | AvgPool):
            raise InputError(
                f"init.kind neural_api fills stacks of convolutions and pools, but layer {node.index} is neither; "
                "choose another kind, such as lecun_uniform"
            )
    if config.init.offset is not None:
        return config
    size = config.probes.count * config.input.height * config.input.width * config.input.channels
    offset = size + _weight_count(config.stem, config.input)
    return msgspec.structs.replace(config, init=msgspec.structs.replace(config.init, offset=offset))


@lru_cache(maxsize=4096)
def _weight_count(stem: str, plane: Plane) -> int:
    total = 0
    for node in walk(network(stem, plane)):
        if isinstance(node.layer, Convolution):
            height, width, inputs, features = node.weight_shape
            total += height * width * inputs * features
    return total
