"""Imported networks against onnxruntime, forward, and against PyTorch's autograd of the network that was exported."""

import copy
import warnings

import numpy as np
import pytest

from pipeline.models import import_model
from tests.imported import TOLERANCE, configs, measured

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
networks = pytest.importorskip("tests.pipeline.models.networks")


def exported(network, side, path, dtype="float32"):
    x = torch.zeros(1, 3, side, side, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), str(path), dynamo=False, opset_version=17)
    return path


def positions(config):
    plane = config.network[-1].output
    return [(plane.height // 2, plane.width // 2), (0, plane.width - 1), (plane.height - 1, 0)]


def run(model, image):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    return session.run(None, {given.name: image.transpose(2, 0, 1)[None]})[0][0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", networks.NETWORKS)
def test_a_network_is_imported_as_it_is(name, dtype, tmp_path):
    network = networks.built(name).to(getattr(torch, dtype))
    side = networks.NETWORKS[name][1]
    model = exported(network, side, tmp_path / "model.onnx", dtype)
    image = np.random.default_rng(1).standard_normal((side, side, 3)).astype(dtype)
    x = torch.tensor(image.transpose(2, 0, 1)[None], requires_grad=True)
    expected = network(x)
    base = {"readout.channel": ["sum"], "dtype": [dtype]}
    (config,) = configs(model, tmp_path, base)
    for y, column in positions(config):
        (config,) = configs(model, tmp_path, {**base, "readout.position": [[y, column]]})
        made, gradient = measured(config, image)
        unit = expected[0, :, y, column]
        scale = expected.abs().max().item()
        assert np.abs(made - unit.detach().numpy()).max() <= TOLERANCE[dtype] * scale
        (wanted,) = torch.autograd.grad(unit.sum(), x, retain_graph=True)
        wanted = wanted[0].numpy().transpose(1, 2, 0)
        assert np.abs(gradient - wanted).max() <= TOLERANCE[dtype] * np.abs(wanted).max()
    if dtype == "float32":
        assert np.abs(run(model, image)[:, y, column] - made).max() <= TOLERANCE[dtype] * scale


def test_weights_are_those_of_the_model_and_not_shared_with_it(tmp_path):
    network = networks.built("unet")
    model = exported(copy.deepcopy(network), 24, tmp_path / "model.onnx")
    found = import_model(model)
    first = network.first[0].weight.detach().numpy().transpose(2, 3, 1, 0)
    assert np.array_equal(found.arrays["layer0.weight"], first)
    assert found.plane.channels == 3
