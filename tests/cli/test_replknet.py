"""RepLKNet's protocol by one sweep file, against the published scripts, written anew for PyTorch alone.

Source: Ding et al. 2022, arXiv 2203.06717, `erf/visualize_erf.py` and `erf/analyze_erf.py`.
"""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.cli.command import ROOT, good

torch = pytest.importorskip("torch", reason="the scripts need PyTorch (extra `oracle`)")
pytest.importorskip("onnx")
Image = pytest.importorskip("PIL.Image")
networks = pytest.importorskip("tests.pipeline.models.networks")

SIDE, IMAGES = 64, 50
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
THRESHOLDS = (0.2, 0.3, 0.5, 0.99)


@pytest.fixture
def photos():
    """A folder of images of several sizes: blurred noise with a bright disc, as no two are alike."""
    folder, random = Path("photos"), np.random.default_rng(0)
    folder.mkdir()
    for number in range(IMAGES + 2):  # two more than are asked for
        height, width = random.integers(40, 120, 2)
        pixels = random.integers(0, 200, (height, width, 3))
        y, x = np.ogrid[:height, :width]
        disc = (y - random.integers(height)) ** 2 + (x - random.integers(width)) ** 2 < random.integers(50, 900)
        pixels[disc] += 55
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:03}.png")
    return folder


def contribution(network, folder):
    """visualize_erf.py: the mean over the images of the positive gradient, summed over channels, [height, width]."""
    maps = []
    for path in sorted(folder.iterdir())[:IMAGES]:
        image = Image.open(path).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        sample = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
        sample = ((sample - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]).requires_grad_()
        outputs = network(sample)
        height, width = outputs.shape[2:]
        central_point = torch.relu(outputs[:, :, height // 2, width // 2]).sum()
        (gradient,) = torch.autograd.grad(central_point, sample)
        maps.append(torch.relu(gradient).sum((0, 1)).numpy())
    return np.mean(maps, axis=0, dtype=np.float64)


def area_ratio(data, threshold):
    """analyze_erf.py: the area of the smallest central square with more than a share of the sum, by that of all."""
    height, width = data.shape
    for half in range(1, height // 2):
        square = data[height // 2 - half : height // 2 + 1 + half, width // 2 - half : width // 2 + 1 + half]
        if square.sum() / data.sum() > threshold:
            side = 2 * half + 1
            return side / height * side / width
    return None


def documented_lines():
    """What docs/migrating.md adds to the sweep file of a network for the protocol, for a small plane."""
    page = (ROOT / "docs" / "migrating.md").read_text()
    (lines,) = re.findall(r"```yaml\n# replknet\.yaml\n.*?^(probes:.*?)```", page, re.DOTALL | re.MULTILINE)
    assert f"count: {IMAGES}" in lines
    return lines.replace("1024", str(SIDE))


@pytest.mark.parametrize("name", ["resnet", "convnext"])
def test_the_protocol_is_one_sweep_file(name, photos):
    network = networks.built(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(1, 3, SIDE, SIDE),), "net.onnx", dynamo=False)
    good("import", "net.onnx")
    with Path("net.yaml").open("a") as file:
        file.write(documented_lines())
    good("run", "net.yaml")
    (row,) = good(
        "table", "net", "-c", "probes_count,replknet_20,replknet_30,replknet_50,replknet_99", "-f", "json"
    ).json
    good("show", "net:0", "--save", "heatmap.npy")

    expected = contribution(network, photos)
    found = np.load("heatmap.npy") / IMAGES
    assert row["probes_count"] == IMAGES
    assert np.abs(found - expected).max() <= 1e-4 * expected.max()
    data = np.log10(expected + 1)
    data = data / data.max()
    ratios = [area_ratio(data, threshold) for threshold in THRESHOLDS]
    assert None not in ratios
    assert [row[f"replknet_{round(100 * share)}"] for share in THRESHOLDS] == pytest.approx(ratios, rel=1e-12)
    assert len(set(ratios)) > 2
