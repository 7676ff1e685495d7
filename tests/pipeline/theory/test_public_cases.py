"""Questions that people asked in public about receptive fields, with the right answers."""

import pytest

from pipeline.stem import Plane, network
from pipeline.theory import Row, theory, window


def rows(stem: str, side: int = 224, channels: int = 3) -> tuple[Row, ...]:
    return theory(network(stem, Plane(side, side, channels))).rows


def bottleneck(features: int, first: int = 1, second: int = 1, count: int = 1) -> str:
    """`count` blocks of ResNet-50, the first of them with these strides of its first 1x1 and of its 3x3."""
    more = f" {count - 1}xres(1x1:{features} 3x3:{features} 1x1:{4 * features})" if count > 1 else ""
    return f"res(1x1/{first}:{features} 3x3/{second}:{features} 1x1:{4 * features}){more}"


@pytest.mark.parametrize(
    ("strides", "rf", "padding"),
    [((2, 1), (35, 99, 291), 145), ((1, 2), (35, 91, 267), 133)],
    ids=["Caffe", "torchvision"],
)
def test_resnet_50(strides: tuple[int, int], rf: tuple[int, ...], padding: int) -> None:
    stages = [
        "7x7/2:64 max3x3/2",
        bottleneck(64, count=3),
        bottleneck(128, *strides, count=4),
        bottleneck(256, *strides, count=6),
    ]
    ends = [rows(" ".join(stages[: count + 2]))[-1] for count in range(3)]
    assert tuple(row.rf for row in ends) == rf
    assert (ends[-1].jump, ends[-1].padding) == (16, padding)


DARKNET = (
    "3x3:32 3x3/2:64 res(1x1:32 3x3:64) 3x3/2:128 2xres(1x1:64 3x3:128) 3x3/2:256 8xres(1x1:128 3x3:256) 3x3/2:512 "
    "8xres(1x1:256 3x3:512) 3x3/2:1024 4xres(1x1:512 3x3:1024)"
)


def test_darknet_53_and_its_head() -> None:
    assert rows(DARKNET, 416)[-1].rf == 725
    assert rows(f"{DARKNET} 1x1:512 3x3:1024 1x1:512 3x3:1024 1x1:512 3x3:1024 1x1:255", 416)[-1].rf == 917


def test_the_first_layers_of_yolo_v5() -> None:
    stem = "6x6/2p2:32 3x3/2p1:64 res(1x1:32 3x3:64) 3x3/2p1:128 3xres(1x1:64 3x3:128) 3x3/2p1:256 res(1x1:128 3x3:256)"
    walked = [row for row in rows(stem, 640) if not row.layer.startswith(("1x1", "res"))]
    assert [row.rf for row in walked] == [6, 10, 18, 26, 42, 58, 74, 90, 122]
    assert {row.start for row in walked} == {0.5}


@pytest.mark.parametrize(("count", "rf"), [(3, 70), (5, 286), (6, 574)])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_patch_gan(count: int, rf: int, padding: int) -> None:
    stem = " ".join([f"4x4/2p{padding}"] * count + [f"4x4p{padding}"] * 2)
    assert rows(stem, 600)[-1].rf == rf
    if (count, padding) == (3, 1):
        assert rows(stem, 600)[-1].start == 11.5


def test_v_net() -> None:
    down = "5x5:4 2x2/2p0 2x5x5 2x2/2p0 3x5x5 2x2/2p0 3x5x5 2x2/2p0 3x5x5"
    up = "t2x2/2p0 3x5x5 t2x2/2p0 3x5x5 t2x2/2p0 2x5x5 t2x2/2p0 5x5"
    stem = f"{down} {up}"
    walk = theory(network(stem, Plane(128, 128)))
    ends = [0, 3, 7, 11, 15, 19, 23, 26, 28]
    assert [walk.rows[at].rf for at in ends] == [5, 22, 72, 172, 372, 476, 528, 546, 551]
    # Exact windows at the up-sampled levels are smaller.
    levels = [" ".join(stem.split()[:stop]) for stop in (12, 14, 16, 18)]
    exact = [theory(network(level, Plane(128, 128))).halo for level in levels]
    assert [found.widths for found in exact[:2] if found] == [(468,), (516,)]
    assert exact[3] is not None
    assert (min(exact[3].widths), max(exact[3].widths)) == (532, 548)


def unet(levels: int) -> str:
    inner = f" cat(|max2x2/2p0 {unet(levels - 1)} up2) 2x3x3" if levels else ""
    return f"2x3x3{inner}"


@pytest.mark.parametrize(("levels", "windows", "reach"), [(2, (44,), 23), (3, (92, 100), 51)])
def test_unet(levels: int, windows: tuple[int, ...], reach: int) -> None:
    found = theory(network(unet(levels), Plane(128, 128))).halo
    assert found is not None
    assert found.widths == found.heights == windows
    assert (found.top, found.bottom, found.left, found.right) == (reach,) * 4


