"""Weights and multiply-adds: published counts of known networks, and PyTorch's own counter."""

import pytest

from pipeline.result import Costs
from pipeline.stem import Convolution, Plane, Transposed, network
from pipeline.theory import costs

VGG16 = "2x3x3:64 max2x2/2p0 2x3x3:128 max2x2/2p0 3x3x3:256 max2x2/2p0 3x3x3:512 max2x2/2p0 3x3x3:512"
RESNET18 = (
    "7x7/2:64 max3x3/2 2xres(2x3x3:64) res(3x3/2:128 3x3:128) res(2x3x3:128) res(3x3/2:256 3x3:256) "
    "res(2x3x3:256) res(3x3/2:512 3x3:512) res(2x3x3:512) gap"
)


@pytest.mark.parametrize(
    ("stem", "plane", "params", "macs"),
    [
        # torchvision's ResNet-18 has 11,689,512 parameters: 513,000 of the classifier, 9,600 of batch norms; and
        # 1.814 G multiply-adds, of which the classifier has 512,000.
        (RESNET18, Plane(224, 224, 3), 11_689_512 - 513_000 - 9_600, 1_813_561_344),
        # VGG-16's convolutions have 14,714,688 parameters, 4,224 of them biases (Keras, `include_top=False`).
        (VGG16, Plane(224, 224, 3), 14_714_688 - 4_224, 15_346_630_656),
        ("3x3", Plane(5, 7), 36, 36 * 35),
        ("3x3p0", Plane(5, 7), 36, 36 * 15),
        ("3x3/2:8", Plane(5, 7, 3), 216, 216 * 12),
        ("dw3x3:8", Plane(6, 6, 4), 72, 72 * 36),
        ("1x1:8 3x3:8g4", Plane(6, 6, 4), 32 + 144, 36 * (32 + 144)),
        ("t2x2/2:5", Plane(6, 6, 4), 80, 80 * 36),
        ("max3x3/2 avg2x2/2 up2 bn ln relu gap", Plane(21, 21), 0, 0),
    ],
)
def test_counts_are_those_of_the_books(stem: str, plane: Plane, params: int, macs: int) -> None:
    assert costs(stem, plane) == Costs(params, macs)


def test_what_64_bits_do_not_hold_is_not_there() -> None:
    plane = Plane(1_000, 1_000)
    assert costs("2x1x1:1000000", plane) == Costs(1_000_000 + 10**12, 10**12 + 10**18)
    assert costs("20x1x1:1000000", plane) == Costs(1_000_000 + 19 * 10**12, None)


@pytest.mark.parametrize(
    "stem", ["2x3x3:6 res(2x3x3/2:8) t4x4/2:4g2 dw5x5:8 1x1:3", "7x5/2x1:4 res_pre(3x3:4g2 1x1:4)"]
)
def test_counts_are_those_of_pytorch(stem: str) -> None:
    torch = pytest.importorskip("torch")
    plane = Plane(23, 20, 2)
    counter = pytest.importorskip("torch.utils.flop_counter").FlopCounterMode(display=False)
    params = 0
    with counter:
        for node in network(stem, plane):
            if isinstance(node.layer, Convolution):
                is_back = isinstance(node.layer, Transposed)
                kind = torch.nn.ConvTranspose2d if is_back else torch.nn.Conv2d
                stride, kernel = (node.y.stride, node.x.stride), (node.y.kernel, node.x.kernel)
                layer = kind(node.input.channels, node.output.channels, kernel, stride, groups=node.groups, bias=False)
                params += layer.weight.numel()
                below, above = (node.y.before, node.y.after), (node.x.before, node.x.after)
                x = torch.zeros(1, node.input.channels, node.input.height, node.input.width)
                layer(x if is_back else torch.nn.functional.pad(x, (*above, *below)))
    assert costs(stem, plane) == Costs(params, counter.get_total_flops() // 2)
