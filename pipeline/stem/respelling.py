"""What may have been meant by a stem that is not in the notation: its nearest spellings."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.stem.activations import NAMES
from pipeline.stem.cursor import block_at
from pipeline.stem.layers import PADDING_MODES
from pipeline.stem.spelling import GROUPS, LAYERS

_SYNONYMS = {
    "adaptiveavgpool": "adaptive",
    "avgpool": "avg",
    "batch_norm": "bn",
    "batchnorm": "bn",
    "channel_shuffle": "channelshuffle",
    "concat": "cat",
    "concatenate": "cat",
    "conv": "",
    "conv_transpose": "t",
    "convtranspose": "t",
    "cropping": "crop",
    "deconv": "t",
    "depthwise": "dw",
    "eltwise": "add",
    "gelu_new": "gelu_tanh",
    "globalavgpool": "gap",
    "group_norm": "gn",
    "groupnorm": "gn",
    "hard_sigmoid": "hardsigmoid",
    "hard_swish": "hardswish",
    "hsigmoid": "hardsigmoid",
    "hswish": "hardswish",
    "identity": "linear",
    "instance_norm": "in",
    "instancenorm": "in",
    "layer_norm": "ln",
    "layernorm": "ln",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "maxpool": "max",
    "multiply": "mul",
    "nearest": "up",
    "prod": "mul",
    "residual": "res",
    "scale": "affine",
    "sum": "add",
    "swish": "silu",
    "upsample": "up",
    "zeropad": "pad",
}
"""What other programs call a layer or an activation, without the size that may follow it."""
_WORDS = (*NAMES, "psame", *PADDING_MODES[1:], *(each.word for each in (*LAYERS, *GROUPS) if len(each.word) > 2))
_LIKENESS = 0.7
"""Least ratio of `difflib` between a word and the one that is suggested for it: `rellu` and `relu` have 0.89."""

_WRONG_CROSS = re.compile(r"(?<=[0-9])[*X\u00d7\u2715\u2716\u2a2f\u0445](?=[0-9A-Za-z])")
# Few blanks: an unbounded run of them would be searched in the square of its length.
_BLANK_CROSS = re.compile(r"(?<=[0-9])(?:\s{1,4}x\s{0,4}|x\s{1,4})(?=[0-9])")
_BLANK_SIGN = re.compile(r"\s{1,4}[=/@:~]\s{0,4}|[=/@:~]\s{1,4}")
_ACTIVATION_FIRST = re.compile(r"([^=]*)(=[a-z_]+?)((?:[/@:~]|[pg](?=[0-9])).*)")
_KERNEL = re.compile(r"(?:[0-9]{1,7}x(?=[0-9]+x[0-9]))?[a-z]{0,3}([0-9]{1,7})x([0-9]{1,7})(?![0-9x])")
_DILATION = re.compile(r"@([0-9]{1,7})(?:x([0-9]{1,7}))?")
_DIMENSIONS = re.compile(r"(?<=[a-z])_?[123]d(?![a-z])")
_BEFORE = r"\s{0,4}[-_,;:~]?\s{0,4}"
_PADDED = _BEFORE + r"(?:(?:auto_)?p(?:ad(?:ding)?)?\s{0,4}[=:]\s{0,4})?['\"]?"
_TRUE, _FALSE = r"(?:\s{0,4}=\s{0,4}(?:true|1))?", r"\s{0,4}=\s{0,4}(?:false|0)"
_VALUE = r"\s{0,4}=\s{0,4}\(?([0-9]{1,7})\)?"
_ELSEWHERE: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), meant, reason)
    for pattern, meant, reason in (
        (
            _PADDED + r"(?:p\s{0,4})?same(?:_upper)?['\"]?",
            "psame",
            "SAME, the padding of TensorFlow and Keras, is written psame",
        ),
        (_PADDED + r"(?:p\s{0,4})?valid['\"]?", "p0", "VALID, no padding at all, is written p0"),
        (_BEFORE + "ceil(?:_mode)?" + _TRUE, "~ceil", "the ceil mode of a pool is written ~ceil"),
        (_BEFORE + "count_include_pad" + _FALSE, "~nopad", "an average that leaves padding out is written ~nopad"),
        (_BEFORE + "align_corners" + _TRUE, "~corners", "align_corners is written ~corners"),
        (_BEFORE + "output_padding" + _VALUE, r"o\1", "output padding is written o1"),
        (_BEFORE + "padding" + _VALUE, r"p\1", "padding is written p1"),
        (_BEFORE + "strides?" + _VALUE, r"/\1", "a stride is written /2"),
        (_BEFORE + "dilat(?:ion|ion_rate|ions)" + _VALUE, r"@\1", "a dilation is written @2"),
        (_BEFORE + "groups" + _VALUE, r"g\1", "groups are written g4"),
        (r"dense(?:_?cat|_?block)?\(", "cat(|", "a dense layer F, which keeps what it was given, is cat(|F)"),
    )
)
"""What other programs write, how it is written here, and what is said of it."""
_CAUSAL = re.compile(_PADDED + r"(?:p\s{0,4})?causal['\"]?")
_NEAR = 12
"""How far before a block what belongs to it may begin: ` padding = `."""
_LETTERS = re.compile(r"[a-z_]{2,}")
_WORD = re.compile(r"[a-z_][a-z_0-9]+")
_LONGEST_WORD = 20
_LONGEST_BLOCK = 200


class Respelling(NamedTuple):
    """A whole stem spelled anew. reason: what is wrong with the old one, None if nothing better than before is known.

    at: the offset that the reason is about.
    """

    text: str
    reason: str | None
    at: int


def respellings(text: str, at: int) -> Iterator[Respelling]:
    """Other spellings of a stem whose reading failed at an offset, the likeliest first; most are no better."""
    start, end = block_at(text, at)
    block = text[start:end]
    if len(block) > _LONGEST_BLOCK:
        return

    def replaced(meant: str, reason: str | None = None, here: int | None = None) -> Respelling:
        return Respelling(text[:start] + meant + text[end:], reason, at if here is None else here)

    if cross := _WRONG_CROSS.search(block):
        reason = f"sides are separated by a small x, not by {cross[0]!r}"
        yield replaced(_WRONG_CROSS.sub("x", block), reason, start + cross.start())
    small = _WRONG_CROSS.sub("x", block).lower()
    capitals = [place for place, sign in enumerate(block) if sign.isupper()]
    if capitals:
        yield replaced(small, "the notation has small letters only", start + capitals[0])
    if ordered := _ACTIVATION_FIRST.fullmatch(small):
        reason = f"{ordered[3][0]!r} stands behind the activation, which comes last"
        yield replaced(ordered[1] + ordered[3] + ordered[2], reason)
    for blank in (_BLANK_CROSS, _BLANK_SIGN):
        if found := next((match for match in blank.finditer(text) if match.end() >= start), None):
            joined = text[: found.start()] + found[0].strip() + text[found.end() :]
            yield Respelling(joined, "a layer has no white space in it", found.start())
    yield from _from_elsewhere(text, start, end)
    small = _DIMENSIONS.sub("", small)
    yield replaced(_LETTERS.sub(lambda word: _SYNONYMS.get(word[0], word[0]), small))
    yield replaced(re.sub("(?<=[0-9])s(?=[0-9])", "/", small))  # strides and dilations as papers write them
    yield replaced(re.sub("(?<=[0-9])d(?=[0-9])", "@", small))
    yield replaced(_LETTERS.sub(lambda word: _nearest(word[0]), small))
    yield replaced(_WORD.sub(lambda word: _nearest(word[0]), small))


def _from_elsewhere(text: str, start: int, end: int) -> Iterator[Respelling]:
    """The stem with what another program writes in or before a block as the notation writes it."""
    lowest = max(start - _NEAR, 0)
    near = text[lowest : end + _NEAR].lower()
    for pattern, meant, reason in _ELSEWHERE:
        for match in pattern.finditer(near):
            at = lowest + match.start()
            if lowest + match.end() > start:
                yield Respelling(text[:at] + match.expand(meant) + text[lowest + match.end() :], reason, at)
                break
    for match in _CAUSAL.finditer(near):
        at = lowest + match.start()
        kernel = _KERNEL.match(text, block_at(text, max(at - 1, 0))[0])
        if kernel is not None:
            dilation = _DILATION.search(text, kernel.end(), at)
            down, across = (dilation[1], dilation[2] or dilation[1]) if dilation else (1, 1)
            y, x = int(down) * (int(kernel[1]) - 1), int(across) * (int(kernel[2]) - 1)
            ends = [f"{reach}+0" if reach else "0" for reach in (y, x)]
            meant = f"p{ends[0]}" if y == x else f"p{ends[0]}x{ends[1]}"
            reason = "causal padding stands before the plane alone"
            yield Respelling(text[:at] + meant + text[lowest + match.end() :], reason, at)


def _nearest(word: str) -> str:
    import difflib  # only what is misspelt waits for it

    near = difflib.get_close_matches(word, _WORDS, 1, _LIKENESS) if len(word) <= _LONGEST_WORD else []
    return near[0] if near else word
