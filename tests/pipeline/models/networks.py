"""Networks as their papers' code builds them, small and with random weights: what users export to ONNX."""

import torch
from torch import nn
from torch.nn import functional


def conv_bn(inputs, features, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [
        nn.Conv2d(inputs, features, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(features),
    ]
    return nn.Sequential(*layers, act()) if act is not None else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    """He et al. 2016."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(inputs, width, 1), conv_bn(width, width, 3, stride), conv_bn(width, 4 * width, 1, act=None)
        )
        is_same = stride == 1 and inputs == 4 * width
        self.shortcut = nn.Identity() if is_same else conv_bn(inputs, 4 * width, 1, stride, act=None)

    def forward(self, x):
        return functional.relu(self.body(x) + self.shortcut(x))


class ResNet(nn.Module):
    """A stem and stages of bottlenecks; `blocks` of (3, 4, 6, 3) and width 64 is ResNet-50."""

    def __init__(self, width=8, blocks=(2, 2, 1)):
        super().__init__()
        layers, inputs = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()], width
        layers.append(nn.MaxPool2d(3, 2, 1))
        for stage, count in enumerate(blocks):
            for block in range(count):
                layers.append(Bottleneck(inputs, width << stage, 2 if stage and not block else 1))
                inputs = 4 * (width << stage)
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class ChannelsLast(nn.Module):
    """Layer norm over channels as ConvNeXt's stem and down-sampling layers have it."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels, eps=1e-6)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Liu et al. 2022, with the permutes of the official code."""

    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.wide, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 0.3))

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        y = self.gamma * self.narrow(functional.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, widths=(8, 16), depths=(2, 2)):
        super().__init__()
        layers = [nn.Conv2d(3, widths[0], 4, 4), ChannelsLast(widths[0])]
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if stage:
                layers += [ChannelsLast(widths[stage - 1]), nn.Conv2d(widths[stage - 1], width, 2, 2)]
            layers += [ConvNeXtBlock(width) for _ in range(depth)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class SqueezeExcite(nn.Module):
    """Hu et al. 2018."""

    def __init__(self, channels, inner, gate):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.down, self.up, self.gate = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1), gate

    def forward(self, x):
        return x * self.gate(self.up(functional.relu(self.down(self.pool(x)))))


class InvertedResidual(nn.Module):
    """MobileNet v2 and v3, EfficientNet: expand, depthwise, squeeze and excite, project."""

    def __init__(self, inputs, expanded, features, kernel, stride, act, gate=None):
        super().__init__()
        layers = [conv_bn(inputs, expanded, 1, act=act), conv_bn(expanded, expanded, kernel, stride, expanded, act)]
        if gate is not None:
            layers.append(SqueezeExcite(expanded, 4, gate))
        self.body = nn.Sequential(*layers, conv_bn(expanded, features, 1, act=None))
        self.is_residual = stride == 1 and inputs == features

    def forward(self, x):
        return x + self.body(x) if self.is_residual else self.body(x)


class MobileNetV3(nn.Sequential):
    """Howard et al. 2019."""

    def __init__(self):
        super().__init__(
            conv_bn(3, 8, 3, 2, act=nn.Hardswish),
            InvertedResidual(8, 8, 8, 3, 2, nn.ReLU, nn.Hardsigmoid()),
            InvertedResidual(8, 24, 12, 3, 2, nn.ReLU),
            InvertedResidual(12, 24, 12, 5, 1, nn.Hardswish, nn.Hardsigmoid()),
        )


class EfficientNet(nn.Sequential):
    """Tan and Le 2019."""

    def __init__(self):
        super().__init__(
            conv_bn(3, 8, 3, 2, act=nn.SiLU),
            InvertedResidual(8, 16, 12, 3, 2, nn.SiLU, nn.Sigmoid()),
            InvertedResidual(12, 24, 12, 5, 1, nn.SiLU, nn.Sigmoid()),
        )


