"""The notation: written, read back, canonical, and what it says of nonsense."""

import random
import re
from itertools import permutations

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stem import (
    MAX_INTEGER,
    MAX_LAYERS,
    MAX_NESTING,
    NAMES,
    Activate,
    AdaptiveAvgPool,
    Add,
    Affine,
    AvgPool,
    BatchNorm,
    Bilinear,
    Cat,
    ChannelShuffle,
    Conv,
    Crop,
    Depthwise,
    From,
    GlobalAvgPool,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    MaxPool,
    Mul,
    Pad,
    PixelShuffle,
    PixelUnshuffle,
    PReLU,
    PreResidual,
    Residual,
    Slice,
    Transposed,
    Upsample,
    canonical,
    format_stem,
    original_label,
    parse,
)
from pipeline.stem.activations import shortest
from pipeline.stem.layers import MARK_PATTERN, PADDING_MODES, count_layers
from pipeline.stem.notation import locate
from pipeline.sweep.build import canonical_stem
from tests.clock import costs_at_most

numbers = st.one_of(st.integers(1, 12), st.integers(1, MAX_INTEGER))
pairs = st.one_of(numbers, st.tuples(numbers, numbers))
ends = st.one_of(st.integers(0, 9), st.tuples(st.integers(0, 9), st.integers(0, 9)))
margins = st.one_of(st.integers(0, 9), st.tuples(ends, ends))
paddings = st.one_of(st.none(), st.just(0), st.tuples(st.integers(0, 9), st.integers(0, 9)), margins)
same_too = st.one_of(paddings, st.just("same"))
some_numbers = st.one_of(st.integers(-9, 9), st.floats(-1e6, 1e6, allow_nan=False))
activations = st.one_of(
    st.sampled_from(NAMES),
    some_numbers.map(lambda slope: f"leaky_relu({shortest(slope)})"),
    st.floats(0, 1e6).map(lambda alpha: f"elu({shortest(alpha)})"),
    st.tuples(st.floats(-1e6, 0), st.floats(1e-9, 1e6)).map(lambda two: f"hardtanh({','.join(map(shortest, two))})"),
)
written = st.one_of(st.none(), activations)
marks = st.one_of(st.none(), st.none(), st.from_regex(f"^{MARK_PATTERN}$", fullmatch=True))
spread = {"stride": pairs, "dilation": pairs, "mark": marks}
convolution = {**spread, "padding": same_too, "activation": written}
modes = st.sampled_from(PADDING_MODES)
positive = st.floats(1e-12, 1e6)
plain_layers = st.one_of(
    st.builds(Conv, pairs, numbers, groups=numbers, padding_mode=modes, **convolution),
    st.builds(Depthwise, pairs, st.one_of(st.none(), numbers), padding_mode=modes, **convolution),
    st.builds(
        Transposed,
        pairs,
        numbers,
        groups=numbers,
        output_padding=st.one_of(st.just(0), st.integers(0, 3)),
        **{**convolution, "padding": paddings},
    ),
    st.builds(MaxPool, pairs, padding=same_too, ceil=st.booleans(), **spread),
    st.builds(AvgPool, pairs, pairs, same_too, ceil=st.booleans(), count_padding=st.booleans(), mark=marks),
    st.builds(Upsample, pairs, mark=marks),
    st.builds(Bilinear, pairs, st.booleans(), mark=marks),
    st.builds(AdaptiveAvgPool, pairs, mark=marks),
    st.builds(Pad, margins, modes, mark=marks),
    st.builds(Crop, margins, pairs, mark=marks),
    st.tuples(st.integers(0, 99), numbers).map(lambda two: Slice(two[0], min(two[0] + two[1], MAX_INTEGER))),
    st.builds(ChannelShuffle, numbers, mark=marks),
    st.builds(PixelShuffle, pairs, mark=marks),
    st.builds(PixelUnshuffle, pairs, mark=marks),
    st.builds(GroupNorm, numbers, st.one_of(st.just(1e-5), positive), mark=marks),
    st.sampled_from((LayerNorm, InstanceNorm)).flatmap(lambda kind: st.builds(kind, positive, mark=marks)),
    st.builds(LocalResponseNorm, numbers, positive, positive, positive, mark=marks),
    st.builds(LocalResponseNorm, numbers),
    st.sampled_from((GlobalAvgPool, BatchNorm, Affine, LayerNorm, InstanceNorm, PReLU)).map(lambda kind: kind()),
    st.sampled_from((Conv(3), Conv((3, 3), 64))),
    st.builds(Activate, activations, mark=marks),
)


def stems_of(layers):
    """Runs of equal layers among them, as a canonical form must count them."""
    runs = st.lists(st.tuples(layers, st.integers(1, 3)), min_size=1, max_size=4)
    return runs.map(lambda found: tuple(layer for layer, count in found for _ in range(count)))


def branches_of(layers):
    """Branches of a join: empty, layers, or those upon a mark."""
    stem = st.one_of(st.just(()), stems_of(layers))
    named = st.from_regex(f"^{MARK_PATTERN}$", fullmatch=True)
    return st.lists(st.one_of(stem, st.builds(From, named, stem)), min_size=1, max_size=4).map(tuple)


