"""The notation: a stem in one line, `7x7/2:64 max3x3/2 2xres(2x3x3:64)`, or with branches, `cat(1x1:8|3x3:16)`.

`pipeline.stem.spelling` has the layers, docs/stems.md the grammar. White space, of any kind and length, separates
blocks. `parse(format_stem(s)) == s` for every stem.
"""

import re
from functools import lru_cache
from itertools import groupby

from msgspec.structs import replace

from pipeline.errors import InputError
from pipeline.stem.activations import DEFAULT_ACTIVATION
from pipeline.stem.cursor import MisreadError, block_at
from pipeline.stem.forms import Acting
from pipeline.stem.layers import (
    Add,
    Branch,
    Convolution,
    From,
    Join,
    Layer,
    PreResidual,
    Residual,
    Stem,
    last_convolution,
    uniform_layer,
)
from pipeline.stem.reader import Part, Reader, complaint
from pipeline.stem.spelling import BY_KIND

MAX_CHARACTERS = 200_000
_ACTIVATION = Acting()
_OF_ACTIVATION = re.compile(r"\([-+0-9.,e]{1,60}\)")
# A comma between the numbers of a layer separates nothing. Few characters: a run of commas would take its square.
_COMMA = re.compile(r",(?![-+0-9.,e]{0,200}\))")


def _read(text: str) -> tuple[Stem, Part]:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a stem has at most {MAX_CHARACTERS} characters, this one has {len(text)}; shorten it")
    reader = Reader(text)
    try:
        return reader.read(), reader.frames[0].part
    except MisreadError as misread:
        raise InputError(complaint(text, *_explained(text, misread))) from None


def _explained(text: str, misread: MisreadError) -> tuple[str, int]:
    """(what is wrong, at which offset), with the nearest spelling that can be read at least beyond this block."""
    from pipeline.stem.respelling import counterpart, respellings  # what can be read does without their patterns

    option: tuple[str, int] | None = None
    for other in respellings(text, misread.at):
        start, end = block_at(other.text, min(other.at, len(other.text)))
        meant = other.text[start:end] + (bracket[0] if (bracket := _OF_ACTIVATION.match(other.text, end)) else "")
        if other.text == text or not meant:
            continue
        here = None
        try:
            Reader(other.text).read()
        except MisreadError as later:
            if later.at <= end and later.at < len(other.text):
                is_known = other.is_option and (later.at > other.at or ";" in later.problem)
                option = option or ((later.problem, other.at) if is_known else None)
                continue
            here = None if other.reason else counterpart(text, misread.at)  # more of use than part of a layer
        if here is not None:
            return here, misread.at
        return (
            f"{other.reason}: write {meant}" if other.reason else f"{misread.problem}; perhaps {meant} is meant"
        ), other.at
    if option is None and (here := counterpart(text, misread.at)):
        return here, misread.at
    return option or (misread.problem, misread.at)


@lru_cache(maxsize=4096)
def parse(text: str) -> Stem:
    """The stem that a line of notation stands for.

    Raises InputError, one sentence that points at the character, where the text is not in the notation.

    >>> [layer.kernel for layer in parse("2x3x3")]
    [(3, 3), (3, 3)]
    """
    return _read(text)[0]


def is_notation(text: str) -> bool:
    """Whether a text is a stem in the notation. What is wrong with one that is not is not looked for, as `parse` does.

    >>> is_notation("2x3x3"), is_notation("growth")
    (True, False)
    """
    if len(text) > MAX_CHARACTERS:
        return False
    try:
        Reader(text).read()
    except (MisreadError, InputError):
        return False
    return True


