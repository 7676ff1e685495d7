"""Reading the notation: one pass from left to right that knows where every block and every field stands."""

import re
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from pipeline.errors import quote
from pipeline.stem.activations import NAMES
from pipeline.stem.cursor import Cursor
from pipeline.stem.forms import Acting, Form, Marking
from pipeline.stem.layers import (
    MAX_LAYERS,
    MAX_NESTING,
    Branch,
    From,
    Layer,
    Stem,
    count_layers,
)
from pipeline.stem.spelling import ACTIVATE, BY_WORD, EXAMPLES, GROUPS, LAYERS, Spelling

_REPEAT = re.compile(r"([0-9]+)x(?=[a-z]|[0-9]+x[0-9])")
_KERNEL = re.compile(r"[0-9]+x[0-9]")
_BARE_GROUP = re.compile(r"(?:[0-9]+[x*]?)?[(\[]")
_HEADED = sorted((each.word for each in LAYERS if each.word and each.head), key=len, reverse=True)
_WORD = re.compile(rf"(?:{'|'.join(_HEADED)})(?=[0-9])|[a-z_][a-z_0-9]*")
_ACTIVATION, _MARK = Acting(), Marking()
_EXPECTED = "expected a layer such as 3x3, 4x3x3, max3x3/2 or res(2x3x3), found {}"
_OF_OTHERS = {
    "o": "; output padding is of a transposed convolution, as in t3x3/2p1o1",
    "g": "; groups are of other convolutions, as in 3x3:8g4",
    ":": "; it keeps the channels that it is given",
}
"""What is said of a modifier that only other layers have."""
_GROUPS = frozenset(each.word for each in GROUPS)


@dataclass
class Block:
    """Where one block of the notation stands: its first character, its fields', and the layers it yields."""

    offset: int
    first: int
    count: int = 1
    fields: dict[str, int] = field(default_factory=dict)
    branches: "list[Part]" = field(default_factory=list)


@dataclass
class Part:
    """Where a branch of a group stands, or the stem itself, and its blocks."""

    offset: int
    blocks: list[Block] = field(default_factory=list)


@dataclass
class Frame:
    """A group that is still open, or the stem itself: its branches that are read, and the one that is being read."""

    spelling: Spelling | None
    block: Block | None
    part: Part
    source: str | None = None
    layers: list[Layer] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)

    @property
    def is_branched(self) -> bool:
        """Whether it has branches, each of which may be empty or begin with a mark."""
        return self.spelling is not None and self.spelling.takes("branches")

    @property
    def may_end(self) -> bool:
        """Whether it needs no other layer: only branches may be empty."""
        return bool(self.layers) or self.is_branched


