"""Small ONNX models, made node by node."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


def model(nodes, shape=(1, 3, 12, 12), constants=None, opset=17, more_inputs=()):
    """A model of nodes, written (operation, inputs, output, attributes); its last output is the graph's."""
    made = [
        onnx.helper.make_node(op, inputs, [output], name=output, **attributes)
        for op, inputs, output, attributes in nodes
    ]
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    kind = onnx.TensorProto.FLOAT
    inputs = [onnx.helper.make_tensor_value_info("x", kind, shape)]
    inputs += [onnx.helper.make_tensor_value_info(name, kind, [1]) for name in more_inputs]
    outputs = [onnx.helper.make_tensor_value_info(nodes[-1][2], kind, None)]
    graph = onnx.helper.make_graph(made, "net", inputs, outputs, tensors)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], producer_name="tests")


def residual():
    """Two convolutions and a shortcut, with weights of fixed seeds."""
    rng = np.random.default_rng(3)
    constants = {
        "w0": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "w1": rng.standard_normal((4, 4, 3, 3)).astype(np.float32),
        "b1": rng.standard_normal(4).astype(np.float32),
    }
    nodes = [
        ("Conv", ["x", "w0"], "a", {"pads": [1, 1, 1, 1]}),
        ("Relu", ["a"], "relu:0", {}),
        ("Conv", ["relu:0", "w1", "b1"], "c", {"pads": [1, 1, 1, 1]}),
        ("Add", ["c", "relu:0"], "sum", {}),
        ("MaxPool", ["sum"], "pool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ]
    return nodes, constants
