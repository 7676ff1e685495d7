"""The notation: a stem in one line, `7x7/2:64 max3x3/2 2xres(2x3x3:64)`.

    stem  = block {SPACE block}
    block = [INT "x"] (op | group)
    group = ("res" | "res_pre") "(" stem ")" ["=" ACT]        ; "=" only after res
    op    = ["dw" | "t"] K {mod} ["=" ACT]
          | ("max" | "avg") K {"/" pair | "p" pair} | "up" pair | "gap" | "bn" | "ln" | ACT
    mod   = "/" pair | "@" pair | ":" INT | "p" pair | "g" INT | "~" ("reflect" | "replicate" | "circular")
    K     = INT "x" INT          pair = INT ["x" INT]          ; height, then width

White space, of any kind and length, separates blocks. `parse(format_stem(s)) == s` for every stem.
"""

from functools import lru_cache
from itertools import groupby

from msgspec.structs import replace

from pipeline.errors import InputError
from pipeline.stem.activations import DEFAULT_ACTIVATION
from pipeline.stem.layers import (
    Activate,
    AvgPool,
    BatchNorm,
    Convolution,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    MaxPool,
    Pair,
    PreResidual,
    Residual,
    Stem,
    Upsample,
    last_convolution,
    uniform_layer,
)
from pipeline.stem.reader import MODIFIERS, WINDOWED, WORDS, Block, MisreadError, Reader, complaint

MAX_CHARACTERS = 200_000

_PREFIX = {kind: prefix for prefix, kind in WINDOWED.items()}
_NAME = {kind: word for word, kind in WORDS.items()}


def _read(text: str) -> tuple[Stem, list[Block]]:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a stem has at most {MAX_CHARACTERS} characters, this one has {len(text)}; shorten it")
    reader = Reader(text)
    try:
        return reader.read(), reader.frames[0].blocks
    except MisreadError as misread:
        raise InputError(complaint(text, *_explained(text, misread))) from None


def _explained(text: str, misread: MisreadError) -> tuple[str, int]:
    """(what is wrong, at which offset), with the nearest spelling that can be read at least beyond this block."""
    from pipeline.stem.respelling import block_at, respellings  # what can be read does without its patterns

    for other in respellings(text, misread.at):
        start, end = block_at(other.text, min(other.at, len(other.text)))
        meant = other.text[start:end]
        if other.text == text or not meant:
            continue
        try:
            Reader(other.text).read()
        except MisreadError as later:
            if later.at <= end and later.at < len(other.text):
                continue
        return (
            f"{other.reason}: write {meant}" if other.reason else f"{misread.problem}; perhaps {meant} is meant"
        ), other.at
    return misread.problem, misread.at


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
    """The offset of a layer's field in a line of notation; `path` counts layers, one number a level of nesting."""
    blocks = _read(text)[1]
    offset = 0
    for index in path:
        block = next(block for block in blocks if block.first <= index < block.first + block.count)
        offset = block.fields.get(name, block.offset)
        blocks = block.inner
    return offset


def _pair_text(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]}x{pair[1]}"


def _layer_text(layer: Layer) -> str:
    match layer:
        case Residual():
            activation = "" if layer.activation == "relu" else f"={layer.activation}"
            return f"res({format_stem(layer.stem)}){activation}"
        case PreResidual():
            return f"res_pre({format_stem(layer.stem)})"
        case Upsample():
            return f"up{_pair_text(layer.factor)}"
        case Activate():
            return layer.kind
        case GlobalAvgPool() | BatchNorm() | LayerNorm():
            return _NAME[type(layer)]
    parts = [f"{_PREFIX[type(layer)]}{layer.kernel[0]}x{layer.kernel[1]}"]
    for sign, name in MODIFIERS[_PREFIX[type(layer)]].items():
        value = getattr(layer, name)
        if value == type(layer).__struct_defaults__[type(layer).__struct_fields__.index(name) - 1]:
            continue
        parts.append(sign + (_pair_text(value) if isinstance(value, tuple) else str(value)))
    if not isinstance(layer, MaxPool | AvgPool) and layer.activation is not None:
        parts.append(f"={layer.activation}")
    return "".join(parts)


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The canonical notation of a line of notation: the same for all lines that mean the same by other defaults.

    Raises InputError as `parse` does.
    """
    return format_stem(_without_default_activations(parse(text), is_body=False))


def _without_default_activations(stem: Stem, is_body: bool) -> Stem:
    last = last_convolution(stem) if is_body else None
    layers: list[Layer] = []
    for position, layer in enumerate(stem):
        if isinstance(layer, Residual | PreResidual):
            layer = replace(layer, stem=_without_default_activations(layer.stem, is_body=True))
        elif isinstance(layer, Convolution):
            default = "linear" if position == last else DEFAULT_ACTIVATION
            if layer.activation == default:
                layer = replace(layer, activation=None)
        layers.append(layer)
    return tuple(layers)


def format_stem(stem: Stem) -> str:
    """The notation of a stem: run-length counted, what equals the default of its field dropped."""
    blocks = []
    for layer, run in groupby(stem):
        count = sum(1 for _ in run)
        blocks.append(f"{count}x{_layer_text(layer)}" if count > 1 else _layer_text(layer))
    return " ".join(blocks)


@lru_cache(maxsize=4096)
def original_label(text: str) -> str:
    """A stem as the program that this one replaces prints a plain stack, `4x 3x3`; any other in the notation."""
    stem = parse(text)
    layer = uniform_layer(stem)
    return format_stem(stem) if layer is None else f"{len(stem)}x {_layer_text(layer)}"
