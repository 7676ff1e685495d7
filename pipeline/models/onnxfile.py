"""Reading an ONNX file as the calls of its graph, in running order, whatever a hostile file may hold."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError, amount, quote
from pipeline.extras import install

MAX_FILE = 2**31
"""Bytes of a model file, and of its external data: what one protobuf message holds."""
MAX_NODES = 100_000
MAX_DEPTH = 8
"""Of graphs within graphs."""

Constant = npt.NDArray[Any]


class Call(NamedTuple):
    """One node of the graph: an operation with the names of the tensors that it reads and makes.

    A tensor that is left out has an empty name.
    """

    name: str
    operation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]

    def __str__(self) -> str:
        return f"{quote(self.name or self.outputs[0])} ({self.operation})"


class Subgraph(NamedTuple):
    """A graph within a call, as the branches of an If are; it may read the tensors around it."""

    calls: tuple[Call, ...]
    constants: dict[str, Constant]
    outputs: tuple[str, ...]


class Graph(NamedTuple):
    """A model: its calls in running order, its constants by name, and its one input.

    sides: dimensions of the input as far as the file settles them, None elsewhere. opset: version of the operations.
    """

    calls: tuple[Call, ...]
    constants: dict[str, Constant]
    input: str
    sides: tuple[int | None, ...]
    outputs: tuple[str, ...]
    opset: int
    producer: str


def read_graph(path: Path) -> Graph:
    """The graph of an ONNX file, opset 7 or later.

    Raises InputError, one sentence, for a file that cannot be read, is no ONNX model, has external data outside of its
    folder, or a graph with loops, missing tensors or more than one input. Needs the package `onnx`.
    """
    try:
        import onnx  # an extra, and slow to import
    except ImportError:
        raise InputError(f"models are read by onnx, which is not installed; type {install('onnx')}") from None
    model = _loaded(onnx, path)
    graph = model.graph
    opset = max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
    if opset < 7:
        raise InputError(f"{quote(path)} uses opset {opset} of ONNX; export it again with opset 7 or later")
    if len(graph.node) > MAX_NODES:
        raise InputError(f"{quote(path)} has {len(graph.node)} nodes, more than the {MAX_NODES} that are read")
    constants = {tensor.name: _array(onnx, tensor, path) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(quote(value.name) for value in inputs[:5])
        raise InputError(
            f"{quote(path)} has {len(inputs)} inputs{f' ({names})' * bool(names)}; a network of one is read"
        )
    calls = _in_order([_call(onnx, node, path) for node in graph.node], {inputs[0].name, *constants}, path)
    sides = tuple(
        dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        for dim in inputs[0].type.tensor_type.shape.dim
    )
    outputs = tuple(value.name for value in graph.output)
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return Graph(calls, constants, inputs[0].name, sides, outputs, opset, producer)


def _loaded(onnx: Any, path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_FILE:
            raise InputError(f"{quote(path)} has {amount(size)}, more than the {amount(MAX_FILE)} that are read")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{quote(path)} cannot be read: {error.strerror or error}") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # noqa: BLE001  # protobuf's own class of error depends on its build
        raise InputError(f"{quote(path)} is not an ONNX model, or is damaged; export it again") from None
    if not _is_text(model.graph):
        raise InputError(f"{quote(path)} is damaged: a name in it is not UTF-8 text; export it again")
    if not model.graph.node:
        raise InputError(f"{quote(path)} is not an ONNX model with a graph of nodes; export it again")
    return model


def _is_text(graph: Any) -> bool:
    """Whether all names of a graph are text; protobuf gives what is not UTF-8 as bytes."""
    named = [*graph.initializer, *graph.input, *graph.output, *graph.node]
    words = [word for node in graph.node for word in (node.op_type, node.domain, *node.input, *node.output)]
    words += [attribute.name for node in graph.node for attribute in node.attribute]
    inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    return all(isinstance(word, str) for word in (*words, *(each.name for each in named))) and all(map(_is_text, inner))


def _array(onnx: Any, tensor: Any, path: Path) -> Constant:
    """The numbers of a tensor, float32 where the file has float16 or bfloat16."""
    from math import prod

    shape = tuple(tensor.dims)
    if any(side < 0 for side in shape) or prod(shape) > MAX_FILE:
        raise InputError(f"tensor {quote(tensor.name)} in {quote(path)} has the shape {shape}, more than can be read")
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            return _external(onnx, tensor, path)
        array: Constant = onnx.numpy_helper.to_array(tensor)
    except InputError:
        raise
    except Exception:  # noqa: BLE001  # whatever a damaged tensor makes of it
        raise InputError(f"tensor {quote(tensor.name)} in {quote(path)} is damaged; export the model again") from None
    if array.shape != shape:
        raise InputError(f"tensor {quote(tensor.name)} in {quote(path)} is damaged; export the model again")
    return _widened(array)


def _widened(array: Constant) -> Constant:
    return array if array.dtype.kind in "iub" or array.dtype in (np.float32, np.float64) else array.astype(np.float32)


def _external(onnx: Any, tensor: Any, path: Path) -> Constant:
    """A tensor whose numbers lie in a file beside the model, which must be in the model's folder."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    folder = path.resolve().parent
    place = (folder / fields.get("location", "")).resolve()
    where = f"tensor {quote(tensor.name)} in {quote(path)}"
    if not place.is_relative_to(folder):
        raise InputError(f"{where} has its data in {quote(fields.get('location'))}, outside of the model's folder")
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
    count = int(np.prod(tensor.dims, dtype=np.int64))
    try:
        offset, length = int(fields.get("offset", 0)), int(fields.get("length", count * dtype.itemsize))
        if offset < 0 or length != count * dtype.itemsize:
            raise ValueError
        with place.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        array = np.frombuffer(data, dtype, count).reshape(tuple(tensor.dims))
    except (OSError, ValueError, OverflowError):
        raise InputError(
            f"{where} has its data in {quote(place)}, which is missing or too short; copy it along"
        ) from None
    return _widened(array)