class Reader(Cursor):
    """Reads a stem from left to right, with a stack of open groups instead of recursion.

    Raises MisreadError where the text is not in the notation.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.frames = [Frame(None, None, Part(0))]
        self.total = 0

    def read(self) -> Stem:
        """The stem that the whole text stands for."""
        self.space()
        is_apart = True  # whether another block may begin here
        while self.sign or not self.frames[-1].may_end:
            if self.sign == ")":
                self.close()
                is_apart = self.space()
            elif self.sign == "|":
                self.separate()
                is_apart = True
            elif is_apart:
                is_apart = self.begin()
                is_apart |= self.space()
            else:
                self.fail(f"unexpected {quote(self.sign)} (white space separates blocks)")
        frame = self.frames[-1]
        if frame.block is not None:
            self.fail("this bracket is never closed; add a ')'", frame.block.fields["bracket"])
        return tuple(frame.layers)

    def begin(self) -> bool:
        """Reads one block, or only the opening of a group; returns whether it was an opening."""
        frame = self.frames[-1]
        if self.sign == "#":
            self.start_from_mark(frame)
            return False
        here = Block(self.at, len(frame.layers))
        frame.part.blocks.append(here)
        if repeat := self.found(_REPEAT):
            here.count = self.number(repeat[1], repeat.start(), "the repetition", least=1)
        start = self.at
        match = _WORD.match(self.text, start)
        word = match[0] if match else ""
        if word in _GROUPS:
            self.open(BY_WORD[word], here)
            return True
        if word in NAMES:
            self.append(self.layer(ACTIVATE, here), here)
        elif word in BY_WORD and (word or _KERNEL.match(self.text, start)):
            self.at += len(word)
            self.append(self.layer(BY_WORD[word], here), here)
        elif word:
            names = f"layers: {EXAMPLES}; activations: {', '.join(NAMES)}"
            self.fail(f"no layer or activation is called {quote(word)} ({names})", start)
        elif bare := _BARE_GROUP.match(self.text, start):
            way = "with one branch, as in 2xcat(3x3 5x5), it only repeats"
            self.fail(f"the bracket {quote(bare[0][-1])} follows the word of a group; {way}", start)
        else:
            self.fail(_EXPECTED.format(quote(self.sign) if self.sign else "the end"))
        return False

    def start_from_mark(self, frame: Frame) -> None:
        """Reads the mark that a branch begins with."""
        if not frame.is_branched:
            self.fail("a mark follows its layer at once, as in 3x3#NAME; alone it begins a branch of add, cat or mul")
        if frame.layers or frame.source is not None:
            self.fail("a mark that is taken up begins its branch; put a '|' before it")
        frame.part.offset = self.at
        self.at += 1
        frame.source = _MARK.read(self)["mark"]

    def append(self, layer: Layer, block: Block, inside: int = 0) -> None:
        """Adds a layer, as often as its block repeats it, to the innermost branch; the last one bears its mark.

        `inside`: how many layers a group has inside, which were counted once while they were read.
        """
        self.count((1 + inside) * block.count - inside, block)
        others = layer if layer.mark is None or block.count == 1 else replace(layer, mark=None)
        self.frames[-1].layers.extend([others] * (block.count - 1))
        self.frames[-1].layers.append(layer)

    def count(self, more: int, block: Block) -> None:
        """Counts layers, and fails at their block where they are too many."""
        self.total += more
        if self.total > MAX_LAYERS:
            self.fail(f"a stem has at most {MAX_LAYERS} layers after repetition", block.offset)

    def open(self, spelling: Spelling, block: Block) -> None:
        """Begins a group: reads its word and its bracket."""
        self.at += len(spelling.word)
        if self.sign != "(":
            self.fail(f"expected '(' after {spelling.word}")
        if len(self.frames) > MAX_NESTING:
            self.fail(f"groups nest at most {MAX_NESTING} levels deep")
        block.fields["bracket"] = self.at
        self.at += 1
        self.frames.append(Frame(spelling, block, Part(self.at)))

    def separate(self) -> None:
        """Ends a branch at the sign before the next."""
        frame = self.frames[-1]
        if not frame.is_branched:
            word = "a stem" if frame.spelling is None else frame.spelling.word
            self.fail(f"{word} has no branches; '|' stands between those of add(...|...), cat(...|...) or mul(...|...)")
        self.end_branch(frame)
        self.at += 1
        self.space()
        frame.part = Part(self.at)

    def end_branch(self, frame: Frame) -> None:
        """Adds the branch that was read to those of its group."""
        stem = tuple(frame.layers)
        frame.branches.append(stem if frame.source is None else From(frame.source, stem))
        if frame.block is not None:
            self.count(not stem, frame.block)  # as `count_layers` does
            frame.block.branches.append(frame.part)
        frame.layers, frame.source = [], None

    def close(self) -> None:
        """Ends the innermost group at its bracket, and adds it to the branch around it."""
        frame = self.frames[-1]
        if frame.spelling is None or frame.block is None:
            self.fail("this bracket was never opened; drop it or add 'res('")
        if not frame.may_end:
            self.fail(_EXPECTED.format("')'"))
        self.frames.pop()
        self.at += 1
        self.end_branch(frame)
        body = {"branches": tuple(frame.branches)} if frame.is_branched else {"stem": frame.branches[0]}
        group = self.layer(frame.spelling, frame.block, **body)
        self.append(group, frame.block, count_layers((group,)) - 1)

    def layer(self, spelling: Spelling, block: Block, **values: Any) -> Layer:
        """A layer: its head, its signs in any order, its activation, its mark. `values`: what is read before."""
        start = self.at
        if spelling.head is not None:
            self.fields("", spelling.head, block, values)
        while form := self.form(spelling, "activation" in values):
            self.fields(self.sign, form, block, values)
        try:
            layer: Layer = spelling.kind(**values)
        except TypeError:
            lacking = next(name for name in spelling.required if name not in values)
            self.fail(f"{spelling.word} lacks its {lacking}; write it as in {spelling.example}")
        except ValueError as error:
            self.fail(str(error), start)
        return layer

    def form(self, spelling: Spelling, is_activated: bool) -> Form | None:
        """What stands behind the next sign; None where the layer is at its end, as it is behind its activation."""
        sign = self.sign
        if sign == "#":
            return _MARK
        if is_activated or not sign or sign.isspace() or sign in ")|":
            return None
        if sign == "=":
            if not spelling.takes("activation"):
                self.fail(f"{spelling.word or 'an activation'} {spelling.no_activation}")
            return _ACTIVATION
        if sign == "," and self.frames[-1].is_branched:
            self.fail("branches are separated by '|', not by ','")
        if spelling.signs and sign not in spelling.signs:
            after = f"{spelling.word or 'a'} kernel" if spelling.takes("kernel") else spelling.word
            more = _OF_OTHERS.get(sign, "")
            self.fail(f"unexpected {quote(sign)} after {after} (modifiers: {' '.join(spelling.signs)}){more}")
        return spelling.signs.get(sign)

    def fields(self, sign: str, form: Form, block: Block, values: dict[str, Any]) -> None:
        """Reads a sign and what stands behind it into `values`."""
        at = self.at
        self.at += len(sign)
        for name, value in form.read(self).items():
            if name in values:
                self.fail(f"{name.replace('_', ' ')} given twice", at)
            block.fields[name] = at + len(sign)
            values[name] = value


def complaint(text: str, problem: str, at: int) -> str:
    """One sentence that points at a character of a stem, counted from 1."""
    shown = quote(text) if len(text) <= 60 else f"{quote(text[:57])[:-1]}...'"
    return f"stem {shown}: {problem}, at character {at + 1}"
