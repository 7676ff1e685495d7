"""From what a user wrote to a config: checked, its defaults filled in, what decides nothing set to 0."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from pipeline.config import NOT_DRAWN, Config
from pipeline.errors import InputError, quote
from pipeline.sentence import listed, nearest, sentence
from pipeline.stem import (
    AvgPool,
    Conv,
    Convolution,
    Depthwise,
    Layer,
    MaxPool,
    Plane,
    canonical,
    format_stem,
    marked,
    network,
)
from pipeline.sweep.filed import hashed, settled_probes
from pipeline.sweep.input_plane import input_plane, written_sides


def build(fields: Mapping[str, Any], known: dict[str, str] | None = None) -> Config:
    """The config that a user's mapping describes, checked and with its defaults filled in.

    `stem` is a line of notation or a list of layers, `input` what `pipeline.sweep.input_plane` reads; sides that are
    not written are chosen for the stem. known: see `pipeline.sweep.filed.hashed`; the configs of a sweep share it, so
    that each file is looked at once.
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
    return _settled(config, isinstance(written, Mapping) and "count" in written, {} if known is None else known)


def canonical_stem(stem: object) -> str:
    """The canonical notation of a stem written as notation, or as a list of layers (each a mapping or notation).

    Raises InputError for anything else, and where a layer is not valid.
    """
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


def _settled(config: Config, counted: bool, known: dict[str, str]) -> Config:
    """The config with what its other fields decide filled in, and everything that can be refused early refused.

    `counted`: whether the user wrote probes.count, which otherwise follows a file of probes.
    """
    config = _at_layer(config)
    made = config.network[-1].output
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
    config = msgspec.structs.replace(config, init=hashed("init", config.init, known))
    config = msgspec.structs.replace(config, probes=settled_probes(config, counted, known))
    if config.init.kind == "file":
        from pipeline.draws import draw_weights  # NumPy, which most configs do without

        draw_weights(config)
    return _without_idle_seeds(config)


def _at_layer(config: Config) -> Config:
    """The config with the index of the layer that is read out, or none where it is the last.

    Raises InputError for a mark or an index that the stem does not have.
    """
    layer = config.readout.layer
    if layer is None:
        return config
    nodes = network(config.stem, config.input)
    if isinstance(layer, str):
        marks = marked(nodes)
        if layer.removeprefix("#") not in marks:
            known = f"{nearest(layer, [*marks])}; its marks are {listed(list(marks))}" if marks else "; it has no marks"
            raise InputError(f"readout.layer {quote(layer)} is not a mark of the stem{known}")
        layer = marks[layer.removeprefix("#")]
    if layer >= len(nodes):
        raise InputError(f"readout.layer {layer} is outside the {len(nodes)} layers of the stem; they count from 0")
    settled = msgspec.structs.replace(config.readout, layer=None if layer == len(nodes) - 1 else layer)
    return msgspec.structs.replace(config, readout=settled)


def _without_idle_seeds(config: Config) -> Config:
    """The config with seed 0, and no offset, for what it does not draw: no two digests may stand for one heatmap."""
    init, probes = config.init, config.probes
    if (init.seed or init.offset is not None) and not draws_weights(config):
        init = msgspec.structs.replace(init, seed=0, offset=None)
    if probes.seed and not draws_probes(config):
        probes = msgspec.structs.replace(probes, seed=0)
    return msgspec.structs.replace(config, init=init, probes=probes)


def draws_weights(config: Config) -> bool:
    """Whether `init.seed` decides anything: weights are drawn, and the stem has some."""
    return config.init.kind not in NOT_DRAWN and _weight_count(config.stem, config.input) > 0


def draws_probes(config: Config) -> bool:
    """Whether `probes.seed` decides anything: probes are drawn."""
    return config.probes.kind not in NOT_DRAWN


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
    for node in network(stem, plane):
        if isinstance(node.layer, Convolution):
            height, width, inputs, features = node.weight_shape
            total += height * width * inputs * features
    return total
