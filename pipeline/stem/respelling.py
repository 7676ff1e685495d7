"""What may have been meant by a stem that is not in the notation: its nearest spellings."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.stem.activations import NAMES, NUMBERS
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
    "leaky": "leaky_relu",
    "lrelu": "leaky_relu",
    "maxpool": "max",
    "multiply": "mul",
    "nearest": "up",
    "none": "linear",
    "prod": "mul",
    "residual": "res",
    "scale": "affine",
    "sum": "add",
    "swish": "silu",
    "upsample": "up",
    "zeropad": "pad",
}
"""What other programs call a layer or an activation, without the size that may follow it."""
_COUNTERPARTS = {
    "adaptiveavgpool": "gap or adaptive7",
    "averagepool": "avg2x2/2p0",
    "averagepooling": "avg2x2/2p0",
    "avgpool": "avg2x2/2p0",
    "batchnormalization": "bn",
    "clip": "hardtanh(0,6)",
    "constantpad": "pad1",
    "conv": "3x3:64=linear",
    "convolution": "3x3:64=linear",
    "convtranspose": "t4x4/2:64=linear",
    "deconvolution": "t4x4/2:64=linear",
    "dense": "gap 1x1:10=linear",
    "depthtospace": "pixelshuffle2",
    "depthwiseconv": "dw3x3",
    "dwconv": "dw3x3",
    "fc": "gap 1x1:10=linear",
    "focus": "pixelunshuffle2",
    "globalaveragepool": "gap",
    "globalpooling": "gap",
    "groups": "3x3g4 or dw3x3",
    "globalaveragepooling": "gap",
    "groupnormalization": "gn8",
    "instancenormalization": "in",
    "interp": "bilinear2~corners",
    "interpolate": "up2 or bilinear2",
    "layernormalization": "ln",
    "localresponsenorm": "lrn5",
    "maxpool": "max2x2/2p0",
    "maxpooling": "max2x2/2p0",
    "pool": "max2x2/2 or avg2x2/2",
    "reflectionpad": "pad1~reflect",
    "replicationpad": "pad1~replicate",
    "resize": "up2 or bilinear2",
    "se": "mul(|gap 1x1:4 1x1:64=sigmoid)",
    "separableconv": "dw3x3=linear 1x1:64",
    "sepconv": "dw3x3=linear 1x1:64",
    "shortcut": "add(...|)",
    "skip": "cat(...|) or add(...|)",
    "spacetodepth": "pixelunshuffle2",
    "split": "slice0:32",
    "squeezeexcitation": "mul(|gap 1x1:4 1x1:64=sigmoid)",
    "transpose": "t4x4/2:64",
    "upsampling": "up2 or bilinear2",
    "zeropadding": "pad1",
}
"""How a layer of another program, without `_`, `2d` and capitals, is written where its word alone does not tell."""
_LEFT_OUT = "dropout", "flatten", "identity", "detach", "droppath", "stochasticdepth"
_ABSENT = "attention", "softmax", "multiheadattention", "lstm", "gru", "globalmaxpool", "globalmaxpooling"
_CALL = re.compile(r"(?:[A-Za-z_]{1,20}\.){0,4}((?:[A-Za-z_]|[123][dD](?![0-9x])){2,30})")
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
_DIMENSIONS = re.compile(r"(?<=[a-z])(?<![0-9]x)_?[123]d(?![a-z])")
_BEFORE = r"\s{0,4}[-_,;:~]?\s{0,4}(?<![a-z])"
_PADDED = _BEFORE + r"(?:(?:auto_)?p(?:ad(?:ding)?)?\s{0,4}[=:]\s{0,4})?['\"]?"
_TRUE, _FALSE = r"(?:\s{0,4}=\s{0,4}(?:true|1))?", r"\s{0,4}=\s{0,4}(?:false|0)"
_NUMBER = r"([0-9]{1,7})"
_IS = r"\s{0,4}[=:]\s{0,4}"
_VALUE = rf"{_IS}(?:{_NUMBER}|[(\[]\s{{0,4}}{_NUMBER}\s{{0,4}}(?:,\s{{0,4}}{_NUMBER}?\s{{0,4}})?[)\]])"
"""A number, or one or two in brackets."""
_FOUR = rf"{_IS}[(\[]\s{{0,4}}" + r"\s{0,4},\s{0,4}".join([_NUMBER] * 4) + r"\s{0,4}[)\]]"
_NAMED = _IS + r"['\"]?(?:nn\.)?([a-z_0-9]{1,20})['\"]?(?:\(\))?"
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
        (_BEFORE + "count_include_pad" + _TRUE, "", "an average counts padding where ~nopad is not written"),
        (_BEFORE + "align_corners" + _FALSE, "", "no corners are aligned where ~corners is not written"),
        (_BEFORE + "align_corners" + _TRUE, "~corners", "align_corners is written ~corners"),
        (_BEFORE + "round_mode" + _IS + "floor", "", "a pool rounds down where ~ceil is not written"),
        (_BEFORE + "round_mode" + _IS + "ceil", "~ceil", "the ceil mode of a pool is written ~ceil"),
        (_BEFORE + "pads" + _FOUR, "p", "padding is written p1+2, before and after"),
        (_BEFORE + "padding_mode" + _NAMED, "~", "a padding mode is written ~reflect"),
        (_BEFORE + "(?:output_padding|op)" + _VALUE, "o", "output padding is written o1"),
        (_BEFORE + "(?:pads?|padding|p)" + _VALUE, "p", "padding is written p1"),
        (_BEFORE + "(?:strides?|s)" + _VALUE, "/", "a stride is written /2"),
        (_BEFORE + "(?:dilat(?:ion_rate|ions?)|rate|d)" + _VALUE, "@", "a dilation is written @2"),
        (_BEFORE + "groups?" + _VALUE, "g", "groups are written g4"),
        (_BEFORE + "(?:filters|features|out_channels|channels)" + _VALUE, ":", "features are written :64"),
        (_BEFORE + "(?:activation|act)" + _NAMED, "=", "an activation is written =relu"),
        (
            _BEFORE + r"(?:use_)?bias\s{0,4}=\s{0,4}(?:true|false|0|1)",
            "",
            "biases are not written: they come with a file of weights",
        ),
        (r"dense(?:_?cat|_?block)?\(", "cat(|", "a dense layer F, which keeps what it was given, is cat(|F)"),
    )
)
"""What other programs write, what is written here in front of its numbers or its word, and what is said of it."""
_OPTIONS = re.compile(r"\((\s{0,4}[a-z_]{1,20}\s{0,4}=(?:[^()]|\([^()]{0,40}\)){0,100})\)")
"""Options in brackets: `(stride=2, padding=(1, 2))`."""
_CAUSAL = re.compile(_PADDED + r"(?:p\s{0,4})?causal['\"]?")
_BRACKETED = re.compile(r"([a-z]{2,20})\(\s{0,4}([0-9]{0,7}(?:[x:+][0-9]{1,7}){0,3})\s{0,4}\)")
_UNBRACKETED = re.compile(rf"({'|'.join(name for name in NUMBERS if NUMBERS[name])})[:=]?(-?[0-9][-0-9.,]{{0,20}})")
_NEAR = 12
"""How far before a block what belongs to it may begin: ` padding = `."""
_LETTERS = re.compile(r"[a-z_]{2,}")
_WORD = re.compile(r"[a-z_][a-z_0-9]+")
_LONGEST_WORD = 20
_LONGEST_BLOCK = 200


class Respelling(NamedTuple):
    """A whole stem spelled anew. reason: what is wrong with the old one, None if nothing better than before is known.

    at: the offset that the reason is about. is_option: whether it is what another program writes beside its layer, so
    that what is wrong with the new spelling is of more use than what is wrong with the old one.
    """

    text: str
    reason: str | None
    at: int
    is_option: bool = False


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
    if found := _BRACKETED.search(text, start, end + _NEAR):
        joined = text[: found.start()] + found[1] + found[2] + text[found.end() :]
        yield Respelling(joined, "a word has no brackets around its sizes", found.start())
    if found := _UNBRACKETED.search(text, start, end):
        joined = f"{text[: found.start()]}{found[1]}({found[2]}){text[found.end() :]}"
        yield Respelling(joined, "the numbers of an activation stand in brackets", found.start())
    small = _DIMENSIONS.sub("", small)
    yield replaced(_LETTERS.sub(lambda word: _SYNONYMS.get(word[0], word[0]), small))
    yield replaced(re.sub("(?<=[0-9])s(?=[0-9])", "/", small))  # strides and dilations as papers write them
    yield replaced(re.sub("(?<=[0-9])d(?=[0-9])", "@", small))
    yield replaced(_LETTERS.sub(lambda word: _nearest(word[0]), small))
    yield replaced(_WORD.sub(lambda word: _nearest(word[0]), small))


def _from_elsewhere(text: str, start: int, end: int) -> Iterator[Respelling]:
    """The stem with what another program writes in or before a block as the notation writes it: one thing, then all."""
    lowest = max(start - _NEAR, 0)
    near = text[lowest : end + _NEAR].lower()
    for pattern, meant, reason in _ELSEWHERE:
        for match in pattern.finditer(near):
            at = lowest + match.start()
            if lowest + match.end() > start:
                yield Respelling(text[:at] + _written(match, meant) + text[lowest + match.end() :], reason, at, True)
                break
    yield from _all_from_elsewhere(text, lowest)
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


def _all_from_elsewhere(text: str, lowest: int) -> Iterator[Respelling]:
    """The stem with all that another program writes from an offset on, of which the first is explained."""
    rest = text[lowest : lowest + _LONGEST_BLOCK].lower()
    later = _OPTIONS.sub(r",\1", rest)
    found = []
    for pattern, meant, reason in _ELSEWHERE:
        if match := pattern.search(later):
            found.append((rest.find(match[0].lstrip(" ,")), reason))
            later = pattern.sub(lambda each, sign=meant: _written(each, sign), later)  # type: ignore[misc]
    if found:
        at, reason = min(found)
        yield Respelling(text[:lowest] + later + text[lowest + _LONGEST_BLOCK :], reason, lowest + max(at, 0))


def _written(match: re.Match[str], sign: str) -> str:
    """A sign with the numbers or the word of a match: once where two numbers are alike.

    Four are ONNX's pads, those before all axes first.
    """
    values = [value for value in match.groups() if value]
    if len(values) == 4:
        ends = zip(values[:2], values[2:], strict=True)
        values = [before if before == after else f"{before}+{after}" for before, after in ends]
    return sign + "x".join(values[:1] if len(set(values)) == 1 else values)


def counterpart(text: str, at: int) -> str | None:
    """How a layer of another program that stands at an offset of a stem is written here; None if it is not known."""
    start, end = block_at(text, at)
    mark = f"#{text[start:end]}"
    if len(mark) > 1 and mark in re.split(r"(?=#)|[\s()|=]", text[:start]):
        return f"a mark is taken up with its sign, {mark}"
    match = _CALL.match(text, at)
    if match is None:
        return None
    word, written = match[1].lower(), match[0]
    bare = re.sub("_|[123]d", "", word)
    if bare in _LEFT_OUT:
        return f"leave {written} out: it changes no gradient that is measured here"
    if bare in _ABSENT:
        return f"there is no {written} here; a stem has convolutions, pools, norms and activations"
    known = _COUNTERPARTS.get(bare)
    if known is None:
        ours = next((_SYNONYMS[each] for each in (word, bare) if each in _SYNONYMS), bare)
        known = next((each.example for each in (*LAYERS, *GROUPS) if each.word and each.word == ours), None)
        known = known or next((name for name in NAMES if name.replace("_", "") == ours.replace("_", "")), None)
    return None if known in (None, word) else f"{written} of other programs is written as in {known}"


def _nearest(word: str) -> str:
    import difflib  # only what is misspelt waits for it

    near = difflib.get_close_matches(word, _WORDS, 1, _LIKENESS) if len(word) <= _LONGEST_WORD else []
    return near[0] if near else word
