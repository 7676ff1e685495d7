"""The notation: a stem in one line, `7x7/2:64 max3x3/2 2xres(2x3x3:64)`.

    stem  = block {" " block}
    block = [INT "x"] (op | group)
    group = ("res" | "res_pre") "(" stem ")" ["=" ACT]        ; "=" only after res
    op    = ["dw" | "t"] K {mod} ["=" ACT]
          | ("max" | "avg") K {"/" pair | "p" pair} | "up" pair | "gap" | "bn" | "ln" | ACT
    mod   = "/" pair | "@" pair | ":" INT | "p" pair | "g" INT | "~" ("reflect" | "replicate" | "circular")
    K     = INT "x" INT          pair = INT ["x" INT]          ; height, then width

`parse(format_stem(s)) == s` for every stem. Printing is canonical: runs are counted, defaults are dropped.
"""

from functools import lru_cache
from itertools import groupby

from pipeline.errors import InputError
from pipeline.reader import MODIFIERS, WINDOWED, WORDS, Reader
from pipeline.stem import (
    Activate,
    AvgPool,
    BatchNorm,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    MaxPool,
    Pair,
    PreResidual,
    Residual,
    Stem,
    Upsample,
    uniform_layer,
)

MAX_CHARACTERS = 200_000

_PREFIX = {kind: prefix for prefix, kind in WINDOWED.items()}
_NAME = {kind: word for word, kind in WORDS.items()}


def _checked(text: str) -> Reader:
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"a stem has at most {MAX_CHARACTERS} characters, this one has {len(text)}; shorten it")
    return Reader(text)


@lru_cache(maxsize=4096)
def parse(text: str) -> Stem:
    """The stem that a line of notation stands for.

    Raises InputError, one sentence that points at the character, where the text is not in the notation.

    >>> parse("2x3x3")
    (Conv(kernel=(3, 3), ...), Conv(kernel=(3, 3), ...))
    """
    return _checked(text).read()


def locate(text: str, path: tuple[int, ...], name: str) -> int:
    """The offset of a layer's field in a line of notation; `path` counts layers, one number a level of nesting."""
    reader = _checked(text)
    reader.read()
    blocks = reader.frames[0].blocks
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
    if not isinstance(layer, MaxPool | AvgPool) and layer.activation != "relu":
        parts.append(f"={layer.activation}")
    return "".join(parts)


def format_stem(stem: Stem) -> str:
    """The canonical notation of a stem: run-length counted, defaults dropped."""
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
