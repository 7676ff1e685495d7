"""A stem on a plane: sizes, paddings, groups and shortcuts, by formulas, known networks and PyTorch."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.stem import Conv, Convolution, Plane, Residual, network, walk
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
    nodes = [node for node in walk(network(stem, plane)) if isinstance(node.layer, Convolution)]
    assert [node.weight_shape for node in nodes] == shapes
    assert [node.fan_in for node in nodes] == [height * width * inputs for height, width, inputs, _ in shapes]


def test_resnet18_has_the_planes_of_torchvision():
    """He et al. 2016, table 1, at 224 pixels."""
    stages = "2xres(2x3x3:64) " + " ".join(f"res(3x3/2:{f} 3x3:{f}) res(2x3x3:{f})" for f in (128, 256, 512))
    nodes = network(f"7x7/2:64 max3x3/2 {stages} gap", Plane(224, 224, 3))
    made = [str(node.output) for node in nodes]
    assert made == [
        "112x112x64",
        *3 * ["56x56x64"],
        *2 * ["28x28x128"],
        *2 * ["14x14x256"],
        *2 * ["7x7x512"],
        "1x1x512",
    ]
    projections = [node.shortcut for node in nodes if node.shortcut is not None]
    assert [projection.weight_shape for projection in projections] == [
        (1, 1, 64, 128),
        (1, 1, 128, 256),
        (1, 1, 256, 512),
    ]
    weights = sum(
        height * width * inputs * features
        for node in walk(nodes)
        if isinstance(node.layer, Convolution)
        for height, width, inputs, features in [node.weight_shape]
    )
    assert weights == 11_166_912  # torchvision's 11,689,512 less the classifier's 513,000 and 9,600 of batch norms


def test_nodes_are_numbered_as_they_run():
    """The layers of a body, its projection, then the sum itself."""
    nodes = walk(network("3x3 res(3x3/2 res(1x1)) gap", Plane(9, 9, 3)))
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
        ("res(3x3 res(2x3x3))", ["relu", "relu"]),
        ("res(3x3 res(relu))", ["linear", "relu"]),  # the group behind it holds no convolution
        ("res(3x3 res_pre(bn res(max3x3)) relu)", ["linear", "linear", "relu"]),
        ("res(3x3=relu)", ["relu"]),  # written
        ("res(3x3 3x3=relu bn)", ["relu", "relu", "linear"]),
        ("res(3x3=linear)", ["linear"]),
        ("res_pre(dw3x3=relu)", ["relu"]),
        ("res(t3x3=relu)", ["relu"]),
    ],
)
def test_the_last_convolution_of_a_body_drops_its_default_relu(stem, activations):
    (group,) = network(stem, Plane(9, 9, 4))
    assert [node.activation for node in group.body] == activations
    assert group.activation == ("relu" if isinstance(group.layer, Residual) else "linear")


def test_the_sum_has_the_activation_that_is_written():
    assert network("res(3x3)=gelu", Plane(9, 9, 4))[0].activation == "gelu"
    assert network("res(3x3)=linear", Plane(9, 9, 4))[0].activation == "linear"


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
    (group,) = network(stem, Plane(12, 12, 4))
    assert (group.shortcut and group.shortcut.layer) == shortcut


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
        ("max2x2p2", Plane(9, 9, 4), 8, "padding 2 leaves pooling windows of 2 without a pixel"),
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


@settings(max_examples=150)
@given(stems())
def test_every_node_is_given_what_the_one_before_makes(found):
    text, plane = found

    def chained(nodes, plane):
        for node in nodes:
            assert node.input == plane
            assert (node.y.size_in, node.x.size_in) == (plane.height, plane.width)
            assert (node.y.size_out, node.x.size_out) == (node.output.height, node.output.width)
            if node.body:
                assert chained(node.body, plane) == node.output
                assert node.shortcut is not None or node.output == plane
                assert node.shortcut is None or chained((node.shortcut,), plane) == node.output
            plane = node.output
        return plane

    chained(network(text, plane), plane)


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