def _call(onnx: Any, node: Any, path: Path, depth: int = 0) -> Call:
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        kind = attribute.type
        if kind == onnx.AttributeProto.TENSOR:
            attributes[attribute.name] = _array(onnx, attribute.t, path)
        elif kind == onnx.AttributeProto.GRAPH and depth < MAX_DEPTH:
            inner = tuple(_call(onnx, one, path, depth + 1) for one in attribute.g.node)
            constants = {tensor.name: _array(onnx, tensor, path) for tensor in attribute.g.initializer}
            attributes[attribute.name] = Subgraph(inner, constants, tuple(value.name for value in attribute.g.output))
        elif kind in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            attributes[attribute.name] = None
        else:
            value = onnx.helper.get_attribute_value(attribute)
            attributes[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    domain = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
    return Call(node.name, domain + node.op_type, tuple(node.input), tuple(node.output), attributes)


def _read_within(call: Call) -> set[str]:
    """The tensors around a call that its graphs read."""
    found = set[str]()
    for value in call.attributes.values():
        if isinstance(value, Subgraph):
            own = set(value.constants) | {name for inner in value.calls for name in inner.outputs}
            for inner in value.calls:
                found |= (set(inner.inputs) | _read_within(inner)) - own
            found |= set(value.outputs) - own
    return found


def _in_order(calls: list[Call], known: set[str], path: Path) -> tuple[Call, ...]:
    """The calls, each behind those that make what it reads. Raises InputError for loops and missing tensors."""
    made = dict[str, int]()
    for position, call in enumerate(calls):
        for name in call.outputs:
            if name and (name in made or name in known):
                raise InputError(f"tensor {quote(name)} in {quote(path)} is made twice; export the model again")
            if name:
                made[name] = position
    waits = [0] * len(calls)
    readers: list[list[int]] = [[] for _ in calls]
    for position, call in enumerate(calls):
        for name in (set(call.inputs) | _read_within(call)) - known - {""}:
            if name not in made:
                raise InputError(f"node {call} in {quote(path)} reads {quote(name)}, which nothing makes")
            waits[position] += 1
            readers[made[name]].append(position)
    ready = [position for position in range(len(calls) - 1, -1, -1) if not waits[position]]
    ordered = list[int]()
    while ready:
        position = ready.pop()
        ordered.append(position)
        for reader in reversed(readers[position]):
            waits[reader] -= 1
            if not waits[reader]:
                ready.append(reader)
    if len(ordered) < len(calls):
        stuck = next(call for position, call in enumerate(calls) if waits[position])
        raise InputError(f"node {stuck} in {quote(path)} waits for itself; a graph with loops is not a network")
    return tuple(calls[position] for position in (range(len(calls)) if ordered == sorted(ordered) else ordered))
