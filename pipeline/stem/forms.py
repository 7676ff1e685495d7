"""What may stand behind a word or a sign of the notation: how it is read, beside how it is written.

A form settles one or more fields of a layer. `read` yields their values, `written` the texts that stand for them: none
where a field has its default, more than one where the sign is repeated, as in `~ceil~nopad`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pipeline.stem.activations import NAMES, canonical_activation, shortest
from pipeline.stem.cursor import Cursor
from pipeline.stem.layers import MARK_PATTERN, SAME, Layer, Margin

_KERNEL = re.compile(r"([0-9]+)x([0-9]+)")
_PAIR = re.compile(r"([0-9]+)(?:x([0-9]+))?")
_MARGIN = re.compile(r"([0-9]+)(?:\+([0-9]+))?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_NUMBERS = re.compile(r"[-+0-9.,eE]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?")
_ACTIVATION = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)(\([^()\s|]*\)?)?")
_MARK = re.compile(MARK_PATTERN)


class Form(Protocol):
    """One form; see the head of this file."""

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The fields that stand at this place. Raises MisreadError."""

    def written(self, layer: Layer) -> Iterator[str]:
        """The texts of the fields of a layer that are not its defaults."""


class Kernel:
    """A kernel, its height and its width: `3x3`."""

    def __init__(self, field: str = "kernel") -> None:
        self.field = field

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The kernel at this place."""
        match = cursor.found(_KERNEL)
        if match is None:
            cursor.fail("expected a kernel such as 3x3, height then width")
        height = cursor.number(match[1], match.start(1), "the kernel", 1)
        return {self.field: (height, cursor.number(match[2], match.start(2), "the kernel", 1))}

    def written(self, layer: Layer) -> Iterator[str]:
        """Height and width, however alike."""
        height, width = getattr(layer, self.field)
        yield f"{height}x{width}"


class Count:
    """An integer: `64`."""

    def __init__(self, field: str, least: int = 1) -> None:
        self.field, self.least = field, least

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The integer at this place."""
        what = f"the number of {self.field}" if self.field.endswith("s") else f"the {self.field}"
        return {self.field: cursor.integer(what, self.least)}

    def written(self, layer: Layer) -> Iterator[str]:
        """The integer."""
        if not _is_default(layer, self.field):
            yield str(getattr(layer, self.field))


class Sides:
    """An integer for both axes, or one for each: `2`, `2x1`."""

    def __init__(self, field: str, least: int = 1) -> None:
        self.field, self.least = field, least

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The pair at this place."""
        what = f"the {self.field.replace('_', ' ')}"
        match = cursor.found(_PAIR)
        if match is None:
            cursor.fail(f"expected an integer or a pair such as 2x1 for {what}")
        height = cursor.number(match[1], match.start(1), what, self.least)
        width = height if match[2] is None else cursor.number(match[2], match.start(2), what, self.least)
        return {self.field: (height, width)}

    def written(self, layer: Layer) -> Iterator[str]:
        """One integer where both are alike."""
        if not _is_default(layer, self.field):
            height, width = getattr(layer, self.field)
            yield str(height) if height == width else f"{height}x{width}"


class Ends:
    """What stands before and after each axis: `1`, `1x2`, `1+2`, `1+2x0+3`; or `same`.

    no_same: why there is no `same` here, with the way out; empty where there is one.
    """

    def __init__(self, field: str, no_same: str = "") -> None:
        self.field, self.no_same = field, no_same

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The margins at this place."""
        if cursor.text.startswith(SAME, cursor.at):
            if self.no_same:
                cursor.fail(self.no_same)
            cursor.at += len(SAME)
            return {self.field: SAME}
        height = self.margin(cursor)
        if cursor.sign == "x" and _MARGIN.match(cursor.text, cursor.at + 1):
            cursor.at += 1
            return {self.field: (height, self.margin(cursor))}
        return {self.field: (height, height)}

    def margin(self, cursor: Cursor) -> Margin:
        """The margin of one axis."""
        what = f"the {self.field}"
        match = cursor.found(_MARGIN)
        if match is None:
            cursor.fail(f"expected an integer or a pair such as 2x1 for {what}")
        before = cursor.number(match[1], match.start(1), what, 0)
        return before if match[2] is None else (before, cursor.number(match[2], match.start(2), what, 0))

    def written(self, layer: Layer) -> Iterator[str]:
        """One margin where both axes are alike."""
        if not _is_default(layer, self.field):
            value = getattr(layer, self.field)
            if value == SAME:
                yield SAME
            else:
                y, x = (side if isinstance(side, int) else "{}+{}".format(*side) for side in value)
                yield f"{y}" if y == x else f"{y}x{x}"


