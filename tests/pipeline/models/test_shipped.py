"""Networks that packages ship: the light ones of onnx and the trained ones of rapidocr, against onnxruntime."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from pipeline.draws import draw_weights
from pipeline.errors import InputError
from pipeline.gradient.erf import step_parameters
from pipeline.gradient.plan import plan_of
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import Watch
from pipeline.models import import_model, write_import
from pipeline.sweep.sweep import sweep
from pipeline.sweep.sweepfile import read_sweep_file

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NAMES = ("alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet", "squeezenet", "zfnet512")
TRAINED = {
    "ch_PP-OCRv4_det_infer": ((96, 128), None),
    "ch_ppocr_mobile_v2.0_cls_infer": ((48, 192), None),
    "ch_PP-OCRv4_rec_infer": ((48, 96), "swish_12.tmp_0"),
}
"""The input's sides, and the tensor that ends the network: of recognition, the last one before its first attention."""


def trained(name):
    found = find_spec("rapidocr_onnxruntime")
    if found is None or not found.submodule_search_locations:
        pytest.skip("rapidocr is not installed: pip install --no-deps rapidocr-onnxruntime==1.4.4")
    return Path(found.submodule_search_locations[0], "models", f"{name}.onnx")


def output(path, tensor, image):
    """What onnxruntime makes of a tensor of a model, [channels, height, width]."""
    model = onnx.load(str(path))
    model.graph.output.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None))
    del model.graph.value_info[:]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run([tensor], {session.get_inputs()[0].name: image.transpose(2, 0, 1)[None]})[0][0]


def check(path, folder, sides, tensor, tolerance):
    found = import_model(path, tensor, sides)
    sweep_file, _ = write_import(found, folder / "net")
    (config,) = sweep(read_sweep_file(sweep_file), {"readout.channel": ["sum"], "dtype": ["float64"]})
    image = np.random.default_rng(5).standard_normal((*sides, 3)).astype(np.float32)
    cone = plan_of(config).cone
    box = cone.box
    probe = image[box.top : box.bottom, box.left : box.right].transpose(0, 2, 1)[..., None].astype(np.float64)
    parameters = step_parameters(cone.steps, draw_weights(config), np.dtype(np.float64))
    with np.errstate(all="ignore"):
        made, _ = forward(cone.steps, np.ascontiguousarray(probe), parameters, None, Watch(1))
    expected = output(path, found.tensor, image)
    y, x = config.unit
    assert np.abs(made[0, :, 0, 0] - expected[:, y, x]).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("name", NAMES)
def test_the_light_networks_of_onnx(name, tmp_path):
    (path,) = LIGHT.glob(f"light_*{name}.onnx")
    check(path, tmp_path, (224, 224), None, 1e-5)


@pytest.mark.parametrize("name", TRAINED)
def test_trained_networks(name, tmp_path):
    sides, tensor = TRAINED[name]
    check(trained(name), tmp_path, sides, tensor, 1e-4)


def test_a_network_with_attention_names_the_last_tensor_before_it():
    with pytest.raises(InputError, match=r"is not understood.*--output 'swish_12\.tmp_0'"):
        import_model(trained("ch_PP-OCRv4_rec_infer"), None, (48, 96))
