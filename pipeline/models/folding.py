"""Operations on constants: shapes computed by the graph itself, weights that are scaled or turned before they are used.

A result is an array of at most `MAX_NUMBERS`; one that is a single number everywhere takes the memory of one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.models.onnxfile import Call, Constant

MAX_NUMBERS = 2**28


class UnfoldedError(Exception):
    """An operation that is not computed on constants: says why."""


def fold(call: Call, inputs: list[Constant | None]) -> list[Constant]:
    """What an operation makes of constants; None stands for an input that is left out.

    Raises UnfoldedError where the operation is not among those that are computed, or its result would be too large.
    """
    rule = _RULES.get(call.operation)
    if rule is None:
        raise UnfoldedError(f"{call.operation} of constants is not computed")
    try:
        with np.errstate(all="ignore"):
            made = rule(call, inputs)
    except UnfoldedError:
        raise
    except (ValueError, IndexError, TypeError, AttributeError, OverflowError, MemoryError, KeyError):
        raise UnfoldedError(f"{call.operation} does not fit its constants") from None
    results = made if isinstance(made, list) else [made]
    if any(_held(result) > MAX_NUMBERS for result in results):
        raise UnfoldedError(f"{call.operation} makes more than {MAX_NUMBERS} numbers")
    return results


def _held(array: Constant) -> int:
    """How many numbers an array has memory for."""
    return array.size if array.strides and any(array.strides) else 1


def _filled(call: Call, inputs: list[Constant | None]) -> Constant:
    shape = tuple(int(side) for side in _given(inputs, 0).tolist())
    if any(side < 0 for side in shape):
        raise UnfoldedError("ConstantOfShape has a negative side")
    value = call.attributes.get("value")
    number = np.zeros(1, np.float32) if value is None else value.reshape(-1)[:1]
    return np.broadcast_to(number, shape) if shape else number.reshape(())


def _given(inputs: list[Constant | None], number: int) -> Constant:
    array = inputs[number]
    if array is None:
        raise UnfoldedError("an input is left out")
    return array


def axes_of(call: Call, inputs: list[Constant | None], name: str = "axes") -> list[int] | None:
    """The axes of a call, an attribute up to opset 12 and an input after; None where none are given."""
    written = call.attributes.get(name)
    if written is not None:
        return [int(axis) for axis in written]
    if len(inputs) > 1 and inputs[1] is not None:
        return [int(axis) for axis in inputs[1].reshape(-1)]
    return None


def slices_of(call: Call, inputs: list[Constant | None], rank: int) -> dict[int, slice]:
    """The slice of each axis that Slice cuts, by attributes up to opset 9 and by inputs after."""
    if "starts" in call.attributes:
        starts, stops = call.attributes["starts"], call.attributes["ends"]
        axes, steps = call.attributes.get("axes"), None
    else:
        starts, stops = _given(inputs, 1).tolist(), _given(inputs, 2).tolist()
        axes = inputs[3].tolist() if len(inputs) > 3 and inputs[3] is not None else None
        steps = inputs[4].tolist() if len(inputs) > 4 and inputs[4] is not None else None
    axes = list(range(len(starts))) if axes is None else [int(axis) % rank for axis in axes]
    steps = [1] * len(starts) if steps is None else steps
    return {
        axis: slice(int(start), int(stop), int(step))
        for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True)
    }


def _slice(call: Call, inputs: list[Constant | None]) -> Constant:
    data = _given(inputs, 0)
    found = slices_of(call, inputs, data.ndim)
    cut = [found.get(axis, slice(None)) for axis in range(data.ndim)]
    for axis, part in enumerate(cut):
        if part.step is not None and part.step < 0 and part.stop is not None and part.stop < -data.shape[axis]:
            cut[axis] = slice(part.start, None, part.step)
    return data[tuple(cut)]


def reshaped(shape: tuple[int, ...], wanted: list[int], keeps_zero: bool = False) -> tuple[int, ...]:
    """The shape that Reshape makes of another: 0 keeps a side, -1 is what is left. Raises ValueError for a misfit."""
    sides = [shape[at] if side == 0 and not keeps_zero else side for at, side in enumerate(wanted)]
    total = int(np.prod(shape, dtype=np.int64))
    if sides.count(-1) == 1:
        rest = int(np.prod([side for side in sides if side != -1], dtype=np.int64))
        sides[sides.index(-1)] = total // rest if rest else 0
    if any(side < 0 for side in sides) or int(np.prod(sides, dtype=np.int64)) != total:
        raise ValueError(f"{shape} cannot be reshaped to {wanted}")
    return tuple(sides)


def _reshape(call: Call, inputs: list[Constant | None]) -> Constant:
    data = _given(inputs, 0)
    shape = reshaped(data.shape, _given(inputs, 1).tolist(), bool(call.attributes.get("allowzero", 0)))
    if _held(data) == 1 and data.size > 1:
        return np.broadcast_to(data.flat[0], shape)
    return data.reshape(shape)


def _unsqueeze(call: Call, inputs: list[Constant | None]) -> Constant:
    data, axes = _given(inputs, 0), axes_of(call, inputs) or []
    return np.expand_dims(data, tuple(axes))


def _squeeze(call: Call, inputs: list[Constant | None]) -> Constant:
    axes = axes_of(call, inputs)
    return np.squeeze(_given(inputs, 0), None if axes is None else tuple(axes))


def _cast(call: Call, inputs: list[Constant | None]) -> Constant:
    import onnx

    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(int(call.attributes["to"])))
    if dtype.kind not in "iubf":
        raise UnfoldedError("Cast to a type that is not a number")
    return _given(inputs, 0).astype(np.float32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype)


def _constant(call: Call, inputs: list[Constant | None]) -> Constant:
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        if name in call.attributes:
            return np.asarray(call.attributes[name], dtype)
    for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if name in call.attributes:
            return np.asarray(list(call.attributes[name]), dtype)
    value = call.attributes.get("value")
    if value is None:
        raise UnfoldedError("Constant has no number")
    return np.asarray(value)


def _concat(call: Call, inputs: list[Constant | None]) -> Constant:
    return np.concatenate([_given(inputs, at) for at in range(len(inputs))], int(call.attributes["axis"]))


def _split(call: Call, inputs: list[Constant | None]) -> list[Constant]:
    data, axis = _given(inputs, 0), int(call.attributes.get("axis", 0))
    parts = parts_of(call, inputs, data.shape[axis])
    return np.split(data, np.cumsum(parts)[:-1].tolist(), axis)


def parts_of(call: Call, inputs: list[Constant | None], size: int) -> list[int]:
    """How many entries of an axis of `size` each output of Split takes.

    Raises UnfoldedError where the parts do not make up the axis.
    """
    written = call.attributes.get("split")
    if written is None and len(inputs) > 1 and inputs[1] is not None:
        written = inputs[1].tolist()
    if written is None:
        count = len(call.outputs)
        each = -(-size // count)
        written = [min(each, size - each * at) for at in range(count)]
    parts = [int(part) for part in written]
    if sum(parts) != size or min(parts) < 1 or len(parts) != len(call.outputs):
        raise UnfoldedError("Split does not fit its input")
    return parts


def _binary(operation: Callable[[Any, Any], Any]) -> Callable[[Call, list[Constant | None]], Constant]:
    def folded(call: Call, inputs: list[Constant | None]) -> Constant:
        one, other = _given(inputs, 0), _given(inputs, 1)
        shape = np.broadcast_shapes(one.shape, other.shape)
        if _held(one) == _held(other) == 1 and int(np.prod(shape, dtype=np.int64)) > 1:
            number = operation(one.reshape(-1)[:1], other.reshape(-1)[:1])
            return np.broadcast_to(np.asarray(number, one.dtype), shape)
        if int(np.prod(shape, dtype=np.int64)) > MAX_NUMBERS:
            raise UnfoldedError("the result is too large")
        return np.asarray(operation(one, other))

    return folded


def _unary(operation: Callable[[Any], Any]) -> Callable[[Call, list[Constant | None]], Constant]:
    return lambda call, inputs: np.asarray(operation(_given(inputs, 0)))


def _divided(one: Constant, other: Constant) -> Constant:
    made: Constant = np.trunc(one / other).astype(one.dtype) if one.dtype.kind in "iu" else one / other
    return made


def _transposed(call: Call, inputs: list[Constant | None]) -> Constant:
    return np.transpose(_given(inputs, 0), call.attributes.get("perm"))


def _expanded(call: Call, inputs: list[Constant | None]) -> Constant:
    data = _given(inputs, 0)
    return np.broadcast_to(data, np.broadcast_shapes(data.shape, tuple(_given(inputs, 1).tolist())))


def _gathered(call: Call, inputs: list[Constant | None]) -> Constant:
    return np.take(_given(inputs, 0), _given(inputs, 1).astype(np.int64), axis=int(call.attributes.get("axis", 0)))


def _ranged(call: Call, inputs: list[Constant | None]) -> Constant:
    start, stop, step = (_given(inputs, at).reshape(-1)[0] for at in range(3))
    if step == 0 or abs((stop - start) / step) > MAX_NUMBERS:
        raise UnfoldedError("Range is too long")
    return np.arange(start, stop, step)


_Rule = Callable[[Call, list[Constant | None]], Constant | list[Constant]]
_RULES: dict[str, _Rule] = {
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Identity": _unary(lambda x: x),
    "Cast": _cast,
    "Reshape": _reshape,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Transpose": _transposed,
    "Expand": _expanded,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gathered,
    "Range": _ranged,
    "Shape": lambda call, inputs: np.asarray(_given(inputs, 0).shape, np.int64),
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Div": _binary(_divided),
    "Pow": _binary(np.power),
    "Mod": _binary(np.mod),
    "Equal": _binary(np.equal),
    "Greater": _binary(np.greater),
    "Less": _binary(np.less),
    "Min": _binary(np.minimum),
    "Max": _binary(np.maximum),
    "Where": lambda call, inputs: np.where(_given(inputs, 0), _given(inputs, 1), _given(inputs, 2)),
    "Floor": _unary(np.floor),
    "Ceil": _unary(np.ceil),
    "Round": _unary(np.round),
    "Sqrt": _unary(np.sqrt),
    "Neg": _unary(np.negative),
    "Exp": _unary(np.exp),
    "Reciprocal": _unary(np.reciprocal),
    "Not": _unary(np.logical_not),
}
"""What is computed on constants."""
