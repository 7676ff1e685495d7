"""What the examples claim: the numbers that they must show, and where these come from.

No expected number was measured by erfsweep: each is from the paper, from another program or from mathematics.
"""

from collections.abc import Callable, Iterator
from math import sqrt

import msgspec

from gallery.expected import OBSERVED, Expected, above, exactly, near, within
from gallery.measured import Question, mean_size, of_label, pixel, quotient, slope, total

LUO = "Luo et al. 2016"
CLOSED = "closed form"
BOXES = "closed form, computed with fractions"
ARITHMETIC = "receptive-field arithmetic"
SCATTER = 8.0
"""Percent that the standard deviation of a mean heatmap may be off over 64 draws: one of four layers of 4 channels has
8 % at most in 64 draws, and the deeper stems here have 8 channels or more."""


class Claim(msgspec.Struct, frozen=True):
    """A number of an example: what it is, with its unit; what it must be and by whom; and how a store is asked."""

    says: str
    expected: Expected
    source: str
    measured: Question


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims of each example, by its name."""
    return {name: tuple(of()) for name, of in _OF.items()}


def _depth() -> Iterator[Claim]:
    luo = {10: 11.7047, 20: 16.1555, 40: 22.7376}
    for depth, size in luo.items():
        says = f"`luo` of {depth} uniform layers [px]"
        yield Claim(says, exactly(size), BOXES, of_label("depth", f"{depth} uniform", "luo"))
    share, least = (of_label("depth", f"{depth} uniform", "luo_ratio") for depth in (10, 40))
    yield Claim(
        "share of the window (`luo_ratio`), 40 uniform layers against 10",
        exactly((luo[40] / 81) / (luo[10] / 21)),
        f"{BOXES}; {LUO}: falls like 1 / sqrt(n)",
        quotient(least, share),
    )
    for kind in ("random", "with ReLU"):
        for depth in (5, 10, 20, 40):
            yield _deviation("depth", f"{depth} {kind}", sqrt(2 * depth / 3))
    for label in ("40 uniform", "40 random", "40 with ReLU"):
        yield Claim(
            f"R squared of the Gaussian that fits best, {label}",
            above(0.95),
            f"{LUO}, figure 1: Gaussian; the bound is ours",
            of_label("depth", label, "gauss_r2"),
        )


def _activations() -> Iterator[Claim]:
    mean_field = f"{CLOSED}, in the limit of wide layers (mean field: Poole et al. 2016, Schoenholz et al. 2017)"
    for label in ("no activation", "with ReLU", "with leaky ReLU", "with tanh", "with sigmoid"):
        source = mean_field if label in ("with tanh", "with sigmoid") else CLOSED
        yield _deviation("activations", label, sqrt(2 * 20 / 3), source)


def _growth() -> Iterator[Claim]:
    source = f"{LUO}, section 3.1"
    room = 0.05
    """Twice the standard error of a slope: another program had 0.566 ± 0.025 and -0.412 ± 0.025 with 20 draws."""
    yield Claim("slope of log `luo` with log depth", within(0.56, room), source, slope("growth", "luo"))
    of_ratio = slope("growth", "luo", of_ratio=True)
    yield Claim("slope of log `luo` / theoretical RF with log depth", within(-0.43, room), source, of_ratio)


def _strides() -> Iterator[Claim]:
    stems = {
        "no stride": (31, 15 * 2 / 3),
        "at the end": (39, (13 + 4 + 16) * 2 / 3),
        "between": (71, 5 * (1 + 4 + 16) * 2 / 3),
        "at the start": (207, (1 + 4 + 16 + 12 * 64) * 2 / 3),
        "dilation": (53, (12 + 4 + 16 + 64) * 2 / 3),
    }
    for label, (window, _) in stems.items():
        yield _window("strides", label, window)
    for label, (_, variance) in stems.items():
        yield _deviation("strides", label, sqrt(variance))


def _skips() -> Iterator[Claim]:
    half = "half of the variance: a gradient passes a layer or its shortcut"
    for label, expected, source in (("uniform", sqrt(40 / 3), CLOSED), ("uniform, skips", sqrt(20 / 3), half)):
        says = f"standard deviation, {label} [px]"
        yield Claim(says, exactly(expected), source, of_label("skips", label, "sigma_x"))
    yield _deviation("skips", "random", sqrt(40 / 3))
    yield _deviation("skips", "random, skips", sqrt(20 / 3), half)
    plain, skips = (of_label("skips", label, "sigma_x") for label in ("random", "random, skips"))
    says = "standard deviation without skips against that with skips, random"
    yield Claim(says, near(sqrt(2), SCATTER), half, quotient(plain, skips))


def _kernels() -> Iterator[Claim]:
    variances = {
        "one 31x31": 80,
        "depthwise 31x31": 80,
        "three 11x11": 30,
        "five 7x7": 20,
        "fifteen 3x3": 10,
        "dilated 3x3": (1 + 4 + 25 + 49) * 2 / 3,
    }
    pixels = 41 * 41
    macs = {
        "one 31x31": 31 * 31 * 8 * 8 * pixels,
        "depthwise 31x31": (31 * 31 + 8) * 8 * pixels,
        "fifteen 3x3": 15 * 9 * 8 * 8 * pixels,
        "dilated 3x3": 4 * 9 * 8 * 8 * pixels,
    }
    for label in variances:
        yield _window("kernels", label, 31)
    for label, variance in variances.items():
        yield _deviation("kernels", label, sqrt(variance))
    for label, work in macs.items():
        source = "k² C F / groups for each pixel and layer"
        yield Claim(f"multiply-adds, {label}", exactly(work), source, of_label("kernels", label, "macs"))


def _classic() -> Iterator[Claim]:
    windows = {
        "AlexNet": (51, "published tables: conv2 of AlexNet v2"),
        "VGG-16": (44, "published tables: pool3 of VGG-16"),
        "ResNet-18": (99, "published tables: layer2 of torchvision's ResNet-18"),
        "Inception v1": (91, ARITHMETIC),
        "ConvNeXt-T": (224, ARITHMETIC),
        "like RepLKNet": (251, ARITHMETIC),
    }
    for label, (window, source) in windows.items():
        yield _window("classic", label, window, source)
    large, small = (of_label("classic", label, "hdr") for label in ("like RepLKNet", "ResNet-18"))
    source = "Ding et al. 2022, figure 1: large kernels see farther than many small ones"
    yield Claim("`hdr` like RepLKNet against ResNet-18", above(1), source, quotient(large, small))


def _width() -> Iterator[Claim]:
    law = 2.025806
    """Standard deviation of the square root of the 4-fold convolution of the box."""
    root = "the square root of the closed form"
    for channels, below, room, source in (
        (1, 0.08, 2, f"8 % below {root}, by an independent program"),
        (4, 0.02, 1, f"2 % below {root}, by an independent program"),
        (64, 0.0, 1, f"{root}, in the limit of wide layers"),
    ):
        says = f"mean over draws of the standard deviation, {channels} channel{'s' * (channels > 1)} [px]"
        expected = near(law * (1 - below), room)
        yield Claim(says, expected, source, mean_size("width", "sigma_x", f"features == {channels}"))


def _padding() -> Iterator[Claim]:
    copies = "nine weights of 1 / 9; what padding copies comes back"
    for kind, place, share in (
        ("zeros", (0, 0), 1 / 9),
        ("replicate", (0, 0), 4 / 9),
        ("reflect", (1, 1), 4 / 9),
        ("circular", (5, 5), 1 / 9),
    ):
        says = f"E at (row, column) {place}, one layer, {kind}"
        yield Claim(says, exactly(share), copies, pixel("padding", f"one layer, {kind}", place))
    walks = "walks of 8 steps of -1, 0 and 1 that never leave: 2123 of 3^8 (OEIS A005773)"
    for label, kept, source in (
        ("edge, zeros", 2123 / 3**8, walks),
        ("corner, zeros", (2123 / 3**8) ** 2, f"{walks}, squared"),
        ("corner, reflect", 1.0, "nothing is lost"),
        ("corner, replicate", 1.0, "nothing is lost"),
        ("corner, circular", 1.0, "nothing is lost"),
    ):
        yield Claim(f"sum of E, eight layers, {label}", exactly(kept), source, total("padding", label))


def _trained() -> Iterator[Claim]:
    window = 1 + (2 * 1 + 2 * 2) + (2 * 2 + 2 * 4) + (2 * 4 + 2 * 8) + 2 * 8 + 4 * 4 * 16
    """The sum of (k - 1) j: 3x3 twice at j of 1 and 2, 2 and 4, 4 and 8, once at 8, and 5x5 four times at 16."""
    for kind in ("trained", "untrained"):
        says = f"theoretical RF, {kind} detector [px]"
        yield Claim(says, exactly(window), ARITHMETIC, mean_size(f"detector-{kind}", "theo_rf"))
    for network, expected, source in (
        ("classifier", above(1), f"{LUO}, section 3: larger after training"),
        ("detector", OBSERVED, f"no claim: {LUO} saw it grow in a network for segmentation"),
    ):
        trained, untrained = (mean_size(f"{network}-{kind}", "hdr") for kind in ("trained", "untrained"))
        yield Claim(f"`hdr` trained against untrained, {network}", expected, source, quotient(trained, untrained))


_OF: dict[str, Callable[[], Iterator[Claim]]] = {
    "depth": _depth,
    "activations": _activations,
    "growth": _growth,
    "strides": _strides,
    "skips": _skips,
    "kernels": _kernels,
    "classic": _classic,
    "width": _width,
    "padding": _padding,
    "trained": _trained,
}


def _deviation(sweep: str, label: str, expected: float, source: str = CLOSED) -> Claim:
    """The standard deviation of the mean heatmap over draws."""
    says = f"standard deviation, {label} [px]"
    return Claim(says, near(expected, SCATTER), source, of_label(sweep, label, "sigma_x"))


def _window(sweep: str, label: str, expected: int, source: str = ARITHMETIC) -> Claim:
    says = f"theoretical RF, {label} [px]"
    return Claim(says, exactly(expected), source, of_label(sweep, label, "theo_rf"))