class Word:
    """One of some words, each of which sets a field: `reflect` a padding mode, `ceil` the field ceil.

    elsewhere: of words that other layers or programs have, what more is said where they are written here.
    """

    def __init__(
        self, what: str, values: Mapping[str, tuple[str, Any]], elsewhere: Mapping[str, str] | None = None
    ) -> None:
        self.what, self.values, self.elsewhere = what, values, elsewhere or {}
        # The longest word that fits: another sign may follow it without anything between, as in ~reflectp1.
        self.pattern = re.compile("|".join(sorted(values, key=len, reverse=True)))

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The field that the word at this place sets."""
        at = cursor.at
        match = cursor.found(self.pattern)
        if match is None:
            other = _WORD.match(cursor.text, at)
            word = other[0] if other else ""
            cursor.unknown(self.what, word, tuple(self.values), at, self.elsewhere.get(word, ""))
        name, value = self.values[match[0]]
        return {name: value}

    def written(self, layer: Layer) -> Iterator[str]:
        """The words of all fields that are set."""
        return (word for word, (name, value) in self.values.items() if getattr(layer, name) == value)


class Numbers:
    """Numbers with commas between them, up to a closing bracket: `0.0001,0.75,2)`. All are written or none."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The numbers at this place."""
        at = cursor.at
        match = cursor.found(_NUMBERS)
        texts = match[0].split(",") if match else []
        if cursor.sign != ")" or len(texts) != len(self.fields) or not all(map(_NUMBER.fullmatch, texts)):
            cursor.fail(f"expected {', '.join(self.fields)} as numbers such as 0.5 or 1e-6, and then ')'", at)
        cursor.at += 1
        return dict(zip(self.fields, map(float, texts), strict=True))

    def written(self, layer: Layer) -> Iterator[str]:
        """All the numbers, if one is not its default."""
        if not all(_is_default(layer, name) for name in self.fields):
            yield ",".join(shortest(getattr(layer, name)) for name in self.fields) + ")"


class Acting:
    """An activation, with its numbers where it has some: `relu`, `leaky_relu(0.1)`."""

    def __init__(self, field: str = "activation") -> None:
        self.field = field

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The activation at this place."""
        at = cursor.at
        match = cursor.found(_ACTIVATION)
        if match is None or match[1] not in NAMES:
            cursor.unknown("activation", match[1] if match else "", NAMES, at)
        try:
            return {self.field: canonical_activation(match[0])}
        except ValueError as error:
            cursor.fail(str(error), at)

    def written(self, layer: Layer) -> Iterator[str]:
        """The activation, unless it is left to the default."""
        if not _is_default(layer, self.field):
            yield getattr(layer, self.field)


class Marking:
    """The name of a mark: `c3`."""

    def read(self, cursor: Cursor) -> dict[str, Any]:
        """The mark at this place."""
        match = cursor.found(_MARK)
        if match is None:
            cursor.fail("expected the name of a mark behind '#', a letter first, such as #c3")
        return {"mark": match[0]}

    def written(self, layer: Layer) -> Iterator[str]:
        """The mark, where there is one."""
        if layer.mark is not None:
            yield layer.mark


def _is_default(layer: Layer, field: str) -> bool:
    kind = type(layer)
    fields, defaults = kind.__struct_fields__, kind.__struct_defaults__
    place = fields.index(field) - len(fields) + len(defaults)
    return place >= 0 and bool(getattr(layer, field) == defaults[place])
