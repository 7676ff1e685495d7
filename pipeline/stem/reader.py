"""Reading the notation: one pass from left to right that knows where every block and every field stands."""

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pipeline.errors import quote
from pipeline.stem.activations import NAMES
from pipeline.stem.layers import (
    MAX_INTEGER,
    MAX_LAYERS,
    MAX_NESTING,
    PADDING_MODES,
    Activate,
    AvgPool,
    BatchNorm,
    Conv,
    Depthwise,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    MaxPool,
    Pair,
    PreResidual,
    Residual,
    Stem,
    Transposed,
    Upsample,
    count_layers,
)

_SPACE = re.compile(r"\s*")
_REPEAT = re.compile(r"([0-9]+)x(?=[a-z]|[0-9]+x[0-9])")
_KERNEL = re.compile(r"([0-9]+)x([0-9]+)")
_PAIR = re.compile(r"([0-9]+)(?:x([0-9]+))?")
_INTEGER = re.compile(r"[0-9]+")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_MODE = re.compile("|".join(PADDING_MODES[1:]))  # a modifier may follow without a sign between: ~reflectp1
_HEAD = re.compile(r"(?:dw|t|max|avg|up)(?=[0-9])|[a-z_][a-z_0-9]*")

# The modifiers each kind of layer takes, by sign: the field that the modifier sets.
_CONV_MODIFIERS = {"/": "stride", "@": "dilation", ":": "features", "p": "padding", "g": "groups", "~": "padding_mode"}
MODIFIERS: dict[str, dict[str, str]] = {
    "": _CONV_MODIFIERS,
    "dw": {sign: name for sign, name in _CONV_MODIFIERS.items() if sign != "g"},
    "t": {sign: name for sign, name in _CONV_MODIFIERS.items() if sign != "~"},
    "max": {"/": "stride", "p": "padding"},
    "avg": {"/": "stride", "p": "padding"},
}
_LAYERS = "3x3, dw3x3, t4x4, max3x3, avg2x2, up2, gap, bn, ln, res(...), res_pre(...)"
_ACTIVATIONS = f"activations: {', '.join(NAMES)}"
WINDOWED: dict[str, Any] = {"": Conv, "dw": Depthwise, "t": Transposed, "max": MaxPool, "avg": AvgPool}
WORDS: dict[str, Any] = {"gap": GlobalAvgPool, "bn": BatchNorm, "ln": LayerNorm}


@dataclass
class Block:
    """Where one block of the notation stands: its first character, its fields', and the layers it yields."""

    offset: int
    first: int
    count: int = 1
    fields: dict[str, int] = field(default_factory=dict)
    inner: "list[Block]" = field(default_factory=list)


@dataclass
class Frame:
    """A group that is still open, or the stem itself."""

    kind: str
    block: Block | None
    layers: list[Layer] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


