"""Networks that packages ship: the light ones of onnx and the trained ones of rapidocr, against two other programs.

Their outputs are held against onnxruntime, and their outputs and gradients against PyTorch, which runs the model node
by node. The light networks have constants for weights: of each kernel all numbers are alike. They are tested as they
are and with random weights.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.models import import_model
from tests.imported import TOLERANCE, configs, measured

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = (
    *("alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
    *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
)
SIDES = (224, 224)
TRAINED = {
    "ch_PP-OCRv4_det_infer": ((96, 128), None),
    "ch_ppocr_mobile_v2.0_cls_infer": ((48, 192), None),
    "ch_PP-OCRv4_rec_infer": ((48, 96), "swish_12.tmp_0"),
}
"""The input's sides, and the tensor that ends the network: of recognition, the last one before its first attention."""
LAYERS = 3
"""At most so many marks of a network are read out, from the first to the last."""


def light(name):
    (path,) = LIGHT.glob(f"light_*{name}.onnx")
    return path


def trained(name):
    found = find_spec("rapidocr_onnxruntime")
    if found is None or not found.submodule_search_locations:
        pytest.skip("rapidocr is not installed: pip install --no-deps rapidocr-onnxruntime==1.4.4")
    return Path(found.submodule_search_locations[0], "models", f"{name}.onnx")


def output(path, tensor, image):
    """What onnxruntime makes of a tensor of a model, [channels, height, width]."""
    model = onnx.load(str(path))
    del model.graph.output[:], model.graph.value_info[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run([tensor], {session.get_inputs()[0].name: image.transpose(2, 0, 1)[None]})[0][0]


def image_of(sides):
    return np.random.default_rng(1).standard_normal((*sides, 3)).astype(np.float32)


def check_output(path, folder, sides, tensor, tolerance):
    found = import_model(path, tensor, sides)
    (config,) = configs(path, folder, {"readout.channel": ["sum"], "dtype": ["float64"]}, tensor, sides)
    image = image_of(sides)
    made, _ = measured(config, image)
    expected = output(path, found.tensor, image)
    y, x = config.unit
    assert np.abs(made - expected[:, y, x]).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", NAMES)
def test_the_light_networks_of_onnx(name, tmp_path):
    check_output(light(name), tmp_path, SIDES, None, 1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks(name, tmp_path):
    sides, tensor = TRAINED[name]
    check_output(trained(name), tmp_path, sides, tensor, 1e-4)


def layers(path, tensor, sides):
    """Marks of an imported network, which are the names of its tensors, from the first to the last."""
    marks = list(dict.fromkeys(re.findall(r"#([A-Za-z_0-9./:-]+)", import_model(path, tensor, sides).notation)))
    places = np.linspace(0, len(marks) - 1, min(len(marks), LAYERS)).round()
    return [marks[int(place)] for place in places]


def check_gradients(path, folder, sides, tensor, dtype, marks=None):
    """Holds outputs and gradients of some layers, at their centre and in a corner of the last, against PyTorch."""
    onnx_network = pytest.importorskip("tests.onnx_network")
    torch = onnx_network.torch
    marks = marks or layers(path, tensor, sides)
    image = image_of(sides).astype(dtype)
    x = torch.tensor(image.transpose(2, 0, 1)[None], requires_grad=True)
    network = onnx_network.OnnxNetwork(onnx.load(str(path)), getattr(torch, dtype))
    planes = network.run(x, marks)
    fields = {"readout.layer": marks, "readout.channel": ["sum"], "dtype": [dtype]}
    found = configs(path, folder, fields, tensor, sides)
    corner = msgspec.structs.replace(found[-1].readout, position=(0, planes[marks[-1]].shape[3] - 1))
    cornered = msgspec.structs.replace(found[-1], readout=corner)
    for mark, config in zip((*marks, marks[-1]), (*found, cornered), strict=True):
        made, gradient = measured(config, image)
        row, column = config.unit
        unit = planes[mark][0, :, row, column]
        scale = planes[mark].abs().max().item()
        assert np.abs(made - unit.detach().numpy()).max() <= TOLERANCE[dtype] * scale
        (expected,) = torch.autograd.grad(unit.sum(), x, retain_graph=True)
        expected = expected[0].numpy().transpose(1, 2, 0)
        assert expected.any()
        assert np.abs(gradient - expected).max() <= TOLERANCE[dtype] * np.abs(expected).max()


def with_random_weights(name, folder):
    onnx_network = pytest.importorskip("tests.onnx_network")
    path = folder / f"{name}.onnx"
    onnx.save(onnx_network.with_random_weights(onnx.load(str(light(name))), seed=0), str(path))
    return path


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_the_light_networks_with_random_weights(name, tmp_path):
    check_gradients(with_random_weights(name, tmp_path), tmp_path, SIDES, None, "float64")


@pytest.mark.parametrize("name", ["alexnet", "inception_v1", "squeezenet", "zfnet512"])
def test_gradients_of_the_light_networks_with_random_weights_in_float32(name, tmp_path):
    """The others have so many units that some lie within rounding of the kink of their ReLU: two programs that round
    differently, or PyTorch in float32 and in float64, differ by up to seven percent there."""
    check_gradients(with_random_weights(name, tmp_path), tmp_path, SIDES, None, "float32")


@pytest.mark.parametrize("name", ["densenet121", "resnet50", "shufflenet", "vgg19"])
def test_gradients_of_the_light_networks_in_float32(name, tmp_path):
    """As they are shipped their units lie far from the kinks."""
    check_gradients(light(name), tmp_path, SIDES, None, "float32")


def test_gradients_of_the_first_stages_of_inception_v2_in_float32(tmp_path):
    path = with_random_weights("inception_v2", tmp_path)
    first, second, *_ = layers(path, None, SIDES)
    check_gradients(path, tmp_path, SIDES, None, "float32", [first, second])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", TRAINED)
def test_gradients_of_trained_networks(name, dtype, tmp_path):
    sides, tensor = TRAINED[name]
    check_gradients(trained(name), tmp_path, sides, tensor, dtype)


def test_a_network_with_attention_names_the_last_tensor_before_it():
    with pytest.raises(InputError, match=r"is not understood.*--output 'swish_12\.tmp_0'"):
        import_model(trained("ch_PP-OCRv4_rec_infer"), None, (48, 96))