class UNet(nn.Module):
    """Ronneberger et al. 2015, two levels, by transposed convolution and by bilinear up-sampling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(6, 12, 3, padding=1), nn.ReLU())
        self.bottom = nn.Sequential(nn.Conv2d(12, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 12, 2, 2)
        self.join = nn.Sequential(nn.Conv2d(24, 12, 3, padding=1), nn.ReLU())
        self.last = nn.Sequential(nn.Conv2d(18, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 2, 1))

    def forward(self, x):
        one = self.first(x)
        two = self.second(functional.max_pool2d(one, 2))
        deep = self.bottom(functional.max_pool2d(two, 2))
        two = self.join(torch.cat([two, self.up(deep)], 1))
        up = functional.interpolate(two, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.last(torch.cat([one, up], 1))


class C2f(nn.Module):
    """YOLOv8's block: half of the channels run on, and all that they make is concatenated."""

    def __init__(self, inputs, features, count=2):
        super().__init__()
        self.half = features // 2
        self.first, self.last = (
            conv_bn(inputs, features, 1, act=nn.SiLU),
            conv_bn((2 + count) * self.half, features, 1, act=nn.SiLU),
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(conv_bn(self.half, self.half, act=nn.SiLU), conv_bn(self.half, self.half, act=nn.SiLU))
            for _ in range(count)
        )

    def forward(self, x):
        parts = list(self.first(x).chunk(2, 1))
        for block in self.blocks:
            parts.append(parts[-1] + block(parts[-1]))
        return self.last(torch.cat(parts, 1))


class SPPF(nn.Module):
    """YOLOv5's spatial pyramid pooling."""

    def __init__(self, channels):
        super().__init__()
        self.first = conv_bn(channels, channels // 2, 1, act=nn.SiLU)
        self.last = conv_bn(channels * 2, channels, 1, act=nn.SiLU)
        self.pool = nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        parts = [self.first(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.last(torch.cat(parts, 1))


class Yolo(nn.Module):
    """A backbone with C2f and SPPF, and a neck that goes up once."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, 2, act=nn.SiLU)
        self.three = nn.Sequential(conv_bn(8, 12, 3, 2, act=nn.SiLU), C2f(12, 12))
        self.four = nn.Sequential(conv_bn(12, 16, 3, 2, act=nn.SiLU), C2f(16, 16, 1), SPPF(16))
        self.neck = C2f(28, 12, 1)

    def forward(self, x):
        three = self.three(self.stem(x))
        four = self.four(three)
        return self.neck(torch.cat([functional.interpolate(four, scale_factor=2.0, mode="nearest"), three], 1))


class Zoo(nn.Module):
    """Layers that the others do not have."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=(1, 2), padding_mode="reflect")
        self.group, self.instance = nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)
        self.prelu, self.mish = nn.PReLU(8), nn.Mish()
        self.average = nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)
        self.dilated = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=2)
        self.response = nn.LocalResponseNorm(3)
        self.up = nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1)

    def forward(self, x):
        x = self.prelu(self.group(self.first(x)))
        x = self.average(self.mish(self.instance(x)))
        x = functional.leaky_relu(self.dilated(x), 0.1)
        x = functional.elu(self.response(x), 0.7) * 2.0 + 0.5
        x = functional.hardtanh(x[:, 2:, 1:, :-1], -0.9, 1.5)
        x = functional.pad(x, (1, 0, 2, 1))
        return functional.gelu(self.up(torch.cat([x, x[:, :2]], 1)), approximate="tanh")


class Vectors(nn.Module):
    """Squeeze and excitation (Hu et al. 2018) on vectors, which get their pixels back in three ways."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 8, 5, 2, 2), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3)])
        self.down = nn.ModuleList([nn.Linear(8, 2) for _ in range(3)])
        self.up = nn.ModuleList([nn.Linear(2, 8) for _ in range(3)])

    def forward(self, x):
        ways = [
            lambda made: made[:, :, None, None],
            lambda made: made.unsqueeze(2).unsqueeze(3),
            lambda made: made.view(1, 8, 1, 1),
        ]
        for conv, down, up, way in zip(self.convs, self.down, self.up, ways, strict=True):
            x = functional.silu(conv(x))
            x = x * way(torch.sigmoid(up(functional.relu(down(x.mean((2, 3)))))))
        return x


NETWORKS = {
    "resnet": (ResNet, 40),
    "convnext": (ConvNeXt, 48),
    "mobilenet_v3": (MobileNetV3, 40),
    "efficientnet": (EfficientNet, 32),
    "unet": (UNet, 24),
    "yolo": (Yolo, 48),
    "zoo": (Zoo, 19),
    "vectors": (Vectors, 20),
}
"""(the network, the side of its input plane) by name."""


def built(name, seed=0):
    """A network in float32 and evaluation mode, its statistics and biases as if it had been trained."""
    torch.manual_seed(seed)
    network = NETWORKS[name][0]().eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
            if isinstance(module, nn.BatchNorm2d | nn.LayerNorm | nn.GroupNorm | nn.InstanceNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return network