@pytest.mark.parametrize(
    ("kernel", "dilations", "stacks", "rf"), [(4, (1, 2, 4, 8, 16, 32, 64), 1, 763), (8, (1, 2, 4, 8), 3, 631)]
)
def test_causal_networks_end_at_the_unit(kernel: int, dilations: tuple[int, ...], stacks: int, rf: int) -> None:
    stem = " ".join(f"2x1x{kernel}@1x{d}p0x{d * (kernel - 1)}+0" for d in dilations * stacks)
    seen = window(network(stem, Plane(1, 1000)), (0, 900))
    assert (seen.width, seen.right) == (rf, 900)


def test_dilations() -> None:
    assert rows(" ".join(f"3x3@{d}" for d in (1, 1, 2, 4, 8, 4, 2, 1)) + " 1x1")[-1].rf == 47
    assert rows("dw5x5 dw5x5@3 1x1")[-1].rf == 17
    assert rows("dw5x5 dw7x7@3 1x1")[-1].rf == 23
    assert rows("3x3@2p1")[-1].start == 1


def test_face_boxes() -> None:
    # Its last map and the 3x3 of the head; CReLU doubles channels and moves no unit.
    inception = "cat(1x1:32|max3x3 1x1:32|1x1:24 3x3:32|1x1:24 3x3:32 3x3:32)"
    stem = f"7x7/4:48 max3x3/2 5x5/2:128 max3x3/2 3x{inception} 1x1:128 3x3/2:256 1x1:128 3x3/2:256 3x3:84"
    assert rows(stem, 1024)[-1].rf == 911


def test_densenet_121() -> None:
    layer = "cat(|bn relu 1x1:128=linear bn relu 3x3:32=linear)"
    transition, planes = "bn relu 1x1:{}=linear avg2x2/2p0", (128, 256, 512)
    stem = "7x7/2:64=linear bn relu max3x3/2"
    for depth, features in zip((6, 12, 24), planes, strict=True):
        stem += f" {depth}x{layer} {transition.format(features)}"
    last = rows(f"{stem} 16x{layer}")[-1]
    assert (last.rf, last.start, last.rf_min) == (2071, 14, 39)


def test_the_first_map_of_ssd() -> None:
    (row,) = rows("3x3/2p1", 5)
    assert [row.start + unit * row.jump for unit in range(row.width)] == [0, 2, 4]


@pytest.mark.parametrize("kernels", [(3, 3, 3), (7, 3, 5), (1, 3, 1)])
def test_odd_kernels_padded_by_their_half_start_at_0(kernels: tuple[int, ...]) -> None:
    stem = " ".join(f"{k}x{k}/{s}p{(k - 1) // 2}" for k, s in zip(kernels, (2, 2, 3), strict=True))
    assert {row.start for row in rows(stem)} == {0}


@pytest.mark.parametrize(("side", "pad", "start", "width"), [(224, "2+3", 1, 112), (225, "3", 0, 113)])
def test_same_padding_hangs_on_the_plane(side: int, pad: str, start: int, width: int) -> None:
    (row,) = rows("7x7/2psame", side)
    assert (row.pad, row.start, row.width) == (pad, start, width)


@pytest.mark.parametrize(("padding", "width"), [(1, 57), (0, 56)])
def test_ceil_mode(padding: int, width: int) -> None:
    assert rows(f"max3x3/2p{padding}~ceil", 112)[-1].width == width


@pytest.mark.parametrize("stem", ["up2 3x3", "t4x4/2p1"])
def test_up_sampled_units_see_two_inputs_per_axis(stem: str) -> None:
    found = theory(network(stem, Plane(20, 20))).halo
    assert found is not None
    assert found.widths == found.heights == (2,)


def of_bottlenecks(*counts: int) -> str:
    """ResNet v1 as TF-Slim builds it: the last block of a stage has its stride, padded alike on both sides."""
    stem = "7x7/2p3:64 max3x3/2psame"
    for features, count, stride in zip((64, 128, 256, 512), counts, (2, 2, 2, 1), strict=True):
        body = f"1x1:{features} 3x3/{{}}p1:{features} 1x1:{4 * features}"
        stem += f" {count - 1}xres({body.format(1)}) res({body.format(stride)})"
    return stem


def separable(features: int, stride: int = 1) -> str:
    return f"dw3x3/{stride}psame 1x1:{features}"