class MisreadError(Exception):
    """Text that is not in the notation: what is wrong, and at which offset."""

    def __init__(self, problem: str, at: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at


class Reader:
    """Reads a stem from left to right, with a stack of open groups instead of recursion.

    Raises MisreadError where the text is not in the notation.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.frames = [Frame("", None)]
        self.total = 0

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        """Raises MisreadError for a problem at a character, the next one unless another is named."""
        raise MisreadError(problem, self.at if at is None else at)

    def read(self) -> Stem:
        """The stem that the whole text stands for."""
        self.space()
        while True:
            while self.opens_group():
                self.space()
            is_apart = self.space()
            while self.at < len(self.text) and self.text[self.at] == ")":
                self.close()
                is_apart = self.space()
            if self.at == len(self.text):
                break
            if not is_apart:
                self.fail(f"unexpected {quote(self.text[self.at])} (white space separates blocks)")
        frame = self.frames[-1]
        if frame.block is not None:
            self.fail("this bracket is never closed; add a ')'", frame.block.fields["bracket"])
        return tuple(frame.layers)

    def space(self) -> bool:
        """Skips white space of any kind, and says whether there was some."""
        before = self.at
        match = _SPACE.match(self.text, before)
        self.at = match.end() if match else before
        return self.at > before

    def opens_group(self) -> bool:
        """Reads one block, or only the opening of a group: its layers follow and `close` ends it."""
        frame = self.frames[-1]
        here = Block(self.at, len(frame.layers))
        frame.blocks.append(here)
        if repeat := _REPEAT.match(self.text, self.at):
            here.count = self.number(repeat[1], self.at, "the repetition", least=1)
            self.at = repeat.end()
        start = self.at
        head = _HEAD.match(self.text, self.at)
        word = head[0] if head else ""
        if word in ("res", "res_pre"):
            self.open(word, here)
            return True
        if word in WINDOWED and (word or _KERNEL.match(self.text, self.at)):
            self.at += len(word)
            layer = self.windowed(word, here)
        elif word == "up":
            self.at += 2
            layer = Upsample(self.pair("the factor", here, "factor"))
        elif word in WORDS:
            self.at += len(word)
            layer = WORDS[word]()
        elif word in NAMES:
            self.at += len(word)
            layer = Activate(word)
        elif word:
            self.fail(f"no layer or activation is called {quote(word)} (layers: {_LAYERS}; {_ACTIVATIONS})", start)
        else:
            found = quote(self.text[self.at]) if self.at < len(self.text) else "the end"
            self.fail(f"expected a layer such as 3x3, 4x3x3, max3x3/2 or res(2x3x3), found {found}")
        self.append(layer, here)
        return False

    def append(self, layer: Layer, block: Block) -> None:
        """Adds a layer, as often as its block repeats it, to the innermost group."""
        inside = count_layers((layer,)) - 1  # counted once while they were read
        self.total += (1 + inside) * block.count - inside
        if self.total > MAX_LAYERS:
            self.fail(f"a stem has at most {MAX_LAYERS} layers after repetition", block.offset)
        self.frames[-1].layers.extend([layer] * block.count)

    def open(self, word: str, block: Block) -> None:
        """Begins a group: reads its word and its bracket."""
        self.at += len(word)
        if self.text[self.at : self.at + 1] != "(":
            self.fail(f"expected '(' after {word}")
        if len(self.frames) > MAX_NESTING:
            self.fail(f"groups nest at most {MAX_NESTING} levels deep")
        block.fields["bracket"] = self.at
        self.at += 1
        self.frames.append(Frame(word, block))

    def close(self) -> None:
        """Ends the innermost group at its bracket, and adds it to the group around it."""
        frame = self.frames[-1]
        if frame.block is None:
            self.fail("this bracket was never opened; drop it or add 'res('")
        self.frames.pop()
        self.at += 1
        frame.block.inner = frame.blocks
        layer: Layer
        if frame.kind == "res":
            layer = Residual(tuple(frame.layers), **self.activation(frame.block))
        else:
            if self.text[self.at : self.at + 1] == "=":
                self.fail("res_pre(...) is a bare sum; write the activation as a block of its own or use res(...)=ACT")
            layer = PreResidual(tuple(frame.layers))
        self.append(layer, frame.block)

    def windowed(self, word: str, block: Block) -> Layer:
        """A convolution or a pool: its kernel, its modifiers in any order, its activation."""
        kernel = _KERNEL.match(self.text, self.at)
        if kernel is None:
            self.fail("expected a kernel such as 3x3, height then width")
        block.fields["kernel"] = self.at
        values: dict[str, Any] = {
            "kernel": (
                self.number(kernel[1], kernel.start(1), "the kernel", least=1),
                self.number(kernel[2], kernel.start(2), "the kernel", least=1),
            )
        }
        self.at = kernel.end()
        modifiers = MODIFIERS[word]
        while (sign := self.text[self.at : self.at + 1]) and not sign.isspace() and sign not in ")=":
            name = modifiers.get(sign)
            if name is None:
                self.fail(f"unexpected {quote(sign)} after {word or 'a'} kernel (modifiers: {' '.join(modifiers)})")
            if name in values:
                self.fail(f"{name.replace('_', ' ')} given twice")
            self.at += 1
            block.fields[name] = self.at
            if name in ("features", "groups"):
                values[name] = self.integer(f"the number of {name}", least=1)
            elif name == "padding_mode":
                values[name] = self.padding_mode()
            else:
                values[name] = self.pair(f"the {name}", block, name, least=0 if name == "padding" else 1)
        if word not in ("max", "avg"):
            values |= self.activation(block)
        elif self.text[self.at : self.at + 1] == "=":
            self.fail("pooling takes no activation; write it as a block of its own")
        layer: Layer = WINDOWED[word](**values)
        return layer

    def activation(self, block: Block) -> dict[str, Any]:
        """The field of an activation after `=`; empty where there is none."""
        if self.text[self.at : self.at + 1] != "=":
            return {}
        self.at += 1
        block.fields["activation"] = self.at
        return {"activation": self.word(NAMES, "activation", _WORD.match(self.text, self.at))}

    def padding_mode(self) -> str:
        """The padding mode at this place, after `~`."""
        mode = _MODE.match(self.text, self.at)
        return self.word(PADDING_MODES[1:], "padding mode", mode or _WORD.match(self.text, self.at))

    def word(self, words: tuple[str, ...], what: str, found: re.Match[str] | None) -> str:
        """The word that was found at this place, which must be one of `words`; `what` names them in the error."""
        written = found[0] if found else self._block_from_here()
        if found is None or written not in words:
            named = quote(written) if written else f"behind {quote(self.text[self.at - 1])}"
            self.fail(f"there is no {what} {named} (choose from {', '.join(words)})")
        self.at = found.end()
        return written

    def _block_from_here(self) -> str:
        from pipeline.stem.respelling import block_at  # what can be read does without its patterns

        return self.text[self.at : block_at(self.text, self.at)[1]]

    def integer(self, what: str, least: int) -> int:
        """The integer at this place, of at least `least`; `what` names it in the error."""
        match = _INTEGER.match(self.text, self.at)
        if match is None:
            self.fail(f"expected an integer for {what}")
        self.at = match.end()
        return self.number(match[0], match.start(), what, least)

    def pair(self, what: str, block: Block, name: str, least: int = 1) -> Pair:
        """(height, width) at this place: one integer for both, or two with an x between them."""
        match = _PAIR.match(self.text, self.at)
        if match is None:
            self.fail(f"expected an integer or a pair such as 2x1 for {what}")
        block.fields[name] = self.at
        self.at = match.end()
        height = self.number(match[1], match.start(1), what, least)
        return height, height if match[2] is None else self.number(match[2], match.start(2), what, least)

    def number(self, digits: str, at: int, what: str, least: int) -> int:
        """The number that digits stand for, from `least` to MAX_INTEGER; `at` is where they begin."""
        if len(digits) > len(str(MAX_INTEGER)) or not least <= int(digits) <= MAX_INTEGER:
            self.fail(f"{what} must be between {least} and {MAX_INTEGER}, not {digits[:20]}", at)
        return int(digits)


def complaint(text: str, problem: str, at: int) -> str:
    """One sentence that points at a character of a stem, counted from 1."""
    shown = quote(text) if len(text) <= 60 else f"{quote(text[:57])[:-1]}...'"
    return f"stem {shown}: {problem}, at character {at + 1}"