all_layers = st.recursive(
    plain_layers,
    lambda inner: st.one_of(
        st.builds(Residual, stems_of(inner), activations, mark=marks),
        st.builds(PreResidual, stems_of(inner), mark=marks),
        st.builds(Add, branches_of(inner), activations, mark=marks),
        st.builds(Cat, branches_of(inner), activations, mark=marks),
        st.builds(Mul, branches_of(inner), activations, mark=marks),
        inner,
    ),
    max_leaves=12,
)
all_stems = stems_of(all_layers)


@settings(max_examples=250)
@given(all_stems)
def test_what_is_printed_is_read_back(stem):
    assert parse(format_stem(stem)) == stem


@given(all_stems)
def test_printing_is_canonical(stem):
    """Equal stems print alike, however they were written, and printing again changes nothing."""
    text = canonical(format_stem(stem))
    assert canonical(text) == text
    assert canonical(" ".join(format_stem((layer,)) for layer in stem)) == text


@settings(max_examples=100)
@given(all_stems)
def test_the_canonical_form_means_the_same_activations(stem):
    """An activation that is not written is the default of its place: none at the end of a residual body, else ReLU."""
    assert list(meant(parse(canonical(format_stem(stem))), is_summed=False)) == list(meant(stem, is_summed=False))


def meant(stem, is_summed):
    holders = [n for n, layer in enumerate(stem) if convolves(layer)]
    for n, layer in enumerate(stem):
        if isinstance(layer, Conv | Depthwise | Transposed):
            yield layer.activation or ("linear" if is_summed and n == holders[-1] else "relu")
            continue
        yield "(" if list(bodies(layer)) else layer
        for body in bodies(layer):
            yield from meant(body, isinstance(layer, Residual | PreResidual | Add))
            yield "|"


def bodies(layer):
    if isinstance(layer, Residual | PreResidual):
        yield layer.stem
    for branch in getattr(layer, "branches", ()):
        yield branch if isinstance(branch, tuple) else branch.stem


def convolves(layer):
    return isinstance(layer, Conv | Depthwise | Transposed) or any(convolves(n) for body in bodies(layer) for n in body)


