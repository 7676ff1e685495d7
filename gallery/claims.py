"""What the examples claim: the numbers that they must show, and where these come from.

No expected number was measured by erfsweep: each is from the paper, from another program or from mathematics.
"""

from collections.abc import Callable, Iterator
from math import sqrt

import msgspec
import numpy as np

from erfsweep import Store
from gallery.expected import ANYTHING, Expected, above, exactly, near, within

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
    measured: Callable[[Store], float]


def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims of each example, by its name."""
    return {
        "depth": tuple(_depth()),
        "activations": tuple(_activations()),
        "growth": tuple(_growth()),
        "strides": tuple(_strides()),
        "skips": tuple(_skips()),
        "kernels": tuple(_kernels()),
        "classic": tuple(_classic()),
        "width": tuple(_width()),
        "padding": tuple(_padding()),
        "trained": tuple(_trained()),
    }


def _depth() -> Iterator[Claim]:
    luo = {10: 11.7047, 20: 16.1555, 40: 22.7376}
    for depth, size in luo.items():
        yield Claim(
            f"`luo` of {depth} uniform layers [px]",
            exactly(size),
            BOXES,
            _of("depth", f"{depth} uniform", "luo"),
        )
    share = (luo[40] / 81) / (luo[10] / 21)
    shares = [_of("depth", f"{depth} uniform", "luo_ratio") for depth in (10, 40)]
    yield Claim(
        "share of the window (`luo_ratio`), 40 uniform layers against 10",
        exactly(share),
        f"{BOXES}; {LUO}: falls like 1 / sqrt(n)",
        lambda store: shares[1](store) / shares[0](store),
    )
    for kind in ("random", "with ReLU"):
        for depth in (5, 10, 20, 40):
            yield _deviation("depth", f"{depth} {kind}", sqrt(2 * depth / 3))
    for label in ("40 uniform", "40 random", "40 with ReLU"):
        yield Claim(
            f"R squared of the Gaussian that fits best, {label}",
            above(0.95),
            f"{LUO}, figure 1: Gaussian; the bound is ours",
            _of("depth", label, "gauss_r2"),
        )


def _activations() -> Iterator[Claim]:
    mean_field = "closed form, in the limit of wide layers (mean field: Poole et al. 2016, Schoenholz et al. 2017)"
    for label in ("no activation", "with ReLU", "with leaky ReLU", "with tanh", "with sigmoid"):
        source = mean_field if label in ("with tanh", "with sigmoid") else CLOSED
        yield _deviation("activations", label, sqrt(2 * 20 / 3), source)


def _growth() -> Iterator[Claim]:
    room = 0.05
    """Twice the standard error of a slope: a program of others had 0.566 ± 0.025 and -0.412 ± 0.025 with 20 draws."""
    source = f"{LUO}, section 3.1"
    yield Claim("slope of log `luo` with log depth", within(0.56, room), source, lambda store: _slope(store, False))
    yield Claim(
        "slope of log `luo` / theoretical RF with log depth",
        within(-0.43, room),
        source,
        lambda store: _slope(store, True),
    )


def _slope(store: Store, of_ratio: bool) -> float:
    """The slope that least squares fit through the logarithms of depth and of the mean size, or of its share."""
    rows = store.rows("growth", columns="depth,theo_rf,luo", over="seed")
    depth, window, size = (np.array([row[name] for row in rows], float) for name in ("depth", "theo_rf", "luo"))
    return float(np.polyfit(np.log(depth), np.log(size / window if of_ratio else size), 1)[0])


def _strides() -> Iterator[Claim]:
    stems = {
        "no stride": (31, 10),
        "at the end": (39, (13 + 4 + 16) * 2 / 3),
        "between": (71, 70),
        "at the start": (207, (1 + 4 + 16 + 12 * 64) * 2 / 3),
        "dilation": (53, 64),
    }
    for label, (window, _) in stems.items():
        yield _window("strides", label, window)
    for label, (_, variance) in stems.items():
        yield _deviation("strides", label, sqrt(variance))


def _skips() -> Iterator[Claim]:
    half = "half of the variance: a gradient passes a layer or its shortcut"
    for label, expected in (("uniform", 3.651484), ("uniform, skips", 2.581989)):
        yield Claim(
            f"standard deviation, {label} [px]",
            exactly(expected),
            CLOSED if label == "uniform" else half,
            _of("skips", label, "sigma_x"),
        )
    random = [_of("skips", label, "sigma_x") for label in ("random", "random, skips")]
    yield _deviation("skips", "random", sqrt(2 * 20 / 3))
    yield _deviation("skips", "random, skips", sqrt(20 / 3), half)
    yield Claim(
        "standard deviation without skips against that with skips, random",
        near(sqrt(2), SCATTER),
        half,
        lambda store: random[0](store) / random[1](store),
    )


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
    for label in ("one 31x31", "fifteen 3x3", "dilated 3x3"):
        yield _window("kernels", label, 31)
    for label, variance in variances.items():
        yield _deviation("kernels", label, sqrt(variance))
    for label, work in macs.items():
        yield Claim(f"multiply-adds, {label}", exactly(work), "k^2 C F per pixel", _of("kernels", label, "macs"))


def _classic() -> Iterator[Claim]:
    windows = {
        "AlexNet": (51, "published tables: conv2 of AlexNet v2"),
        "VGG-16": (44, "published tables: pool3 of VGG-16"),
        "ResNet-18": (99, "torchvision's ResNet-18, layer2"),
        "Inception v1": (91, ARITHMETIC),
        "ConvNeXt-T": (224, ARITHMETIC),
        "like RepLKNet": (251, ARITHMETIC),
    }
    for label, (window, source) in windows.items():
        yield Claim(f"theoretical RF, {label} [px]", exactly(window), source, _of("classic", label, "theo_rf"))
    sizes = [_of("classic", label, "hdr") for label in ("like RepLKNet", "ResNet-18")]
    yield Claim(
        "`hdr` like RepLKNet against ResNet-18",
        above(1),
        "Ding et al. 2022, figure 1: large kernels see farther than many small ones",
        lambda store: sizes[0](store) / sizes[1](store),
    )


def _width() -> Iterator[Claim]:
    law = 2.025806
    """Of the square root of the 4-fold convolution of the box."""
    program = "by an independent program"
    for channels, missing, room in ((1, 0.08, 2), (4, 0.02, 1), (64, 0.0, 1)):
        where = f"features == {channels}"
        yield Claim(
            f"mean over draws of the standard deviation, {channels} channel{'s' * (channels > 1)} [px]",
            near(round(law * (1 - missing), 6), room),
            f"{missing:.0%} below the square root of the closed form, {program}".replace("%", " %")
            if missing
            else "square root of the closed form, in the limit of wide layers",
            lambda store, where=where: store.rows("width", where=where, columns="sigma_x", over="seed")[0]["sigma_x"],
        )


def _padding() -> Iterator[Claim]:
    copies = "kernels of weight 1 / 9; what padding copies comes back"
    for kind, place, share in (
        ("zeros", (0, 0), 1 / 9),
        ("replicate", (0, 0), 4 / 9),
        ("reflect", (1, 1), 4 / 9),
        ("circular", (5, 5), 1 / 9),
    ):
        yield Claim(
            f"E at (row, column) {place}, one layer, {kind}",
            exactly(share),
            copies,
            lambda store, kind=kind, place=place: float(_heatmap(store, f"one layer, {kind}")[place]),
        )
    walks = "walks of 8 steps of -1, 0 and 1 that never leave: 2123 of 3^8 (OEIS A005773)"
    stay = 2123 / 3**8
    for place, expected in (("edge", stay), ("corner", stay**2)):
        yield Claim(
            f"sum of E, eight layers, {place}, zeros",
            exactly(expected),
            walks,
            lambda store, place=place: float(_heatmap(store, f"{place}, zeros").sum()),
        )
    for kind in ("reflect", "replicate", "circular"):
        yield Claim(
            f"sum of E, eight layers, corner, {kind}",
            exactly(1.0),
            "nothing is lost",
            lambda store, kind=kind: float(_heatmap(store, f"corner, {kind}").sum()),
        )


def _trained() -> Iterator[Claim]:
    for network, expected, source in (
        ("classifier", above(1), f"{LUO}, section 3: larger after training"),
        ("detector", ANYTHING, "none"),
    ):
        yield Claim(
            f"`hdr` trained against untrained, {network}",
            expected,
            source,
            lambda store, network=network: _hdr(store, f"{network}-trained") / _hdr(store, f"{network}-untrained"),
        )


def _hdr(store: Store, sweep: str) -> float:
    return float(store.rows(sweep, columns="hdr", over="seed")[0]["hdr"])


def _deviation(sweep: str, label: str, expected: float, source: str = CLOSED) -> Claim:
    """The standard deviation of the mean heatmap over draws."""
    says = f"standard deviation, {label} [px]"
    return Claim(says, near(expected, SCATTER), source, _of(sweep, label, "sigma_x"))


def _window(sweep: str, label: str, expected: int) -> Claim:
    says = f"theoretical RF, {label} [px]"
    return Claim(says, exactly(expected), ARITHMETIC, _of(sweep, label, "theo_rf"))


def _of(sweep: str, label: str, column: str) -> Callable[[Store], float]:
    """A column of the configs of a label: where it is a size, that of their mean heatmap."""

    def measured(store: Store) -> float:
        (row,) = store.rows(sweep, where=f"label == '{label}'", columns=column, over="seed", map="mean")
        return float(row.get(f"{column}_map", row[column]))

    return measured


def _heatmap(store: Store, label: str) -> np.ndarray:
    """The heatmap of the one config of a label, float64 [height, width]."""
    (row,) = store.rows("padding", where=f"label == '{label}'", columns="id")
    return store.heatmap(row["id"])
