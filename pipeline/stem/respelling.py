"""What may have been meant by a stem that is not in the notation: its nearest spellings."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.stem.activations import NAMES
from pipeline.stem.cursor import block_at
from pipeline.stem.layers import PADDING_MODES

_SYNONYMS = {
    "avgpool": "avg",
    "batch_norm": "bn",
    "batchnorm": "bn",
    "conv": "",
    "deconv": "t",
    "depthwise": "dw",
    "globalavgpool": "gap",
    "hard_swish": "hardswish",
    "hswish": "hardswish",
    "identity": "linear",
    "layer_norm": "ln",
    "layernorm": "ln",
    "leakyrelu": "leaky_relu",
    "lrelu": "leaky_relu",
    "maxpool": "max",
    "residual": "res",
    "swish": "silu",
    "upsample": "up",
}
_WORDS = (*NAMES, *PADDING_MODES[1:], "max", "avg", "gap", "res", "res_pre")
_LIKENESS = 0.7
"""Least ratio of `difflib` between a word and the one that is suggested for it: `rellu` and `relu` have 0.89."""

_WRONG_CROSS = re.compile(r"(?<=[0-9])[*X\u00d7\u2715\u2716\u2a2f\u0445](?=[0-9A-Za-z])")
# Few blanks: an unbounded run of them would be searched in the square of its length.
_BLANK_CROSS = re.compile(r"(?<=[0-9])(?:\s{1,4}x\s{0,4}|x\s{1,4})(?=[0-9])")
_BLANK_SIGN = re.compile(r"\s{1,4}[=/@:~]\s{0,4}|[=/@:~]\s{1,4}")
_ACTIVATION_FIRST = re.compile(r"([^=]*)(=[a-z_]+?)((?:[/@:~]|[pg](?=[0-9])).*)")
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
    yield replaced(_LETTERS.sub(lambda word: _SYNONYMS.get(word[0], word[0]), small))
    yield replaced(re.sub("(?<=[0-9])s(?=[0-9])", "/", small))  # strides and dilations as papers write them
    yield replaced(re.sub("(?<=[0-9])d(?=[0-9])", "@", small))
    yield replaced(_LETTERS.sub(lambda word: _nearest(word[0]), small))
    yield replaced(_WORD.sub(lambda word: _nearest(word[0]), small))


def _nearest(word: str) -> str:
    import difflib  # only what is misspelt waits for it

    near = difflib.get_close_matches(word, _WORDS, 1, _LIKENESS) if len(word) <= _LONGEST_WORD else []
    return near[0] if near else word
