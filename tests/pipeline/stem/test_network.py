"""A stem on a plane: sizes, paddings, groups and shortcuts, by formulas, known networks and PyTorch."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError, PlaneError
from pipeline.stem import INPUT, Conv, Convolution, Plane, Residual, network
from tests.strategies import stems

WINDOWS = list(product(range(1, 6), range(1, 4), range(1, 4), range(1, 10)))
"""Kernel, stride, dilation, plane."""


def row(text, size):
    return network(text, Plane(size, 1))[0].y


def test_padding_left_out_is_the_reach_of_the_kernel_less_half_before():
    """d(k-1) in total whatever stride and plane, floor of half before, the rest after."""
    for kernel, stride, dilation, size in WINDOWS:
        axis = row(f"{kernel}x1/{stride}@{dilation}", size)
        reach = dilation * (kernel - 1)
        assert (axis.before, axis.after) == (reach // 2, reach - reach // 2)
        assert axis.size_out == -(-size // stride)


def test_padding_given_is_put_on_both_sides():
    for kernel, stride, dilation, size in WINDOWS:
        for padding in (0, 1, 3):
            positions = range(-padding, size + padding - dilation * (kernel - 1), stride)
            text = f"{kernel}x1/{stride}@{dilation}p{padding}x0"
            if not positions:
                with pytest.raises(InputError, match="does not fit"):
                    network(text, Plane(size, 1))
                continue
            axis = row(text, size)
            assert (axis.before, axis.after) == (padding, padding)
            assert axis.size_out == len(positions)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pools_are_padded_as_convolutions_are(kind):
    for kernel, stride, _, size in WINDOWS:
        axis = row(f"{kind}{kernel}x1/{stride}", size)
        assert (axis.before, axis.after) == ((kernel - 1) // 2, kernel // 2)
        assert axis.size_out == -(-size // stride)


def test_transposed_convolution_multiplies_the_plane_by_its_stride():
    """c = d(k-1)+1-s; floor(c/2) is cropped before, the rest after; where c < 0, -c zeros follow."""
    for kernel, stride, dilation, size in WINDOWS:
        axis = row(f"t{kernel}x1/{stride}@{dilation}", size)
        crop = dilation * (kernel - 1) + 1 - stride
        assert axis.size_out == size * stride
        assert (axis.before, axis.after) == ((crop // 2, crop - crop // 2) if crop >= 0 else (0, crop))


def test_planes_of_pools_up_sampling_and_global_pooling():
    assert network("up2x3", Plane(5, 7, 2))[0].output == Plane(10, 21, 2)
    assert network("gap", Plane(5, 7, 2))[0].output == Plane(1, 1, 2)
    assert network("max3x3/2", Plane(112, 112, 64))[0].output == Plane(56, 56, 64)
    assert network("avg2x2/2p0", Plane(7, 8, 3))[0].output == Plane(3, 4, 3)
    assert network("bn ln gelu", Plane(3, 4, 5))[2].output == Plane(3, 4, 5)


def test_features_are_never_inherited_but_by_depthwise_convolution():
    made = [node.output.channels for node in network("3x3:64 3x3 dw3x3 dw3x3:12 t2x2 max2x2", Plane(9, 9, 3))]
    assert made == [64, 4, 4, 12, 4, 4]


@pytest.mark.parametrize(
    ("stem", "plane", "shapes"),
    [
        ("3x5:6", Plane(9, 9, 3), [(3, 5, 3, 6)]),
        ("3x3:6g3", Plane(9, 9, 12), [(3, 3, 4, 6)]),
        ("dw3x3:12", Plane(9, 9, 4), [(3, 3, 1, 12)]),
        ("t4x4:6g2", Plane(9, 9, 4), [(4, 4, 2, 6)]),
        ("res(3x3/2:8 3x3:8)", Plane(9, 9, 4), [(3, 3, 4, 8), (3, 3, 8, 8), (1, 1, 4, 8)]),
    ],
)
def test_shapes_of_weights(stem, plane, shapes):
    nodes = [node for node in network(stem, plane) if isinstance(node.layer, Convolution)]
    assert [node.weight_shape for node in nodes] == shapes
    assert [node.fan_in for node in nodes] == [height * width * inputs for height, width, inputs, _ in shapes]


def test_resnet18_has_the_planes_of_torchvision():
    """He et al. 2016, table 1, at 224 pixels."""
    stages = "2xres(2x3x3:64) " + " ".join(f"res(3x3/2:{f} 3x3:{f}) res(2x3x3:{f})" for f in (128, 256, 512))
    nodes = network(f"7x7/2:64 max3x3/2 {stages} gap", Plane(224, 224, 3))
    made = [str(node.output) for node in nodes if node.geometry == "join" or node.index in (0, 1, len(nodes) - 1)]
    assert made == [
        "112x112x64",
        *3 * ["56x56x64"],
        *2 * ["28x28x128"],
        *2 * ["14x14x256"],
        *2 * ["7x7x512"],
        "1x1x512",
    ]
    assert [node.weight_shape for node in nodes if node.is_projection] == [
        (1, 1, 64, 128),
        (1, 1, 128, 256),
        (1, 1, 256, 512),
    ]
    weights = sum(
        height * width * inputs * features
        for node in nodes
        if isinstance(node.layer, Convolution)
        for height, width, inputs, features in [node.weight_shape]
    )
    assert weights == 11_166_912  # torchvision's 11,689,512 less the classifier's 513,000 and 9,600 of batch norms


def test_nodes_are_numbered_as_they_run():
    """The layers of a body, its projection, then the sum itself."""
    nodes = network("3x3 res(3x3/2 res(1x1)) gap", Plane(9, 9, 3))
    assert [node.index for node in nodes] == list(range(7))
    assert [type(node.layer).__name__ for node in nodes] == [
        "Conv",
        "Conv",
        "Conv",
        "Residual",
        "Conv",
        "Residual",
        "GlobalAvgPool",
    ]
    assert [node.inputs for node in nodes] == [(INPUT,), (0,), (1,), (2, 1), (0,), (3, 4), (5,)]
    assert [node.is_projection for node in nodes] == [False, False, False, False, True, False, False]


@pytest.mark.parametrize(
    ("stem", "activations"),
    [
        ("res(2x3x3)", ["relu", "linear"]),
        ("res(3x3 3x3=tanh)", ["relu", "tanh"]),
        ("res_pre(bn relu 3x3)", ["linear", "relu", "linear"]),
        ("res(3x3 bn)", ["linear", "linear"]),
        ("res(3x3 relu)", ["linear", "relu"]),
        ("res(dw3x3 1x1)", ["relu", "linear"]),
        ("res(3x3 t3x3)", ["relu", "linear"]),
        ("res(3x3 max3x3)", ["linear", "linear"]),
        ("res(3x3 res(2x3x3))", ["relu", "relu", "linear", "relu"]),
        ("res(3x3 res(relu))", ["linear", "relu", "relu"]),  # the group behind it holds no convolution
        ("res(3x3 res_pre(bn res(max3x3)) relu)", ["linear", "linear", "linear", "relu", "linear", "relu"]),
        ("res(3x3=relu)", ["relu"]),  # written
        ("res(3x3 3x3=relu bn)", ["relu", "relu", "linear"]),
        ("res(3x3=linear)", ["linear"]),
        ("res_pre(dw3x3=relu)", ["relu"]),
        ("res(t3x3=relu)", ["relu"]),
    ],
)
def test_the_last_convolution_of_a_body_drops_its_default_relu(stem, activations):
    *body, group = network(stem, Plane(9, 9, 4))
    assert [node.activation for node in body if not node.is_projection] == activations
    assert group.activation == ("relu" if isinstance(group.layer, Residual) else "linear")


def test_the_sum_has_the_activation_that_is_written():
    assert network("res(3x3)=gelu", Plane(9, 9, 4))[-1].activation == "gelu"
    assert network("res(3x3)=linear", Plane(9, 9, 4))[-1].activation == "linear"


@pytest.mark.parametrize(
    ("stem", "shortcut"),
    [
        ("res(2x3x3)", None),
        ("res(3x3:8)", Conv((1, 1), 8, (1, 1), padding=(0, 0), activation="linear")),
        ("res(3x3/2 3x3/3x1)", Conv((1, 1), 4, (6, 2), padding=(0, 0), activation="linear")),
        ("res(3x3/2 up2)", None),
        ("res(max3x3/2 3x3)", Conv((1, 1), 4, (2, 2), padding=(0, 0), activation="linear")),
        ("res(3x3/2 3x3/3 up2)", Conv((1, 1), 4, (3, 3), padding=(0, 0), activation="linear")),  # 6 / 2
        ("res(3x3/2 t2x2/2:8)", Conv((1, 1), 8, (1, 1), padding=(0, 0), activation="linear")),
        ("res(3x3/3 up2 3x3/2x4:8)", Conv((1, 1), 8, (3, 6), padding=(0, 0), activation="linear")),  # 6 / 2, 12 / 2
        ("res(res(3x3/2:8) 3x3/2:8)", Conv((1, 1), 8, (4, 4), padding=(0, 0), activation="linear")),
    ],
)
def test_the_shortcut_is_the_identity_or_a_linear_projection_with_the_stride_product(stem, shortcut):
    nodes = network(stem, Plane(12, 12, 4))
    beside = nodes[-1].inputs[1]
    assert (None if beside == INPUT else nodes[beside].layer) == shortcut
    assert beside == INPUT or (nodes[beside].is_projection and nodes[beside].inputs == (INPUT,))


@pytest.mark.parametrize(
    ("stem", "plane", "character", "says"),
    [
        ("3x3p0 5x5p0", Plane(6, 9, 1), 7, "spans 5 does not fit a plane of height 4 padded by 0"),
        ("3x3 1x9p0", Plane(6, 8, 1), 5, "spans 9 does not fit a plane of width 8 padded by 0"),
        ("3x3@4p0", Plane(8, 8, 1), 1, "spans 9 does not fit"),
        ("3x3:6 3x3:8g4", Plane(9, 9, 1), 13, "4 groups do not divide the 6 channels before"),
        ("3x3:6 4x3x3:8g3", Plane(9, 9, 1), 15, "3 groups do not divide the 8 features"),
        ("2x3x3g2", Plane(9, 9, 1), 7, "2 groups do not divide the 1 channels before"),
        ("t3x3g3", Plane(9, 9, 6), 6, "3 groups do not divide the 4 features"),
        ("3x3:6 dw3x3:8", Plane(9, 9, 1), 13, "8 features are no multiple of the 6 channels"),
        ("7x7 res(3x3p0)", Plane(9, 9, 4), 5, "its body ends as 7x7 and its shortcut as 9x9"),
        ("7x7 res(1x1 res_pre(3x3 3x3p0))", Plane(9, 8, 4), 13, "its body ends as 7x6 and its shortcut as 9x8"),
        ("res(gap)", Plane(9, 9, 4), 1, "its body ends as 1x1 and its shortcut as 9x9"),
        ("res(up2)", Plane(9, 9, 4), 1, "its body ends as 18x18 and its shortcut as 9x9"),
        ("max2x2p2", Plane(9, 9, 4), 8, "padding 2 leaves pooling windows that span 2 without a pixel"),
        ("3x3 9x9~reflect", Plane(4, 4, 1), 9, "reflect padding of 4 needs 5 pixels a side, the plane has 4"),
        ("9x9~circular", Plane(3, 9, 1), 5, "circular padding of 4 needs 4 pixels a side, the plane has 3"),
        ("t3x3p9", Plane(4, 4, 1), 6, "padding 9 crops all"),
        ("1x1 up1000000 up1000000", Plane(2, 2, 1), 17, "more than"),
        ("res(1x1 up1000000 up1000000)", Plane(2, 2, 1), 21, "more than"),
    ],
)
def test_a_layer_that_does_not_fit_is_pointed_at(stem, plane, character, says):
    with pytest.raises(InputError, match=re.escape(says)) as raised:
        network(stem, plane)
    assert str(raised.value).endswith(f", at character {character}")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("stem", "kinds", "inputs"),
    [
        ("cat(1x1|3x3 5x5|)", "Conv Conv Conv Cat", [(INPUT,), (INPUT,), (1,), (0, 2, INPUT)]),
        ("1x1#a 3x3#a add(#a|)", "Conv Conv Add", [(INPUT,), (0,), (1, 1)]),  # the last mark of a name
        ("1x1#a 3x3 add(#a 3x3|)", "Conv Conv Conv Add", [(INPUT,), (0,), (0,), (2, 1)]),
        ("2x3x3#a mul(|#a)", "Conv Conv Mul", [(INPUT,), (0,), (1, 1)]),
        ("cat(1x1#a|#a 3x3)", "Conv Conv Cat", [(INPUT,), (0,), (0, 1)]),  # a mark of the branch before
        ("res(3x3)#r bn cat(#r|)", "Conv Residual BatchNorm Cat", [(INPUT,), (0, INPUT), (1,), (1, 2)]),
        ("cat(|add(|1x1) bn)", "Conv Add BatchNorm Cat", [(INPUT,), (INPUT, 0), (1,), (INPUT, 2)]),
        ("cat()", "Cat", [(INPUT,)]),
    ],
)
def test_branches_are_nodes_in_running_order_before_their_join(stem, kinds, inputs):
    nodes = network(stem, Plane(9, 9, 4))
    assert " ".join(type(node.layer).__name__ for node in nodes) == kinds
    assert [node.inputs for node in nodes] == inputs


@pytest.mark.parametrize(
    ("stem", "activations"),
    [
        ("add(2x3x3|3x3 bn|relu)", ["relu", "linear", "linear", "linear", "relu", "linear"]),
        ("cat(2x3x3|3x3)=tanh", ["relu", "relu", "relu", "tanh"]),
        ("mul(|gap 1x1 1x1=sigmoid)", ["linear", "relu", "sigmoid", "linear"]),
        ("1x1#a add(#a 3x3|3x3=relu)", ["relu", "linear", "relu", "linear"]),
        ("add(3x3 cat(3x3|))", ["relu", "relu", "linear", "linear"]),  # the last convolution is in a group of its own
    ],
)
def test_only_branches_of_sums_end_without_a_relu(stem, activations):
    assert [node.activation for node in network(stem, Plane(9, 9, 4))] == activations


@pytest.mark.parametrize(
    ("stem", "plane", "output"),
    [
        ("cat(1x1:3|3x3:5|max3x3)", Plane(9, 8, 4), "9x8x12"),
        ("mul(|gap 1x1:4)", Plane(9, 8, 4), "9x8x4"),  # one pixel counts for all
        ("mul(|1x1:1)", Plane(9, 8, 4), "9x8x4"),  # one channel too
        ("add(gap|1x1:1)", Plane(9, 8, 4), "9x8x4"),
        ("7x7/2psame", Plane(224, 225, 3), "112x113x4"),
        ("max3x3/2p1~ceil", Plane(112, 112, 8), "57x57x8"),
        ("max3x3/2p0~ceil", Plane(112, 112, 8), "56x56x8"),
        ("t3x3/2p1o1", Plane(7, 9, 2), "14x18x4"),
        ("pad1+2x0+3", Plane(7, 9, 2), "10x12x2"),
        ("crop1x0+2/2", Plane(7, 9, 2), "3x4x2"),
        ("slice1:3", Plane(7, 9, 4), "7x9x2"),
        ("adaptive3x5 bilinear2x1~corners", Plane(7, 9, 4), "6x5x4"),
        ("channelshuffle2 affine gn2 in lrn5 prelu", Plane(7, 9, 4), "7x9x4"),
        ("pixelshuffle2", Plane(7, 9, 8), "14x18x2"),
        ("pixelunshuffle2x3", Plane(8, 9, 2), "4x3x12"),
    ],
)
def test_planes_of_joins_and_of_the_other_layers(stem, plane, output):
    assert str(network(stem, plane)[-1].output) == output


def test_padding_of_same_is_tensorflows():
    """Total max((ceil(n/s) - 1) s + d (k-1) + 1 - n, 0), floor of half before (TensorFlow's guide to padding)."""
    for kernel, stride, dilation, size in WINDOWS:
        axis = row(f"{kernel}x1/{stride}@{dilation}psame", size)
        total = max((-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
        assert (axis.before, axis.after) == (total // 2, total - total // 2)
        assert axis.size_out == -(-size // stride)


@pytest.mark.parametrize(
    ("stem", "plane", "character", "says", "error"),
    [
        ("1x1 cat(3x3/2|3x3)", Plane(9, 9, 4), 8, "concatenation needs equal sides, but its branches end", PlaneError),
        ("add(3x3:8|3x3:6)", Plane(9, 9, 4), 4, "join needs equal planes, but its branches end as 9x9x8", InputError),
        ("add(3x3|#a)", Plane(9, 9, 4), 9, "no mark before this branch is #a; none stands before it", InputError),
        ("3x3#b add(3x3|#a)", Plane(9, 9, 4), 15, "#a; the last before it are #b", InputError),
        ("cat(1x1|1x1 3x3g3)", Plane(9, 9, 4), 17, "3 groups do not divide the 4 channels before", InputError),
        ("1x1 res(cat(1x1|5x5p0) 1x1)", Plane(9, 9, 4), 12, "concatenation needs equal sides", PlaneError),
        ("2xcat(1x1|add(1x1:4|7x7p0))", Plane(9, 9, 4), 14, "join needs equal planes", PlaneError),
        ("slice0:5", Plane(9, 9, 4), 8, "channels up to 5 are asked for, there are 4", InputError),
        ("gn3", Plane(9, 9, 4), 3, "3 groups do not divide the 4 channels", InputError),
        ("t3x3/2o2", Plane(9, 9, 4), 8, "output padding 2 must be less than", InputError),
        ("1x1 30xcat(|)", Plane(9, 9, 4), 11, "makes more than 1000000 channels", InputError),
        ("crop5", Plane(9, 9, 4), 5, "nothing of a plane of height 9 is left", PlaneError),
    ],
)
def test_a_branch_that_does_not_fit_is_pointed_at(stem, plane, character, says, error):
    with pytest.raises(error, match=re.escape(says)) as raised:
        network(stem, plane)
    assert type(raised.value) is error
    assert str(raised.value).endswith(f", at character {character}")


@settings(max_examples=150)
@given(stems())
def test_every_node_is_given_what_those_before_it_make(found):
    text, plane = found
    nodes = network(text, plane)
    for index, node in enumerate(nodes):
        assert node.index == index
        assert all(INPUT <= each < index for each in node.inputs)
        assert node.planes == tuple(plane if each == INPUT else nodes[each].output for each in node.inputs)
        assert (node.y.size_out, node.x.size_out) == (node.output.height, node.output.width)
        if node.geometry != "join":
            assert (node.y.size_in, node.x.size_in) == (node.input.height, node.input.width)
    read = {each for node in nodes for each in node.inputs}
    assert read.issuperset(range(len(nodes) - 1)) or "#" in text  # a mark may stand on what no join takes up


def torch_shape(layer, plane):
    torch = pytest.importorskip("torch", reason="PyTorch's output shapes are the independent ones (extra `oracle`)")
    return tuple(layer(torch.zeros(1, plane.channels, plane.height, plane.width)).shape[1:])


sides = st.integers(1, 5)


@settings(max_examples=200)
@given(
    st.sampled_from(("conv", "t", "max", "avg")), *[st.tuples(sides, sides)] * 4, st.integers(4, 12), st.integers(4, 12)
)
def test_planes_of_padded_layers_are_those_of_pytorch(kind, kernel, stride, dilation, padding, height, width):
    torch = pytest.importorskip("torch", reason="PyTorch's output shapes are the independent ones (extra `oracle`)")
    nn = torch.nn
    plane = Plane(height, width, 2)
    padding = tuple(side - 1 for side in padding)
    text = "{}x{}/{}x{}".format(*kernel, *stride)
    text = {"conv": "", "t": "t", "max": "max", "avg": "avg"}[kind] + text
    text += "" if kind in ("max", "avg") else "@{}x{}:3".format(*dilation)
    text += "p{}x{}".format(*padding)
    try:
        made = network(text, plane)[0].output
    except InputError:
        made = None
    try:
        layer = {
            "conv": lambda: nn.Conv2d(2, 3, kernel, stride, padding, dilation),
            "t": lambda: nn.ConvTranspose2d(2, 3, kernel, stride, padding, dilation=dilation),
            "max": lambda: nn.MaxPool2d(kernel, stride, padding),
            "avg": lambda: nn.AvgPool2d(kernel, stride, padding),
        }[kind]()
        expected = torch_shape(layer, plane)
    except RuntimeError:
        expected = None
    if kind in ("max", "avg") and made is None:
        # PyTorch's own limit is half the kernel; ours is that every window has a pixel.
        assert expected is None
    elif expected is None:
        assert made is None or kind in ("max", "avg")
    else:
        assert (made.channels, made.height, made.width) == expected


@settings(max_examples=200)
@given(
    st.sampled_from(("max", "avg", "t")),
    st.tuples(sides, sides),
    st.tuples(sides, sides),
    st.integers(0, 2),
    st.integers(1, 14),
    st.integers(0, 2),
)
def test_ceil_mode_and_output_padding_make_the_planes_of_pytorch(kind, kernel, stride, padding, size, more):
    torch = pytest.importorskip("torch", reason="PyTorch's output shapes are the independent ones (extra `oracle`)")
    nn, plane = torch.nn, Plane(size, size + 1, 2)
    padding = min(padding, min(kernel) // 2)
    written = "{}x{}/{}x{}".format(*kernel, *stride) + f"p{padding}"
    text = f"t{written}o{more}" if kind == "t" else f"{kind}{written}~ceil"
    try:
        layer = {
            "max": lambda: nn.MaxPool2d(kernel, stride, padding, ceil_mode=True),
            "avg": lambda: nn.AvgPool2d(kernel, stride, padding, ceil_mode=True),
            "t": lambda: nn.ConvTranspose2d(2, 4, kernel, stride, padding, more),
        }[kind]()
        expected = torch_shape(layer, plane)
    except RuntimeError:
        expected = None
    try:
        made = network(text, plane)[0].output
    except InputError:
        made = None
    assert (made and (made.channels, made.height, made.width)) == expected


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # it copies its input: no matter here
@settings(max_examples=100)
@given(st.tuples(sides, sides), st.tuples(sides, sides), st.integers(5, 12), st.integers(5, 12))
def test_padding_left_out_at_stride_one_is_pytorchs_same(kernel, dilation, height, width):
    """The extra pixel of an even kernel goes right and down: one weight at a corner shows where the window stands."""
    torch = pytest.importorskip("torch", reason="PyTorch's output shapes are the independent ones (extra `oracle`)")
    node = network("{}x{}@{}x{}".format(*kernel, *dilation), Plane(height, width))[0]
    layer = torch.nn.Conv2d(1, 1, kernel, padding="same", dilation=dilation, bias=False)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[..., 0, 0] = 1
        x = torch.arange(1.0, height * width + 1).reshape(1, 1, height, width)
        made = layer(x)[0, 0]
        for row in range(height):
            for column in range(width):
                y, x_ = row - node.y.before, column - node.x.before
                inside = 0 <= y < height and 0 <= x_ < width
                assert made[row, column] == (x[0, 0, y, x_] if inside else 0)


@pytest.mark.parametrize("side", range(1, 9))
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "padding"), [(2, 1, 5, 3), (2, 2, 7, 7), (3, 1, 4, 2), (3, 3, 6, 5)]
)
def test_a_dilated_pool_has_a_pixel_in_every_window_or_is_refused(
    side: int, kernel: int, stride: int, dilation: int, padding: int
) -> None:
    firsts = range(-padding, side + padding - dilation * (kernel - 1), stride)
    windows = [[first + tap * dilation for tap in range(kernel)] for first in firsts]
    text, plane = f"max{kernel}x{kernel}/{stride}@{dilation}p{padding}", Plane(side, side)
    if windows and all(any(0 <= pixel < side for pixel in window) for window in windows):
        assert network(text, plane)[0].output.height == len(windows)
    else:
        with pytest.raises(PlaneError, match="without a pixel" if windows else "does not fit"):
            network(text, plane)