MOBILENET = (
    f"3x3/2psame:32 {separable(64)} {separable(128, 2)} {separable(128)} {separable(256, 2)} {separable(256)} "
    f"{separable(512, 2)} {' '.join([separable(512)] * 5)} {separable(1024, 2)} {separable(1024)}"
)
MIXED = "cat(1x1:64|1x1:64 3x3:64|1x1:64 3x3:96 3x3:96|avg3x3 1x1:32)"
REDUCED = "cat(1x1:128 3x3/2psame:160|1x1:64 3x3:96 3x3/2psame:96|max3x3/2psame)"
INCEPTION_V2 = (
    f"7x7/2psame:64 max3x3/2psame 1x1:64 3x3:192 max3x3/2psame 2x{MIXED} {REDUCED} 4x{MIXED} {REDUCED} 2x{MIXED}"
)
ENTRY = "3x3/2p0:32 3x3p0:32 3x3:64 max3x3/2p0 1x1:80 3x3p0:192 max3x3/2p0"
INCEPTION_V3 = (
    f"{ENTRY} 3xcat(1x1:64|1x1:48 5x5:64|1x1:64 3x3:96 3x3:96|avg3x3 1x1:64) "
    "cat(3x3/2p0:384|1x1:64 3x3:96 3x3/2p0:96|max3x3/2p0) "
    "4xcat(1x1:192|1x1:128 1x7:128 7x1:192|1x1:128 7x1:128 1x7:128 7x1:128 1x7:192|avg3x3 1x1:192) "
    "cat(1x1:192 3x3/2p0:320|1x1:192 1x7:192 7x1:192 3x3/2p0:192|max3x3/2p0) "
    "2xcat(1x1:320|1x1:384 cat(1x3:384|3x1:384)|1x1:448 3x3:384 cat(1x3:384|3x1:384)|avg3x3 1x1:192)"
)
INCEPTION_V4 = (
    "3x3/2p0:32 3x3p0:32 3x3:64 cat(max3x3/2p0|3x3/2p0:96) cat(1x1:64 3x3p0:96|1x1:64 1x7:64 7x1:64 3x3p0:96) "
    "cat(3x3/2p0:192|max3x3/2p0) 4xcat(1x1:96|1x1:64 3x3:96|1x1:64 3x3:96 3x3:96|avg3x3 1x1:96) "
    "cat(3x3/2p0:384|1x1:192 3x3:224 3x3/2p0:256|max3x3/2p0) "
    "7xcat(1x1:384|1x1:192 1x7:224 7x1:256|1x1:192 7x1:192 1x7:224 7x1:224 1x7:256|avg3x3 1x1:128) "
    "cat(1x1:192 3x3/2p0:192|1x1:256 1x7:256 7x1:320 3x3/2p0:320|max3x3/2p0) "
    "3xcat(1x1:256|1x1:384 cat(1x3:256|3x1:256)|1x1:384 3x1:448 1x3:512 cat(1x3:256|3x1:256)|avg3x3 1x1:256)"
)
INCEPTION_RESNET_V2 = (
    f"{ENTRY} cat(1x1:96|1x1:48 5x5:64|1x1:64 3x3:96 3x3:96|avg3x3 1x1:64) "
    "10xres_pre(cat(1x1:32|1x1:32 3x3:32|1x1:32 3x3:48 3x3:64) 1x1:320=linear) "
    "cat(3x3/2p0:384|1x1:256 3x3:256 3x3/2p0:384|max3x3/2p0) "
    "20xres_pre(cat(1x1:192|1x1:128 1x7:160 7x1:192) 1x1:1088=linear) "
    "cat(1x1:256 3x3/2p0:384|1x1:256 3x3/2p0:288|1x1:256 3x3:288 3x3/2p0:320|max3x3/2p0) "
    "10xres_pre(cat(1x1:192|1x1:192 1x3:224 3x1:256) 1x1:2080=linear) 1x1:1536"
)


@pytest.mark.parametrize(
    ("stem", "side", "rf", "padding"),
    [
        (MOBILENET, 224, 315, 126),
        (of_bottlenecks(3, 4, 6, 3), 224, 483, 239),
        (of_bottlenecks(3, 4, 23, 3), 224, 1027, 511),
        (of_bottlenecks(3, 8, 36, 3), 224, 1507, 751),
        (of_bottlenecks(3, 24, 36, 3), 224, 1763, 879),
        (INCEPTION_V2, 224, 699, 318),
        (INCEPTION_V3, 299, 1311, 618),
        (INCEPTION_V4, 299, 2071, 998),
        (INCEPTION_RESNET_V2, 299, 3039, 1482),
    ],
    ids=["mobilenet", "resnet-50", "resnet-101", "resnet-152", "resnet-200", "v2", "v3", "v4", "inception-resnet"],
)
def test_the_networks_of_tensorflow(stem: str, side: int, rf: int, padding: int) -> None:
    """The table of Araujo, Norris and Sim 2019 (Distill): size, stride and padding before their last poolings."""
    last = rows(stem, side)[-1]
    assert (last.rf, last.jump, last.padding) == (rf, 32, padding)
    assert (last.rf_y, last.jump_y, last.padding_y) == (rf, 32, padding)


def test_efficientnet_b0_without_its_excitations() -> None:
    stages = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3)]
    stem, before = "3x3/2psame:32", 32
    for expansion, kernel, stride, features, count in [*stages, (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]:
        stem += f" 1x1:{expansion * before} dw{kernel}x{kernel}/{stride}psame 1x1:{features}=linear"
        again = f"1x1:{expansion * features} dw{kernel}x{kernel} 1x1:{features}=linear"
        stem += f" {count - 1}xres_pre({again})" if count > 1 else ""
        before = features
    assert rows(stem)[-1].rf == 851
