"""An ONNX file as a sweep file that a person can read, and a file of the weights that it has."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from pipeline.errors import InputError, quote
from pipeline.models.chained import chained
from pipeline.models.fused import fused
from pipeline.models.onnxfile import Graph, read_graph
from pipeline.models.rules.table import RULES
from pipeline.models.translate import Translation
from pipeline.models.units import Array, Held, Point, Unit, Unknown, UnsupportedError
from pipeline.stem import MAX_INTEGER, Plane, Stem, canonical, format_stem


class Imported(NamedTuple):
    """A network of our own: its stem on its input plane, its weights, and where it came from.

    arrays: by name and layer, as a file of weights has them (`layer0.weight`, ...). tensor: the model's name of what
    the stem makes. source: what the file is, in words.
    """

    stem: Stem
    plane: Plane
    arrays: dict[str, Array]
    tensor: str
    source: str

    @property
    def layers(self) -> frozenset[str]:
        """The layers that have parameters, as `layer0`."""
        return frozenset(name.partition(".")[0] for name in self.arrays)

    @property
    def notation(self) -> str:
        """The stem in one line."""
        return canonical(format_stem(self.stem))


def import_model(path: Path, output: str | None = None, sides: tuple[int, int] | None = None) -> Imported:
    """The network of an ONNX file up to one of its tensors, in layers of ours.

    output: the tensor that ends it; the last one that is a plane of several pixels if it is not given. sides: (height,
    width) of the input, where the file leaves them free; a file that settles them agrees with it.

    Raises InputError, one sentence, for a file that cannot be read (see `read_graph`), for an operation that no layer
    stands for, with the tensors before it that `output` could be, and for an unknown output.
    """
    graph = read_graph(path)
    plane, rank = _input(graph, path, sides)
    net = Translation(graph, plane, rank, RULES)
    net.through(graph.calls)
    tensor = _ending(net, graph, path, output)
    held = net.plane_of(net.values[tensor])
    units = fused(net.units, (held.tensor,))
    if not units:
        raise InputError(f"tensor {quote(tensor)} of {quote(path)} is its input; name one behind a layer by --output")
    chain = chained(units, graph.input, held.tensor, _stages(units))
    arrays = {
        f"layer{index}.{name}": _settled(array, f"layer{index}.{name}")
        for index, unit in enumerate(chain.nodes)
        if unit is not None
        for name, array in unit.parameters().items()
    }
    source = f"{path.name}, opset {graph.opset}" + (f", by {graph.producer}" if graph.producer else "")
    return Imported(chain.stem, plane, arrays, held.tensor, source)


def _settled(array: Array, name: str) -> Array:
    """The numbers of a parameter, without views of other arrays. Raises InputError where one is not finite."""
    made = np.ascontiguousarray(array, np.float64 if array.dtype == np.float64 else np.float32)
    if not np.isfinite(made).all():
        raise InputError(f"the weights that {name} would have are not all finite; the model is damaged")
    return made


def _input(graph: Graph, path: Path, sides: tuple[int, int] | None) -> tuple[Plane, int]:
    """The input plane, and how many dimensions it has in the model."""
    shape, where = graph.sides, f"input {quote(graph.input)} of {quote(path)}"
    if len(shape) not in (3, 4):
        raise InputError(f"{where} has {len(shape)} dimensions; images have four: batch, channels, height, width")
    channels = shape[1]
    if channels is None:
        raise InputError(f"{where} leaves its channels free; export the model with fixed ones")
    own = shape[2:] if len(shape) == 4 else (1, shape[2])
    given = sides or (None, None)
    settled = []
    for name, written, wanted in zip(("height", "width"), own, given, strict=True):
        if written is None and wanted is None:
            raise InputError(f"{where} leaves its {name} free; settle it by --input HxW")
        if written is not None and wanted is not None and written != wanted:
            raise InputError(f"{where} has the {name} {written}, not {wanted}; leave --input out, or export it anew")
        settled.append(wanted if written is None else written)
    height, width = (side or 1 for side in settled)
    if not all(1 <= side <= MAX_INTEGER for side in (height, width, channels)):
        raise InputError(f"{where} has a side that is not between 1 and {MAX_INTEGER}")
    return Plane(height, width, channels), len(shape)


def _ending(net: Translation, graph: Graph, path: Path, output: str | None) -> str:
    """The tensor that ends the network. Raises InputError where it is not known, or not understood."""
    if output is not None:
        value = net.values.get(output)
        if value is None:
            near = _nearest(output, list(net.values))
            raise InputError(
                f"{quote(path)} has no tensor {quote(output)}{f'; perhaps {quote(near)} is meant' if near else ''}"
            )
        if isinstance(value, Unknown):
            raise _refused(path, value)
        if not isinstance(value, Held | Point):
            raise InputError(f"tensor {quote(output)} of {quote(path)} is no plane; name another by --output")
        return output
    unknown = next((value for value in net.values.values() if isinstance(value, Unknown) and value.is_plane), None)
    if unknown is not None:
        raise _refused(path, unknown)
    for name, value in reversed(net.values.items()):
        held = value.of if isinstance(value, Point) else value
        if isinstance(held, Held) and held.plane.height * held.plane.width > 1 and name != graph.input:
            try:
                net.plane_of(value)
            except UnsupportedError:
                continue
            return name
    raise InputError(f"{quote(path)} makes no plane of several pixels; name the tensor that ends it by --output")


def _refused(path: Path, unknown: Unknown) -> InputError:
    offered = " or ".join(f"--output {quote(name)}" for name in unknown.before[:3]) or "--output"
    why = unknown.why.rstrip(".")
    return InputError(
        f"node {unknown.node} of {quote(path)} is not understood: {why}; end the network before it, by {offered}"
    )


def _nearest(name: str, names: list[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name, names[:5000], 1) if len(name) < 200 else []
    return near[0] if near else None


def _stages(units: dict[str, Unit]) -> frozenset[str]:
    """The last tensor of each size before the next: the stages that tables of networks name."""
    ends, before = set[str](), None
    for unit in units.values():
        size = unit.plane.height, unit.plane.width
        if before is not None and size != (before.plane.height, before.plane.width) and size != (1, 1):
            ends.add(before.tensor)
        before = unit if size != (1, 1) or before is None else before
    return frozenset(ends | ({before.tensor} if before is not None else set()))


def sweep_text(found: Imported, name: str, weights: str) -> str:
    """The sweep file, YAML, of an imported network: its stem in lines of some layers, its weights by path."""
    lines, line = list[str](), ""
    for word in found.notation.split(" "):
        if line and len(line) + len(word) > 100:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    lines.append(line)
    plane = found.plane
    return "\n".join(
        [
            f"# {' '.join(found.source.split())}; up to its tensor {' '.join(found.tensor.split())}",
            f"name: {msgspec.json.encode(name).decode()}",
            f"input: {plane.height}x{plane.width}x{plane.channels}",
            "init:",
            "  kind: file",
            f"  path: {msgspec.json.encode(weights).decode()}",
            "stems:",
            f"  - label: {msgspec.json.encode(name).decode()}",
            "    stem: >-",
            *(f"      {line}" for line in lines),
            "",
        ]
    )


def write_import(found: Imported, to: Path, replace: bool = False) -> tuple[Path, Path]:
    """Writes NAME.yaml and NAME.npz, both or neither; returns their paths. `to`: the path without a suffix.

    Raises InputError where they cannot be written, or are there already and are not to be replaced.
    """
    import tempfile

    sweep, weights = to.with_name(f"{to.name}.yaml"), to.with_name(f"{to.name}.npz")
    for path in (sweep, weights):
        if path.exists() and not replace:
            raise InputError(f"{quote(path)} is there already; choose another name by --to, or add --replace")
    try:
        with tempfile.TemporaryDirectory(prefix=".import-", dir=to.parent) as folder:
            made = Path(folder, "weights.npz")
            np.savez(made, **found.arrays)  # type: ignore[arg-type]  # names of arrays, none of them a parameter's
            text = Path(folder, "sweep.yaml")
            text.write_text(sweep_text(found, to.name, weights.name), encoding="utf-8")
            made.replace(weights)
            text.replace(sweep)
    except OSError as error:
        raise InputError(f"{quote(sweep)} cannot be written: {error.strerror or error}") from None
    return sweep, weights