@given(all_stems)
def test_the_list_form_says_the_same_as_the_notation(stem):
    listed = msgspec.to_builtins(stem)
    assert msgspec.convert(listed, tuple[Layer, ...]) == stem
    assert canonical_stem(listed) == canonical_stem(format_stem(stem)) == canonical(format_stem(stem))
    assert canonical_stem([format_stem((layer,)) for layer in stem]) == canonical(format_stem(stem))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3x3", "3x3"),
        ("1x3x3", "3x3"),
        ("3x3 3x3 3x3 3x3", "4x3x3"),
        ("2x3x3 2x3x3", "4x3x3"),
        ("3x3:4/1@1g1=relu", "3x3"),
        ("3x3/1x1@1x1", "3x3"),
        ("3x3=relu", "3x3"),
        ("3x3=linear:4", None),
        ("7x7:64/2=gelu", "7x7/2:64=gelu"),
        ("3x3/2x2", "3x3/2"),
        ("3x3/2x1", "3x3/2x1"),
        ("003x3", "3x3"),
        ("3x3p0", "3x3p0"),
        ("3x3p1x1", "3x3p1"),
        ("3x3g4@2/3:8", "3x3/3@2:8g4"),
        ("3x3~reflect", "3x3~reflect"),
        ("dw31x31", "dw31x31"),
        ("dw5x5:8=silu", "dw5x5:8=silu"),
        ("t4x4/2:16", "t4x4/2:16"),
        ("t4x4/2p1g2=tanh", "t4x4/2p1g2=tanh"),
        ("max3x3/2", "max3x3/2"),
        ("avg2x2p1x0/2", "avg2x2/2p1x0"),
        ("up2x2", "up2"),
        ("up2x3", "up2x3"),
        ("2xup2", "2xup2"),
        ("gap bn ln relu gelu", "gap bn ln relu gelu"),
        ("2xrelu", "2xrelu"),
        ("linear", "linear"),
        ("res(3x3) res(3x3)", "2xres(3x3)"),
        ("2xres(2x3x3:64)", "2xres(2x3x3:64)"),
        ("res(3x3)=relu", "res(3x3)"),
        ("res(3x3)=linear", "res(3x3)=linear"),
        ("res_pre(bn relu 3x3)", "res_pre(bn relu 3x3)"),
        ("res(res_pre(3x3 3x3))", "res(res_pre(2x3x3))"),
        ("7x7/2:64 max3x3/2 2xres(2x3x3:64)", "7x7/2:64 max3x3/2 2xres(2x3x3:64)"),
        ("res(3x3=relu)", "res(3x3=relu)"),  # written, so it stays
        ("res(3x3=relu 3x3=relu)", "res(3x3 3x3=relu)"),
        ("res(3x3=linear)", "res(3x3)"),
        ("res(3x3=linear 3x3)", "res(3x3=linear 3x3)"),
        ("res(3x3=relu bn)", "res(3x3=relu bn)"),
        ("res(3x3=relu res(relu))", "res(3x3=relu res(relu))"),  # the last convolution of both
        ("res(3x3=relu res_pre(3x3=relu))", "res(3x3 res_pre(3x3=relu))"),
        ("dw3x3=relu t3x3=relu", "dw3x3 t3x3"),
        ("3x3~circularg2", "3x3g2~circular"),
        ("3x3~reflectp1:8", "3x3:8p1~reflect"),
        ("3x3~replicate/2@3=tanh", "3x3/2@3~replicate=tanh"),
        ("dw3x3~circularp1x2", "dw3x3p1x2~circular"),
        ("3x3#a", "3x3#a"),
        ("3x3=tanh#a", "3x3=tanh#a"),
        ("3x3#a=tanh", "3x3=tanh#a"),
        ("3x3 3x3#a 3x3 3x3#b 3x3", "2x3x3#a 2x3x3#b 3x3"),
        ("2xres(3x3)#r", "2xres(3x3)#r"),
        ("3x3#/layer1.0/conv:0 gap", "3x3#/layer1.0/conv:0 gap"),
        ("cat( 1x1:64 | 1x1:96 3x3:128 |max3x3 1x1:32 )", "cat(1x1:64|1x1:96 3x3:128|max3x3 1x1:32)"),
        ("add(3x3|)=relu", "add(3x3|)=relu"),
        ("add(3x3|)=linear", "add(3x3|)"),
        ("mul(|gap 1x1:8=sigmoid)", "mul(|gap 1x1:8=sigmoid)"),
        ("3x3#a 3x3#b cat( #a|\t#b  up2 )", "3x3#a 3x3#b cat(#a|#b up2)"),
        ("cat(|)", "cat(|)"),
        ("add()", "add()"),
        ("2xcat(|3x3:32)", "2xcat(|3x3:32)"),
        ("add(3x3=linear|3x3=relu 3x3=linear|5x5=relu)", "add(3x3|2x3x3|5x5=relu)"),
        ("add(3x3=relu bn|3x3=linear gap)", "add(3x3=relu bn|3x3 gap)"),
        ("cat(3x3=linear|3x3=relu)", "cat(3x3=linear|3x3)"),
        ("mul(3x3=linear|3x3=relu)", "mul(3x3=linear|3x3)"),
        ("res(cat(3x3=relu|3x3=linear))", "res(cat(3x3|3x3=linear))"),  # its group has the last convolution
        ("3x3#a add(#a 3x3=linear|)", "3x3#a add(#a 3x3|)"),
        ("3x3p1+1", "3x3p1"),
        ("3x3p0+2", "3x3p0+2"),
        ("3x3p1+2x1+2", "3x3p1+2"),
        ("3x3p1+2x0+3", "3x3p1+2x0+3"),
        ("1x2@4p0x4+0", "1x2@4p0x4+0"),
        ("7x7psame/2", "7x7/2psame"),
        ("max3x3psame/2", "max3x3/2psame"),
        ("avg3x3psame~nopad", "avg3x3psame~nopad"),
        ("t3x3/2o1p1", "t3x3/2p1o1"),
        ("t3x3/2o0", "t3x3/2"),
        ("max3x3~ceil@2/2", "max3x3/2@2~ceil"),
        ("avg3x3~nopad~ceil/2", "avg3x3/2~ceil~nopad"),
        ("pad1+2x3~reflect", "pad1+2x3~reflect"),
        ("pad1x1", "pad1"),
        ("crop1+0/2", "crop1+0/2"),
        ("crop0/2x2", "crop0/2"),
        ("slice0:32 channelshuffle4", "slice0:32 channelshuffle4"),
        ("bilinear2x2 bilinear2~corners", "bilinear2 bilinear2~corners"),
        ("adaptive7x7 adaptive1x7", "adaptive7 adaptive1x7"),
        ("affine gn8 in prelu", "affine gn8 in prelu"),
        ("gn8(1e-5) in(0.001) ln(0.000001)", "gn8 in(0.001) ln(1e-06)"),
        ("lrn5 lrn5(0.0001,0.75,1) lrn5(0.0001,0.75,2.0)", "2xlrn5 lrn5(0.0001,0.75,2)"),
        ("relu6 gelu_tanh hardsigmoid hardtanh", "relu6 gelu_tanh hardsigmoid hardtanh"),
        ("leaky_relu(0.1) leaky_relu(0.010)", "leaky_relu(0.1) leaky_relu"),
        ("3x3=hardtanh(0,6)#a", "3x3=hardtanh(0,6)#a"),
        ("res(3x3)=elu(0.50)", "res(3x3)=elu(0.5)"),
    ],
)
def test_canonical_form(written, expected):
    if expected is None:
        with pytest.raises(InputError):
            parse(written)
    else:
        assert canonical(written) == expected


@pytest.mark.parametrize("space", ["  ", "\t", "\n", "\r\n", " \n\t ", "\u00a0", "\u3000"])
def test_any_white_space_separates_blocks(space):
    expected = "7x7/2:64 max3x3/2 2xres(3x3:64 bn) gap"
    for line in (expected, f" {expected} ", expected.replace("(", "( ").replace(")", " )")):
        assert canonical(line.replace(" ", space)) == expected


