"""The networks in examples/ are those of their papers: planes, and numbers of parameters."""

from math import prod
from pathlib import Path

import pytest

from pipeline.stem import (
    Affine,
    BatchNorm,
    Convolution,
    LayerNorm,
    Plane,
    network,
    read_stem_file,
)

EXAMPLES = Path(__file__).parents[3] / "examples"
CLASSES = 1000


def nodes_of(name, plane):
    return network(read_stem_file(EXAMPLES / f"{name}.stem"), Plane(*plane))


def weights(nodes):
    return sum(prod(node.weight_shape) for node in nodes if isinstance(node.layer, Convolution))


def features(nodes, *kinds):
    return sum(node.output.channels for node in nodes if isinstance(node.layer, kinds))


def classifier(nodes):
    return (nodes[-1].output.channels + 1) * CLASSES


def test_inception_v1_has_as_many_parameters_as_caffes():
    nodes = nodes_of("inception_v1", (224, 224, 3))
    assert [str(node.output) for node in nodes if node.geometry == "join"] == [
        "28x28x256",
        "28x28x480",
        *("14x14x512", "14x14x512", "14x14x512", "14x14x528", "14x14x832"),
        "7x7x832",
        "7x7x1024",
    ]
    # BVLC GoogLeNet without its auxiliary classifiers: every convolution has a bias.
    assert weights(nodes) + features(nodes, Convolution) + classifier(nodes) == 6_998_552


@pytest.mark.parametrize(
    ("name", "channels", "published"),
    [("densenet121", 1024, 7_978_856), ("mobilenet_v2", 1280, 3_504_872), ("resnet50", 2048, 25_557_032)],
)
def test_networks_with_batch_norm_have_as_many_parameters_as_torchvisions(name, channels, published):
    nodes = nodes_of(name, (224, 224, 3))
    assert str(nodes[-2 if name == "densenet121" else -1].output).endswith(f"x{channels}")
    assert weights(nodes) + 2 * features(nodes, BatchNorm) + classifier(nodes) == published


def test_efficientnet_b0_has_as_many_parameters_as_torchvisions():
    """The two convolutions of each squeeze-and-excitation, upon one pixel, have biases; the others have batch norms."""
    nodes = nodes_of("efficientnet_b0", (224, 224, 3))
    gates = [node for node in nodes if isinstance(node.layer, Convolution) and node.input.height == 1]
    assert len(gates) == 2 * 16
    biases = features(gates, Convolution)
    assert weights(nodes) + biases + 2 * features(nodes, BatchNorm) + classifier(nodes) == 5_288_548


def test_convnext_t_has_as_many_parameters_as_torchvisions():
    """Every convolution has a bias, and the layer scale of a block is one number a channel."""
    nodes = nodes_of("convnext_t", (224, 224, 3))
    norms = 2 * features(nodes, LayerNorm) + features(nodes, Affine)
    assert weights(nodes) + features(nodes, Convolution) + norms + classifier(nodes) == 28_589_128


def test_unet_has_the_planes_of_its_figure():
    nodes = nodes_of("unet", (572, 572, 1))
    joins = [str(node.output) for node in nodes if node.geometry == "join"]
    assert joins == ["56x56x1024", "104x104x512", "200x200x256", "392x392x128"]
    assert str(nodes[-1].output) == "388x388x2"
    assert (
        sum(isinstance(node.layer, Convolution) for node in nodes) == 23
    )  # as the paper says, the up-convolutions too


@pytest.mark.parametrize(
    ("name", "plane", "neck"),
    [("yolov8n_backbone", "20x20x256", ()), ("yolov8n_neck", "80x80x64", (148224, 37248))],
)
def test_yolov8n_has_as_many_parameters_in_each_block_as_ultralytics_prints(name, plane, neck):
    nodes = nodes_of(name, (640, 640, 3))
    assert str(nodes[-1].output) == plane
    printed = [464, 4672, 7360, 18560, 49664, 73984, 197632, 295424, 460288, 164608, *neck]
    counts = [1, 1, 4, 1, 6, 1, 6, 1, 4, 2, *(4 for _ in neck)]
    """Convolutions of each block: a C2f of n bottlenecks has 2 n + 2."""
    ends = [node.index for node in nodes if isinstance(node.layer, BatchNorm)]
    first = 0
    for number, count in zip(printed, counts, strict=True):
        end = ends[count - 1]
        ends = ends[count:]
        block = [node for node in nodes if first <= node.index <= end]
        assert weights(block) + 2 * features(block, BatchNorm) == number
        first = end + 1


def test_aspp_has_as_many_parameters_as_its_modules():
    torch = pytest.importorskip("torch", reason="its modules are counted (extra `oracle`)")
    nodes = nodes_of("deeplab_aspp", (33, 33, 2048))
    assert str(nodes[-1].output) == "33x33x256"
    kernels = [(2048, 1), (2048, 3), (2048, 3), (2048, 3), (2048, 1), (5 * 256, 1)]
    modules = [torch.nn.Conv2d(channels, 256, kernel, bias=False) for channels, kernel in kernels]
    assert weights(nodes) == sum(module.weight.numel() for module in modules)


def test_wavenet_keeps_the_length_and_has_ten_gates():
    nodes = nodes_of("wavenet", (1, 4096, 1))
    assert str(nodes[-1].output) == "1x4096x256"
    # The first convolution, ten times two gates and the way on, ten skips, two at the end.
    assert weights(nodes) == 2 * 32 + 10 * (2 * 2 * 32 * 32 + 32 * 32) + 10 * 32 * 64 + 64 * 64 + 64 * 256


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.stem")), ids=lambda path: path.stem)
def test_every_example_says_what_it_is(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert any(
        year in path.read_text() for year in ("2012", "2014", "2015", "2016", "2017", "2018", "2019", "2022", "2023")
    )