def locate(text: str, path: tuple[int, ...], name: str) -> int:
    """The offset of a layer's field in a line of notation, or of the layer where the field is not written.

    path: the position of a layer in the stem, then the number of a branch of it, the position of a layer in that, and
    so on. If it ends with the number of a branch, the offset is that of the branch.
    """
    part = _read(text)[1]
    offset = part.offset
    for step in range(0, len(path), 2):
        position = path[step]
        block = next(block for block in part.blocks if block.first <= position < block.first + block.count)
        offset = block.fields.get(name, block.offset)
        if step + 1 < len(path):
            part = block.branches[path[step + 1]]
            offset = part.offset
    return offset


def split_stems(text: str) -> list[str]:
    """The stems of a text, which commas separate; the commas between the numbers of a layer do not.

    >>> split_stems("4x3x3, hardtanh(0,6) 5x5")
    ['4x3x3', 'hardtanh(0,6) 5x5']
    """
    return [stem.strip() for stem in _COMMA.split(text)]


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The canonical notation of a line of notation: the same for all lines that mean the same by other defaults.

    Raises InputError as `parse` does.
    """
    return format_stem(_without_default_activations(parse(text), is_summed=False))


def _without_default_activations(stem: Stem, is_summed: bool) -> Stem:
    last = last_convolution(stem) if is_summed else None
    layers: list[Layer] = []
    for position, layer in enumerate(stem):
        if isinstance(layer, Residual | PreResidual):
            layer = replace(layer, stem=_without_default_activations(layer.stem, is_summed=True))
        elif isinstance(layer, Join):
            is_sum = isinstance(layer, Add)
            layer = replace(layer, branches=tuple(_plain_branch(branch, is_sum) for branch in layer.branches))
        elif isinstance(layer, Convolution):
            default = "linear" if position == last else DEFAULT_ACTIVATION
            if layer.activation == default:
                layer = replace(layer, activation=None)
        layers.append(layer)
    return tuple(layers)


def _plain_branch(branch: Branch, is_summed: bool) -> Branch:
    if isinstance(branch, From):
        return replace(branch, stem=_without_default_activations(branch.stem, is_summed))
    return _without_default_activations(branch, is_summed)


def format_stem(stem: Stem) -> str:
    """The notation of a stem: run-length counted, what equals the default of its field dropped."""
    blocks = []
    for plain, run in groupby(stem, _unmarked):
        count = 0
        for layer in run:
            count += 1
            if layer.mark is not None:  # the last of a run bears its mark
                blocks.append(_block_text(plain, count, layer.mark))
                count = 0
        if count:
            blocks.append(_block_text(plain, count, None))
    return " ".join(blocks)


def _unmarked(layer: Layer) -> Layer:
    return layer if layer.mark is None else replace(layer, mark=None)


def _block_text(layer: Layer, count: int, mark: str | None) -> str:
    return (f"{count}x" if count > 1 else "") + _layer_text(layer) + ("" if mark is None else f"#{mark}")


def _layer_text(layer: Layer) -> str:
    """A layer without its mark."""
    spelling = BY_KIND[type(layer)]
    parts = [spelling.word]
    if isinstance(layer, Residual | PreResidual):
        parts.append(f"({format_stem(layer.stem)})")
    elif isinstance(layer, Join):
        parts.append(f"({'|'.join(map(_branch_text, layer.branches))})")
    elif spelling.head is not None:
        parts.extend(spelling.head.written(layer))
    for sign, form in spelling.signs.items():
        parts.extend(sign + text for text in form.written(layer))
    if spelling.takes("activation"):
        parts.extend(f"={text}" for text in _ACTIVATION.written(layer))
    return "".join(parts)


def _branch_text(branch: Branch) -> str:
    if not isinstance(branch, From):
        return format_stem(branch)
    return f"#{branch.source} {format_stem(branch.stem)}".rstrip()


@lru_cache(maxsize=4096)
def original_label(text: str) -> str:
    """A stem as the program that this one replaces prints a plain stack, `4x 3x3`; any other in the notation."""
    stem = parse(text)
    layer = uniform_layer(stem)
    return format_stem(stem) if layer is None else f"{len(stem)}x {_layer_text(layer)}"