@given(all_stems, st.data())
def test_white_space_of_any_length_changes_nothing(stem, data):
    spaces = st.text(st.sampled_from(" \t\n\r\f\v"), min_size=1, max_size=3)
    text = "".join(data.draw(spaces) if sign == " " else sign for sign in f" {format_stem(stem)} ")
    assert parse(text) == stem


def test_modifiers_come_in_any_order():
    parts = ["/2x1", "@3", ":8", "p1x0", "g2", "~reflect"]
    for order in permutations(parts):
        assert canonical("3x3" + "".join(order)) == "3x3/2x1@3:8p1x0g2~reflect"


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("3x5", (Conv((3, 5), 4),)),
        ("3x5=relu", (Conv((3, 5), 4, activation="relu"),)),
        ("2x1x9", (Conv((1, 9)), Conv((1, 9)))),
        (
            "7x7/2@3x1:64p2x0g4~circular=gelu",
            (Conv((7, 7), 64, (2, 2), (3, 1), (2, 0), 4, "circular", "gelu"),),
        ),
        ("dw3x3", (Depthwise((3, 3), None),)),
        ("t4x4/2", (Transposed((4, 4), 4, (2, 2)),)),
        ("max2x3", (MaxPool((2, 3), (1, 1)),)),
        ("up3x1", (Upsample((3, 1)),)),
        ("tanh", (Activate("tanh"),)),
        ("3x3p1+2x0", (Conv((3, 3), padding=((1, 2), 0)),)),
        ("max3x3psame@2~ceil", (MaxPool((3, 3), dilation=(2, 2), padding="same", ceil=True),)),
        ("avg2x2~nopad", (AvgPool((2, 2), count_padding=False),)),
        ("t4x4/2o1#m", (Transposed((4, 4), stride=(2, 2), output_padding=(1, 1), mark="m"),)),
        ("2xgap#m", (GlobalAvgPool(), GlobalAvgPool(mark="m"))),
        ("slice3:8", (Slice(3, 8),)),
        ("crop1x2/3", (Crop((1, 2), (3, 3)),)),
        ("lrn5(1,2,3)", (LocalResponseNorm(5, 1.0, 2.0, 3.0),)),
        ("cat(3x3#a|| #a gap)", (Cat(((Conv((3, 3), mark="a"),), (), From("a", (GlobalAvgPool(),)))),)),
        ("add(|3x3)=tanh#s", (Add(((), (Conv((3, 3)),)), "tanh", mark="s"),)),
        ("res(3x3)=tanh", (Residual((Conv((3, 3)),), "tanh"),)),
    ],
)
def test_what_a_line_means(text, stem):
    assert parse(text) == stem


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("4x3x3", "4x 3x3"),
        ("1x3x3", "1x 3x3"),
        ("3x3", "1x 3x3"),
        ("1x9x9", "1x 9x9"),
        ("4x5x5", "4x 5x5"),
        ("3x3 5x5", "3x3 5x5"),
        ("7x7/2:64 max3x3/2", "7x7/2:64 max3x3/2"),
    ],
)
def test_the_original_prints_a_plain_stack_in_its_own_way(stem, expected):
    assert original_label(stem) == expected


def complaint(text):
    """(what is wrong with a stem, the character that the message points at, counted from 1)."""
    with pytest.raises(InputError) as raised:
        parse(text)
    message = str(raised.value)
    assert "\n" not in message
    assert len(message) < 650
    pointed = re.search(r", at character (\d+)$", message)
    assert pointed, message
    return message, int(pointed[1])


