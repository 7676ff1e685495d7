"""From the calls of an ONNX graph to units, one rule for each operation.

Tensors whose form matters for a moment only (a reshaped one, one step of a norm, a function of another) become units
when a rule needs them as planes, or vanish into a layer that stands for all the steps.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from pipeline.errors import InputError
from pipeline.models import pointwise
from pipeline.models.folding import UnfoldedError, fold
from pipeline.models.onnxfile import Call, Graph, Subgraph
from pipeline.models.pointwise import Curve, Term
from pipeline.models.units import (
    Array,
    Held,
    Known,
    Parameters,
    Point,
    Stat,
    Unit,
    Unknown,
    UnsupportedError,
    Value,
    View,
    no_parameters,
)
from pipeline.stem import Activate, Add, Affine, Cat, Conv, Layer, Mul, Plane, plane_behind

_JOINS: dict[str, type[Add] | type[Mul]] = {"Add": Add, "Mul": Mul}


def _is_of_pixels(held: Held) -> bool:
    return held.plane.height * held.plane.width > 1


class Translation:
    """The units of a graph and the value of each of its tensors, on one input plane."""

    def __init__(self, graph: Graph, plane: Plane, rank: int, rules: "Mapping[str, Rule]") -> None:
        self.graph = graph
        self.rules = rules
        self.units: dict[str, Unit] = {}
        self.values: dict[str, Value] = {name: Known(array) for name, array in graph.constants.items()}
        self.values[graph.input] = Held(graph.input, plane, rank=rank)
        self.readers = Counter(name for call in graph.calls for name in call.inputs)
        self.held: dict[Term, Held] = {}
        self.names: dict[Term, str] = {}
        self.starts: dict[str, Term] = {}
        self.made = 0

    def through(self, calls: Iterable[Call]) -> None:
        """Translates calls in running order; one that is not understood leaves what it makes unknown."""
        for call in calls:
            made = self.understood(call)
            for name, value in zip(call.outputs, made, strict=False):
                if name:
                    self.values[name] = value

    def understood(self, call: Call) -> list[Value]:
        """The values that a call makes, Unknown ones where it cannot be understood."""
        inputs = [self.values[name] if name else None for name in call.inputs]
        unknown = next((value for value in inputs if isinstance(value, Unknown)), None)
        if unknown is not None:
            return [self.beside(unknown, call)] * len(call.outputs)
        try:
            if call.operation == "If":
                return self.branch(call)
            known = [value.array if isinstance(value, Known) else None for value in inputs]
            if all(value is None or isinstance(value, Known) for value in inputs):
                return [Known(array) for array in fold(call, known)]
            return self.translated(call)
        except (UnfoldedError, InputError) as error:
            return [self.unknown(call, str(error))] * len(call.outputs)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, ArithmeticError):
            return [self.unknown(call, "its attributes or inputs do not fit each other")] * len(call.outputs)

    def branch(self, call: Call) -> list[Value]:
        """The values of the branch that a call takes, whose condition is a constant: of the model, or of its shapes.

        Raises UnsupportedError for a form that no layer stands for.
        """
        condition = self.constant(call, 0)
        if condition is None:
            raise UnsupportedError("which of its branches runs depends on the input")
        taken = call.attributes.get("then_branch" if condition.any() else "else_branch")
        if not isinstance(taken, Subgraph):
            raise UnsupportedError("its branches are not graphs")
        self.values |= {name: Known(array) for name, array in taken.constants.items()}
        self.through(taken.calls)
        return [self.values[name] for name in taken.outputs]

    def translated(self, call: Call) -> list[Value]:
        """The values of a call that reads a tensor of the network.

        Raises UnsupportedError for a form that no layer stands for.
        """
        rule = self.rules.get(call.operation)
        if rule is None:
            raise UnsupportedError("there is no layer for this operation")
        made = rule(self, call)
        values: list[Value] = list(made) if isinstance(made, list) else [made]
        for number, (name, value) in enumerate(zip(call.outputs, values, strict=False)):
            if isinstance(value, Point) and self.readers[name] > 1:
                try:
                    values[number] = self.plane_of(value)
                except UnsupportedError:
                    continue  # a part of something larger, perhaps
        return values

    def unknown(self, call: Call, why: str) -> Unknown:
        """What a call makes that is not understood."""
        held = self.held_by(call)
        return Unknown(str(call), why, tuple(held), any(map(_is_of_pixels, held.values())))

    def beside(self, unknown: Unknown, call: Call) -> Unknown:
        """What a call makes of a value that is not understood: a plane is lost where it reads one beside that."""
        planes = [name for name, held in self.held_by(call).items() if _is_of_pixels(held)]
        if unknown.is_plane or not planes:
            return unknown
        return Unknown(unknown.node, unknown.why, tuple(dict.fromkeys((*planes, *unknown.before))), is_plane=True)

    def held_by(self, call: Call) -> dict[str, Held]:
        """The tensors that a call reads and that are understood, by name, with what each is held in."""
        found = dict[str, Held]()
        for name in call.inputs:
            value = self.values.get(name)
            held = getattr(value, "of", value)
            if isinstance(held, Held):
                found[value.tensor if isinstance(value, Point) else held.tensor] = held
        return found

    def constant(self, call: Call, number: int) -> Array | None:
        """The constant that a call is given as input `number`, any dtype [...]; None where there is none."""
        name = call.inputs[number] if number < len(call.inputs) else ""
        value = self.values.get(name) if name else None
        return value.array if isinstance(value, Known) else None

    def given(self, call: Call, number: int = 0) -> Held:
        """The plane that a call is given as input `number`."""
        return self.plane_of(self.values[call.inputs[number]])

    def plane_of(self, value: Value) -> Held:
        """The value as a tensor that a unit makes; makes the units that it takes.

        Raises UnsupportedError for a form that no layer stands for.
        """
        match value:
            case Held():
                return value
            case Point():
                return self.pointwise(value.term, value.start, value.of)
            case Stat(kind="mean"):
                channels = value.of.plane.channels
                mean = np.full((1, 1, channels, 1), 1 / channels, np.float32)
                layer = Conv((1, 1), 1, padding=(0, 0), activation="linear")
                return self.unit(self.fresh(value.of.tensor, "mean"), layer, value.of, lambda: {"weight": mean})
            case View() if value.shape == value.of.shape and value.order is None and value.normed is None:
                return value.of
        raise UnsupportedError("it reads a tensor in a form that is not a plane")

    def fresh(self, tensor: str, what: str) -> str:
        """A name for a tensor that the model does not name."""
        self.made += 1
        return f"{tensor}.{what}{self.made}"

    def unit(
        self, tensor: str, layer: Layer, given: Held, parameters: Parameters = no_parameters, layout: str | None = None
    ) -> Held:
        """Adds a unit of one input; returns the tensor that it makes."""
        if tensor in self.units:
            tensor = self.fresh(tensor, "again")
        plane = plane_behind(layer, given.plane)
        self.units[tensor] = Unit(tensor, layer, (given.tensor,), plane, parameters)
        return Held(tensor, plane, layout or given.layout, given.rank)

    def join(self, tensor: str, kind: type[Add] | type[Mul], parts: list[Held]) -> Held:
        """Adds a sum or a product of tensors, which may be of one pixel or one channel each.

        Raises UnsupportedError for a form that no layer stands for.
        """
        if len({part.layout for part in parts}) > 1 and not all(_is_pixel(part) for part in parts):
            raise UnsupportedError("its inputs have their channels at different axes")
        sides = max((part.plane.height, part.plane.width) for part in parts)
        channels = max(part.plane.channels for part in parts)
        for part in parts:
            own = part.plane
            if (own.height, own.width) not in (sides, (1, 1)) or own.channels not in (1, channels):
                raise UnsupportedError(f"its inputs have planes of {', '.join(str(one.plane) for one in parts)}")
        return self.grouped(tensor, kind(branches=((),) * len(parts)), parts, Plane(*sides, channels))

    def grouped(self, tensor: str, layer: Add | Cat | Mul, parts: list[Held], plane: Plane) -> Held:
        """Adds a group, whose branches are its inputs so far."""
        self.units[tensor] = Unit(tensor, layer, tuple(part.tensor for part in parts), plane)
        return Held(tensor, plane, parts[0].layout, parts[0].rank)

    def affine(self, tensor: str, given: Held, scale: Array | float, shift: Array | float) -> Held:
        """Adds scale * x + shift, each a number or float [channels]; nothing where that is x."""
        channels = given.plane.channels
        weight, bias = (np.broadcast_to(np.asarray(one).reshape(-1), channels) for one in (scale, shift))
        if (weight == 1).all() and not bias.any():
            return given
        return self.unit(tensor, Affine(), given, lambda: {"weight": weight, "bias": bias})

    def term(self, tensor: str, value: Value) -> Point:
        """A value as a function of the tensor that it is a function of."""
        if isinstance(value, Point):
            if len(pointwise.terms(value.term)) < pointwise.MAX_TERMS:
                return value
            value = self.plane_of(value)
        held = self.plane_of(value)
        start = self.starts.setdefault(held.tensor, Term())
        return Point(tensor, start, start, held)

    def point(self, tensor: str, operation: str, operands: list[Value | float]) -> Point:
        """One operation more on functions of one tensor, and on numbers."""
        points = [self.term(tensor, one) if not isinstance(one, float) else one for one in operands]
        first = next(one for one in points if isinstance(one, Point))
        term = Term(operation, tuple(one.term if isinstance(one, Point) else one for one in points))
        self.names[term] = tensor
        return Point(tensor, term, first.start, first.of)

    def pointwise(self, term: Term, start: Term, of: Held) -> Held:
        """The tensor of an expression: as an activation that it equals, or piece by piece."""
        if term is start:
            return of
        if term in self.held:
            return self.held[term]
        tensor = self.names.get(term) or self.fresh(of.tensor, "point")
        ways = [start, *pointwise.gates(term)]
        ways.sort(key=lambda gate: gate not in self.held and gate is not start)  # what a unit makes already comes first
        for gate in ways:
            curve = pointwise.recognised(term, gate)
            if curve is not None:
                made = self.curve(tensor, curve, self.pointwise(gate, start, of))
                break
        else:
            made = self.written_out(tensor, term, start, of)
        self.held[term] = made
        return made

    def curve(self, tensor: str, curve: Curve, given: Held) -> Held:
        """Adds an activation with its scale and shift."""
        is_scaled = (curve.scale, curve.shift) != (1.0, 0.0)
        if curve.activation != "linear":
            name = self.fresh(tensor, "curve") if is_scaled else tensor
            given = self.unit(name, Activate(curve.activation), given)
        return self.affine(tensor, given, curve.scale, curve.shift) if is_scaled else given

    def written_out(self, tensor: str, term: Term, start: Term, of: Held) -> Held:
        """The last operation of an expression that is no activation, on the tensors of what it reads.

        Raises UnsupportedError for a form that no layer stands for.
        """
        parts = [self.pointwise(one, start, of) for one in term.operands if isinstance(one, Term)]
        made = None if len(parts) < len(term.operands) else self.combined(tensor, term.operation, parts)
        if made is None:
            raise UnsupportedError(f"{term.operation} is part of no activation that is known")
        return made

    def combined(self, tensor: str, operation: str, parts: list[Held]) -> Held | None:
        """The sum, the product or the difference of tensors; None for another operation."""
        if operation == "Sub":
            operation, parts = "Add", [parts[0], self.affine(self.fresh(tensor, "negative"), parts[1], -1.0, 0.0)]
        return self.join(tensor, _JOINS[operation], parts) if operation in _JOINS else None


def _is_pixel(held: Held) -> bool:
    return held.plane.height == held.plane.width == 1


Rule = Callable[[Translation, Call], Value | list[Value]]
