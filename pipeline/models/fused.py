"""Fewer units for the same network: activations join the layer before, shifts its biases, scales the norm before."""

from collections import Counter

import numpy as np
from msgspec.structs import replace

from pipeline.models.units import Array, Parameters, Unit
from pipeline.stem import (
    Activate,
    Add,
    Affine,
    Cat,
    Convolution,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Mul,
)


def fused(units: dict[str, Unit], outputs: tuple[str, ...]) -> dict[str, Unit]:
    """The units that the output tensors need, in running order, with what joins the unit before joined to it.

    A unit joins the one before only where nothing else reads that; it keeps its own tensor's name.
    """
    needed = _needed(units, outputs)
    readers = Counter(name for unit in needed for name in unit.inputs) + Counter(outputs)
    made: dict[str, Unit] = {}
    for unit in needed:
        before = made.get(unit.inputs[0]) if len(unit.inputs) == 1 else None
        joined = None if before is None or readers[before.tensor] > 1 else _joined(before, unit)
        if joined is not None and before is not None:
            del made[before.tensor]
            unit = joined
        made[unit.tensor] = unit
    return made


def _needed(units: dict[str, Unit], outputs: tuple[str, ...]) -> list[Unit]:
    found, pending = set[str](), [name for name in outputs if name in units]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(one for one in units[name].inputs if one in units)
    return [unit for name, unit in units.items() if name in found]


def _joined(before: Unit, unit: Unit) -> Unit | None:
    layer, own = before.layer, unit.layer
    made = replace(unit, inputs=before.inputs, parameters=before.parameters)
    if isinstance(own, Activate) and isinstance(layer, Convolution | Add | Cat | Mul) and layer.activation == "linear":
        return replace(made, layer=replace(layer, activation=own.kind))
    if isinstance(own, Affine):
        both = before.parameters, unit.parameters
        if isinstance(layer, Affine | LayerNorm | GroupNorm | InstanceNorm):
            return replace(made, layer=layer, parameters=_scaled(*both))
        if isinstance(layer, Convolution) and layer.activation == "linear" and (unit.parameters()["weight"] == 1).all():
            return replace(made, layer=layer, parameters=_shifted(*both))
    return None


def _scaled(before: Parameters, after: Parameters) -> Parameters:
    """The parameters of a norm or an affine layer that does what the two did, one after the other: float64 [C]."""

    def parameters() -> dict[str, Array]:
        """weight and bias, float64 [C]."""
        own, more = before(), after()
        weight, bias = (np.asarray(own.get(name, usual), np.float64) for name, usual in (("weight", 1), ("bias", 0)))
        return {"weight": weight * more["weight"], "bias": bias * more["weight"] + more["bias"]}

    return parameters


def _shifted(before: Parameters, after: Parameters) -> Parameters:
    """The parameters of a convolution whose bias, float64 [F], takes up the shift behind it; its weight stays."""

    def parameters() -> dict[str, Array]:
        """weight, of any dtype [rows, columns, C, F], and bias, float64 [F]."""
        own, more = before(), after()
        return own | {"bias": np.asarray(own.get("bias", 0), np.float64) + more["bias"]}

    return parameters
