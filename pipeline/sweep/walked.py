"""The receptive-field walk of a stem as a user writes it: on the command line, in a file, with or without a plane."""

from pathlib import Path

from pipeline.errors import InputError, quote
from pipeline.stem import Network, is_notation, network, read_stem_file, split_stems
from pipeline.sweep.build import canonical_stem
from pipeline.sweep.input_plane import input_plane, written_sides
from pipeline.sweep.names import MODEL
from pipeline.sweep.paths import is_file, missing_file
from pipeline.sweep.presets import preset_names
from pipeline.sweep.sweep import sweep
from pipeline.sweep.sweepfile import READERS, read_sweep_file
from pipeline.theory import Walk, theory


def walked(stem: str, plane: object = None) -> Walk:
    """The walk of a stem; see `network_of`."""
    return theory(network_of(stem, plane))


def network_of(stem: str, plane: object = None) -> Network:
    """The network of a stem: of notation, or of a file that holds a stem as text, a sweep of one stem or an ONNX model.

    `plane` is what `pipeline.sweep.input_plane` reads, such as `224x224x3`; None: that of the sweep or of the model, or
    one that holds the window. Raises InputError for several stems, the name of a preset, a file that is not there or
    cannot be read, and a stem that cannot be used or does not fit the plane.
    """
    path = Path(stem)
    if is_file(path) and not is_notation(stem):  # a file may be called as a stem is
        if path.suffix.lower() in READERS:
            return _network_of_sweep(path, plane)
        if path.suffix.lower() == MODEL:
            return _network_of_model(path, plane)
        stem = read_stem_file(path)
    elif missing := missing_file(stem):
        raise missing
    text = _one_stem(stem)
    return network(text, input_plane(canonical_stem(text), {} if plane is None else written_sides(plane)))


def _network_of_sweep(path: Path, plane: object) -> Network:
    found = sweep(read_sweep_file(path))
    if len(found.entries) != 1 or len([*found.grids()]) != 1:
        raise InputError(
            f"theory walks one stem, and {quote(str(path))} describes others too; write one, such as 4x3x3"
        )
    config = next(iter(found))
    own = config.input if plane is None else input_plane(config.stem, written_sides(plane))
    return network(config.stem, own)


def _network_of_model(path: Path, plane: object) -> Network:
    from pipeline.models import import_model

    sides = {} if plane is None else written_sides(plane)
    both = (sides["height"], sides["width"]) if {"height", "width"} <= sides.keys() else None
    found = import_model(path, sides=both)
    return network(found.notation, found.plane)


def _one_stem(text: str) -> str:
    """The text of a stem. Raises InputError for several, or for the name of a preset."""
    if len(split_stems(text)) > 1:
        raise InputError(f"theory walks one stem at a time, and {quote(text)} has commas; name one of them")
    if text in preset_names():
        raise InputError(f"{quote(text)} is a preset, and theory walks one stem; write one, such as 4x3x3")
    return text
