"""Models that were damaged: each is imported, or refused in one sentence, whatever was changed in it."""

import random

import pytest

from pipeline.errors import InputError
from pipeline.models import import_model

onnx_models = pytest.importorskip("tests.onnx_models")
onnx = onnx_models.onnx

NUMBERS = (0, 1, -1, 2, 3, 5, 10**6, 2**31, 2**40, -(2**31))
OPERATIONS = ("Conv", "Add", "Mul", "Reshape", "Transpose", "Concat", "Slice", "Resize", "Split", "Pad", "Loop", "Clip")


def damaged(drawn):
    nodes, constants = onnx_models.residual()
    model = onnx_models.model(nodes, constants=constants)
    node = drawn.choice(model.graph.node)
    tensor = drawn.choice(model.graph.initializer)
    match drawn.randrange(7):
        case 0:
            node.input[drawn.randrange(len(node.input))] = drawn.choice(["", "nothing", "x", "sum", "w0", "pool"])
        case 1:
            node.op_type = drawn.choice(OPERATIONS)
        case 2:
            node.attribute.append(
                onnx.helper.make_attribute(
                    drawn.choice(["strides", "dilations", "axes", "perm"]), [drawn.choice(NUMBERS)] * 2
                )
            )
        case 3:
            tensor.dims[drawn.randrange(len(tensor.dims))] = abs(drawn.choice(NUMBERS))
        case 4:
            tensor.raw_data = tensor.raw_data[: drawn.randrange(40)]
        case 5:
            side = model.graph.input[0].type.tensor_type.shape.dim[drawn.randrange(4)]
            side.dim_value = abs(drawn.choice(NUMBERS))
        case 6:
            data = bytearray(model.SerializeToString())
            for _ in range(drawn.randrange(1, 9)):
                data[drawn.randrange(len(data))] = drawn.randrange(256)
            return bytes(data)
    return model.SerializeToString()


def told(path):
    """Why a file is refused; nothing where it is not."""
    try:
        import_model(path)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_model_is_imported_or_refused_in_a_sentence(seed, tmp_path):
    drawn = random.Random(seed)
    path = tmp_path / "net.onnx"
    refused = 0
    for _ in range(30):
        path.write_bytes(damaged(drawn))
        said = told(path)
        refused += bool(said)
        assert "\n" not in said
        assert len(said) < 600
    assert refused > 5