@pytest.mark.parametrize(
    ("text", "character", "says"),
    [
        ("", 1, "expected a layer"),
        ("res(3x3", 4, "never closed"),
        ("5x5 res(3x3 res_pre(3x3)", 8, "never closed"),
        ("3x3)", 4, "never opened"),
        ("res(3x3))", 9, "never opened"),
        ("res()", 5, "expected a layer"),
        ("res", 4, "expected '('"),
        ("0x3x3", 1, "repetition must be between 1 and"),
        ("2x3x3 0x3", 7, "kernel must be between 1 and"),
        ("3x0", 3, "kernel must be between 1 and"),
        ("3x3/0", 5, "stride must be between 1 and"),
        ("3x3/1x0", 7, "stride must be between 1 and"),
        ("3x3@0", 5, "dilation must be between 1 and"),
        ("3x3:0", 5, "features must be between 1 and"),
        ("3x3g0", 5, "groups must be between 1 and"),
        ("3x3=swish", 5, "no activation 'swish'"),
        ("3x3 swish", 5, "'swish'"),
        ("3x3~mirror", 5, "no padding mode 'mirror'"),
        ("3x3~zeros", 5, "no padding mode 'zeros'"),
        ("3x3=", 5, "no activation"),
        ("3x3/", 5, "expected an integer"),
        ("3x3:", 5, "expected an integer"),
        ("3x3/2/2", 6, "given twice"),
        ("3x3=relu/2", 9, "'/'"),
        ("  ", 3, "expected a layer"),
        ("3x3,3x3", 4, "unexpected ','"),
        ("3", 1, "expected a layer"),
        ("3x", 1, "expected a layer"),
        ("max", 4, "expected a kernel"),
        ("dw", 3, "expected a kernel"),
        ("up", 3, "expected an integer"),
        ("up0", 3, "factor must be between 1 and"),
        ("max3x3=relu", 7, "no activation"),
        ("avg3x3@2", 7, "unexpected '@'"),
        ("max3x3:8", 7, "unexpected ':'"),
        ("dw3x3g2", 6, "unexpected 'g'"),
        ("t3x3~reflect", 5, "unexpected '~'"),
        ("res_pre(3x3)=relu", 13, "bare sum"),
        ("res(3x3)=nothing", 10, "no activation 'nothing'"),
        ("10001x3x3", 1, "at most 10000 layers"),
        ("101xres(100x3x3)", 1, "at most 10000 layers"),
        ("3x3 9999x1x1 3x3", 14, "at most 10000 layers"),
        ("1001xcat(|||||||||)", 1, "at most 10000 layers"),
        ("5000xcat(3x3|)", 1, "at most 10000 layers"),
        ("9999999x3x3", 1, "repetition must be between 1 and"),
        ("3x3 99999999999999999999999x1", 5, "kernel must be between 1 and"),
        ("3x3:" + "9" * 5000, 5, "features must be between 1 and"),
        ("3x3 \x00", 5, "expected a layer"),
        ("\u0663x\u0663", 1, "expected a layer"),  # Arabic-Indic digits
        ("3x3\u00b2", 4, "unexpected"),
        ("RES(3x3)", 1, "small letters only: write res,"),
        ("3X3", 2, "by a small x, not by 'X': write 3x3,"),
        ("3*3", 2, "by a small x, not by '*': write 3x3,"),
        ("3\u00d73", 2, "by a small x, not by '\u00d7': write 3x3,"),
        ("1x1 2\u00d73*3", 6, "write 2x3x3,"),
        ("max3X3/2", 5, "write max3x3/2,"),
        ("3x3/2X1", 6, "write 3x3/2x1,"),
        ("res(5x5 3X3:8) 1x1", 10, "write 3x3:8,"),
        ("MAX3X3/2", 1, "small letters only: write max3x3/2,"),
        ("Gap", 1, "small letters only: write gap,"),
        ("3x3 ReLU", 5, "small letters only: write relu,"),
        ("3x3=RELU", 5, "small letters only: write 3x3=relu,"),
        ("res(3x3)=Tanh", 10, "small letters only: write =tanh,"),
        ("3x3~Circular", 5, "small letters only: write 3x3~circular,"),
        ("3x3P0", 4, "small letters only: write 3x3p0,"),
        ("3x3=linear~circular", 11, "'~' stands behind the activation, which comes last: write 3x3~circular=linear,"),
        ("3x3=linearp1", 5, "which comes last: write 3x3p1=linear,"),
        ("3x3=gelu:8/2", 9, "which comes last: write 3x3:8/2=gelu,"),
        ("3x3=rellu", 5, "no activation 'rellu' (choose from"),
        ("3x3=rellu", 5, "; perhaps 3x3=relu is meant,"),
        ("3x3=relu7", 5, "no activation 'relu7'"),
        ("relu7", 1, "is called 'relu7'"),
        ("maxpool2x2/2", 1, "perhaps max2x2/2 is meant"),
        ("conv3x3:8", 1, "perhaps 3x3:8 is meant"),
        ("3x3 sigmoyd", 5, "perhaps sigmoid is meant"),
        ("3x3s2", 4, "perhaps 3x3/2 is meant"),
        ("4x 3x3", 2, "no white space in it: write 4x3x3,"),
        ("3 x 3", 2, "no white space in it: write 3x3,"),
        ("3x3 =relu", 4, "no white space in it: write 3x3=relu,"),
        ("-3x3", 1, "expected a layer"),
        ("3x3/2same", 6, "TensorFlow and Keras, is written psame: write 3x3/2psame,"),
        ("7x7/2SAME", 6, "is written psame: write 7x7/2psame,"),
        ("3x3 padding='same'", 4, "is written psame: write 3x3psame,"),
        ("cat(3x3|5x5same)", 12, "is written psame: write 5x5psame,"),
        ("3x3valid", 4, "no padding at all, is written p0: write 3x3p0,"),
        ("max3x3/2ceil", 9, "the ceil mode of a pool is written ~ceil: write max3x3/2~ceil,"),
        ("max3x3/2 ceil_mode=True", 9, "is written ~ceil: write max3x3/2~ceil,"),
        ("1x3@4causal", 6, "stands before the plane alone: write 1x3@4p0x8+0,"),
        ("1x3pcausal", 4, "stands before the plane alone: write 1x3p0x2+0,"),
        ("3x3/2p same", 6, "is written psame: write 3x3/2psame,"),
        ("2x3@2 padding=causal", 6, "stands before the plane alone: write 2x3@2p2+0x4+0,"),
        ("4x3x3causal", 6, "stands before the plane alone: write 4x3x3p2+0,"),
        ("avg3x3 count_include_pad=False", 7, "write avg3x3~nopad,"),
        ("bilinear2 align_corners=True", 10, "write bilinear2~corners,"),
        ("t3x3/2 output_padding=1", 7, "write t3x3/2o1,"),
        ("3x3 stride=2", 4, "a stride is written /2: write 3x3/2,"),
        ("3x3 padding=1", 4, "padding is written p1: write 3x3p1,"),
        ("3x3 padding=(1, 2)", 4, "padding is written p1: write 3x3p1x2,"),
        ("3x3(stride=2, padding=[1,1]) 1x1", 5, "a stride is written /2: write 3x3/2p1,"),
        ("3x3 stride=(2,1)", 4, "write 3x3/2x1,"),
        ("3x3 filters=64, strides=2", 5, "features are written :64: write 3x3:64/2,"),
        ("3x3/2p=1", 6, "write 3x3/2p1,"),
        ("3x3 groups=4", 4, "groups are written g4: write 3x3g4,"),
        ("3x3 dilation_rate=2", 4, "write 3x3@2,"),
        ("3x3d2", 4, "perhaps 3x3@2 is meant"),
        ("3x3 padding_mode='reflect'", 4, "write 3x3~reflect,"),
        ("3x3:64 activation=relu", 7, "write 3x3:64=relu,"),
        ("3x3 bias=False", 4, "biases are not written"),
        ("max3x3(stride=2, ceil_mode=True)", 8, "write max3x3/2~ceil,"),
        ("3x3~ceil", 5, "ceil mode is of pools, as in max3x3/2~ceil"),
        ("3x3 ceil_mode=True", 4, "ceil mode is of pools, as in max3x3/2~ceil"),
        ("3x3 output_padding=1", 4, "output padding is of a transposed convolution, as in t3x3/2p1o1"),
        ("3x3p1o1", 6, "output padding is of a transposed convolution"),
        ("t3x3/2 padding=same", 7, "leave p out"),
        ("max3x3g2", 7, "groups are of other convolutions"),
        ("max3x3:8", 7, "it keeps the channels that it is given"),
        ("3x3~wrap", 5, "written ~circular"),
        ("max3x3~reflect", 8, "pad1~reflect max3x3p0"),
        ("max2x2 count_include_pad=False", 7, "max-pooling never counts padding"),
        ("3x3 pad: 1", 4, "padding is written p1: write 3x3p1,"),
        ("3x3/2 pads=[0,1,2,1]", 6, "before and after: write 3x3/2p0+2x1,"),
        ("3x3 dilation: 2", 4, "write 3x3@2,"),
        ("3x3 groups=in_channels", 5, "groups of other programs is written as in 3x3g4 or dw3x3,"),
        ("max3x3/2 round_mode: CEIL", 9, "write max3x3/2~ceil,"),
        ("bilinear2 align_corners=False", 10, "write bilinear2,"),
        ("MaxPool", 1, "MaxPool of other programs is written as in max2x2/2p0,"),
        ("Conv2DTranspose(8, 4)", 1, "Conv2DTranspose of other programs is written as in t4x4/2:64=linear,"),
        ("Deconvolution", 1, "written as in t4x4/2:64=linear,"),
        ("Concat", 1, "written as in cat(...|...),"),
        ("Conv2d(3, 64, 3)", 1, "Conv2d of other programs is written as in 3x3:64=linear,"),
        ("nn.MaxPool2d(3, 2)", 1, "nn.MaxPool2d of other programs is written as in max2x2/2p0,"),
        ("3x3 AdaptiveAvgPool2d(1)", 5, "written as in gap or adaptive7,"),
        ("3x3 UpSampling2D(2)", 5, "written as in up2 or bilinear2,"),
        ("3x3 Dropout(0.5)", 5, "leave Dropout out"),
        ("3x3 softmax", 5, "there is no softmax here"),
        ("3x3 pad(1)", 5, "no brackets around its sizes: write pad1,"),
        ("3x3 gap()", 5, "write gap,"),
        ("3x3=leaky_relu0.1", 5, "stand in brackets: write 3x3=leaky_relu(0.1),"),
        ("3x3 leaky(0.1)", 5, "perhaps leaky_relu(0.1) is meant"),
        ("cat(3x3,1x1)", 8, "branches are separated by '|', not by ','"),
        ("2x(3x3 5x5)", 1, "as in 2xcat(3x3 5x5), it only repeats"),
        ("3x3#c1 5x5 cat(c1|)", 16, "a mark is taken up with its sign, #c1,"),
        ("concat(3x3|5x5)", 1, "perhaps cat is meant"),
        ("sum(3x3|)", 1, "perhaps add is meant"),
        ("catt(3x3|)", 1, "perhaps cat is meant"),
        ("densecat(3x3)", 1, "keeps what it was given, is cat(|F): write cat,"),
        ("conv2d3x3", 1, "perhaps 3x3 is meant"),
        ("groupnorm8", 1, "perhaps gn8 is meant"),
        ("hsigmoid", 1, "perhaps hardsigmoid is meant"),
        ("#a 3x3", 1, "a mark follows its layer at once, as in 3x3#NAME"),
        ("3x3 #a", 5, "a mark follows its layer at once"),
        ("res(#a 3x3)", 5, "a mark follows its layer at once"),
        ("cat(3x3 #a|)", 9, "begins its branch; put a '|' before it"),
        ("cat(#a #b|)", 8, "begins its branch; put a '|' before it"),
        ("3x3#", 5, "expected the name of a mark"),
        ("3x3#1", 5, "expected the name of a mark"),
        ("3x3#a#b", 6, "mark given twice"),
        ("3x3|5x5", 4, "a stem has no branches"),
        ("res(3x3|5x5)", 8, "res has no branches; '|' stands between those of add(...|...)"),
        ("cat(3x3|5x5", 4, "never closed"),
        ("cat(3x3|res(5x5)", 4, "never closed"),
        ("cat", 4, "expected '('"),
        ("cat(3x3)=swish", 10, "no activation 'swish'"),
        ("cat(3x3 |)5x5", 11, "unexpected '5'"),
        ("t4x4/2psame", 8, "leave p out: a transposed convolution without it makes"),
        ("pad", 4, "expected an integer"),
        ("padsame", 1, "is called 'padsame'"),
        ("crop1same", 6, "unexpected 's'"),
        ("3x3p1+", 6, "unexpected '+'"),
        ("3x3p1+x2", 6, "unexpected '+'"),
        ("t3x3o1o1", 7, "output padding given twice"),
        ("avg3x3~ceil~ceil", 12, "ceil given twice"),
        ("max3x3~nopad", 8, "no mode 'nopad' (choose from ceil)"),
        ("slice3", 7, "slice lacks its stop; write it as in slice0:32"),
        ("slice3:3", 6, "stop must be between 4 and"),
        ("slice", 6, "expected an integer for the first"),
        ("gn0", 3, "number of groups must be between 1 and"),
        ("lrn5(1,2)", 6, "expected alpha, beta, k as numbers"),
        ("lrn5(1,2,x)", 6, "expected alpha, beta, k as numbers"),
        ("lrn5(1,2,3", 6, "expected alpha, beta, k as numbers"),
        ("lrn5(0,1,1)", 4, "alpha must be between 1e-12 and"),
        ("ln(0)", 3, "epsilon must be between"),
        ("relu(1)", 1, "relu takes no numbers, not 1"),
        ("3x3=leaky_relu(1,2)", 5, "leaky_relu takes one number, not 1,2"),
        ("3x3=leaky_relu(x)", 5, "write them as in leaky_relu(0.01)"),
        ("3x3=hardtanh(6,0)", 5, "least value before its largest"),
        ("gap=relu", 4, "gap takes no activation; write it as a block of its own"),
        ("gelu=relu", 5, "an activation takes no activation"),
        ("gap/2", 4, "unexpected '/'"),
    ],
)
def test_nonsense_is_answered_by_a_sentence_that_points_at_the_character(text, character, says):
    message, pointed = complaint(text)
    assert pointed == character
    assert says in message


