"""Imported networks against onnxruntime, forward, and against PyTorch's autograd of the network that was exported."""

import copy
import warnings
from pathlib import Path

import numpy as np
import pytest

from pipeline.draws import draw_weights
from pipeline.gradient.erf import input_gradient, step_parameters
from pipeline.gradient.plan import plan_of
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import Watch
from pipeline.models import import_model, write_import
from pipeline.sweep.sweep import sweep
from pipeline.sweep.sweepfile import read_sweep_file

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
networks = pytest.importorskip("tests.pipeline.models.networks")

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}


def exported(network, side, path, dtype="float32"):
    x = torch.zeros(1, 3, side, side, dtype=getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), str(path), dynamo=False, opset_version=17)
    return path


def configs(model, folder, overrides, output=None, sides=None):
    """The configs of the sweep file that an import writes."""
    path, _ = write_import(import_model(model, output, sides), Path(folder, "imported"), replace=True)
    return list(sweep({"name": "imported", **read_sweep_file(path)}, overrides))


def positions(config):
    plane = config.network[-1].output
    return [(plane.height // 2, plane.width // 2), (0, plane.width - 1), (plane.height - 1, 0)]


def measured(config, image):
    """(output of the unit by channel, gradient of their sum by the whole input [y, x, channel]) of one image."""
    plan = plan_of(config)
    box, dtype = plan.cone.box, np.dtype(config.dtype)
    parameters = step_parameters(plan.cone.steps, draw_weights(config), dtype)
    probe = image[box.top : box.bottom, box.left : box.right].transpose(0, 2, 1)[..., None]
    probe = np.ascontiguousarray(probe, dtype)
    watch = Watch(1)
    with np.errstate(all="ignore"):
        out, _ = forward(plan.cone.steps, probe, parameters, None, watch)
        made = out[0, :, 0, 0].copy()
        gradient = input_gradient(plan.cone, config.readout, probe, parameters, None).values
    whole = np.zeros(image.shape, dtype)
    whole[box.top : box.bottom, box.left : box.right] = gradient[..., 0].transpose(0, 2, 1)
    return made, whole


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