def test_ten_thousand_brackets_are_answered_at_the_first_that_is_too_deep():
    message, pointed = complaint("res(" * 10_000)
    assert f"at most {MAX_NESTING} levels" in message
    assert pointed == MAX_NESTING * 4 + 4
    assert "never opened" in complaint("3x3" + ")" * 10_000)[0]


def test_groups_nest_as_deep_as_is_said():
    text = "res(" * MAX_NESTING + "3x3" + ")" * MAX_NESTING
    assert format_stem(parse(text)) == text


def test_as_many_layers_as_are_said_however_they_are_written():
    for text in (f"{MAX_LAYERS}x3x3", f"{MAX_LAYERS // 2}xres(3x3)", "100xres(49xres_pre(3x3) 1x1)"):
        stem = parse(text)
        assert count_layers(stem) <= MAX_LAYERS
        assert format_stem(stem) == text
    with pytest.raises(InputError, match="at most 10000 layers"):
        parse(f"{MAX_LAYERS // 2}xres(3x3) 3x3")


def test_long_text_is_refused_and_quoted_short():
    with pytest.raises(InputError, match="at most 200000 characters") as raised:
        parse("3x3 " * 100_000)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "text",
    [
        *("3x3" + " " * 199_000 + "!", "3x3" + "\t" * 199_000 + "=", "3x3" + "=relu/2" * 20_000, "3x" + " " * 199_000),
        *("same" * 50_000, "3x3 padding=same " * 11_000, "3x3causal" * 22_000, "3x3#" * 50_000, "cat(|" * 40_000),
        *("cat(" + "|" * 199_990 + ")", "#a " * 60_000, "3x3" + "," * 199_000, "lrn5(" + "1" * 199_000, "+" * 200_000),
        *("A" * 200_000, "3X3 " * 49_999, "3 x 3 " * 33_000, "1a" * 100_000, "ab" * 100_000, "3x3s" * 40_000),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_long_nonsense_is_answered_at_once(text):
    with costs_at_most(20):  # the search for another spelling is linear; in the square it takes minutes
        complaint(text)


alphabet = st.sampled_from(
    [
        *"0123456789x/@:pgo~=() _-+#|.,",
        *("res(", "res_pre(", "add(", "cat(", "mul(", "|#a", "#a ", "3x3", "dw", "t", "max", "avg", "up", "gap"),
        *("psame", "~ceil", "~nopad", "pad", "crop", "slice", "gn", "lrn5(", "leaky_relu(", "same", "causal", "ceil"),
    ]
)
words = st.sampled_from([*NAMES, *PADDING_MODES, "bn", "ln", "3x3:64", "\u0664", "\x00", "\n", "9" * 30])


def parsed(text):
    """The stem, or the InputError that stands in its place; any other exception is let through."""
    try:
        return parse(text)
    except InputError as error:
        return error


@settings(max_examples=1000)
@given(st.one_of(st.lists(st.one_of(alphabet, words), max_size=30).map("".join), st.text(max_size=40)))
@example("(" * 10_000)
@example("4x" * 5_000)
@example("\ud800")
@example("0" * 100_000 + "3x3")
@example("res(" * 51 + "3x3" + ")" * 51)
def test_any_text_is_a_stem_or_an_input_error(text):
    stem = parsed(text)
    if isinstance(stem, InputError):
        assert "\n" not in str(stem)
    else:
        assert parse(format_stem(stem)) == stem


@settings(max_examples=200)
@given(all_stems, st.randoms(use_true_random=False))
def test_one_character_changed_is_a_stem_or_an_input_error(stem, chance: random.Random):
    text = format_stem(stem)
    place = chance.randrange(len(text))
    changed = text[:place] + chance.choice("0x/@:pgo~=() r9#|+.,a") + text[place + chance.randint(0, 1) :]
    made = parsed(changed)
    if isinstance(made, InputError):
        assert 1 <= int(str(made).rpartition("at character ")[2]) <= len(changed) + 1
    else:
        assert parse(format_stem(made)) == made


@pytest.mark.parametrize(
    ("text", "path", "field", "points_at"),
    [
        ("3x3 5x5/2", (1,), "stride", "2"),
        ("3x3 5x5/2", (1,), "kernel", "5x5/2"),
        ("4x3x3 7x7", (4,), "kernel", "7x7"),
        ("4x3x3g2 7x7", (3,), "groups", "2 7x7"),
        ("3x3 2xres(3x3 1x1:8)", (2, 0, 1), "features", "8)"),
        ("3x3 cat(1x1|3x3 5x5/2|)", (1, 1, 1), "stride", "2|)"),
        ("3x3#a cat( | #a up3 )", (1, 1, 0), "factor", "3 )"),
        ("3x3#a cat( |  #b up2)", (1, 1), "from", "#b up2)"),
        ("3x3 add(1x1|3x3:8)", (1,), "bracket", "(1x1|3x3:8)"),
        ("2xcat(3x3|max3x3)", (1, 1, 0), "padding", "max3x3)"),
        ("3x3 res(3x3)", (1,), "stride", "res(3x3)"),
    ],
)
def test_a_field_of_a_layer_is_found_in_the_text(text, path, field, points_at):
    assert text[locate(text, path, field) :] == points_at


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ([], "a stem is"),
        ({}, "a stem is"),
        (3, "a stem is"),
        ([{"layer": "convolution"}], "layer 0"),
        (["3x3", {"kernel": 3}], "layer 1"),
        ([{"layer": "conv", "kernel": 0}], "layer 0"),
        ([{"layer": "conv", "kernel": [3]}], "layer 0"),
        ([{"layer": "conv", "kernel": 3, "colour": "red"}], "colour"),
        ([{"layer": "conv", "kernel": 3.5}], "layer 0"),
        ([{"layer": "conv", "kernel": 10**5000}], "layer 0"),
        ([{"layer": "conv", "kernel": 3, "activation": "swish"}], "swish"),
        ([{"layer": "res", "stem": []}], "expected a layer"),
        ([None], "layer 0"),
        ([{"layer": "conv", "kernel": 3, "activation": "rellu"}], "such as relu .*'rellu'; did you mean relu"),
        ([{"layer": "conv", "kernel": 3, "padding": "sme"}], "did you mean same"),
        ([{"layer": "conv", "kernel": 3, "padding": [1, -1]}], "padding must be between 0 and"),
        ([{"layer": "add", "branches": []}], "branches must be a list of at least 1"),
        ([{"layer": "add", "branches": [3]}], r"branches\[0\] must be a list or a mapping of from and stem, not '3'"),
        ([{"layer": "cat", "branches": [[], {"frm": "a"}]}], r"branches\[1\] has no field 'frm'; did you mean from"),
        ([{"layer": "cat", "branches": [[{"layer": "conv"}]]}], r"branches\[0\]\[0\] lacks the field kernel"),
        ([{"layer": "cat", "branches": [{"from": "a", "stem": [{"layer": "up"}]}]}], r"branches\[0\].stem\[0\] lacks"),
        ([{"layer": "conv", "kernel": 3, "mark": "1"}], "mark must be a name that begins with a letter"),
        ([{"layer": "lrn", "channels": 5, "alpha": 0}], "alpha must be between"),
        ([{"layer": "slice", "first": 3, "stop": 3}], "stop must be between 4"),
    ],
)
def test_a_list_that_is_no_stem_is_an_input_error(layers, says):
    with pytest.raises(InputError, match=says):
        canonical_stem(layers)


@pytest.mark.parametrize("group", [{"layer": "res", "stem": []}, {"layer": "cat", "branches": [[]]}])
def test_a_list_nested_without_end_is_an_input_error(group):
    layer = {"layer": "conv", "kernel": 3}
    for _ in range(5_000):
        layer = {**group, **({"stem": [layer]} if "stem" in group else {"branches": [[layer]]})}
    with pytest.raises(InputError):
        canonical_stem([layer])
