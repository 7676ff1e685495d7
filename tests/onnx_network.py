"""ONNX models run by PyTorch, node by node: an independent output and gradient of the networks that are imported.

Each operation is written as the specification of ONNX has it, as far as the models of the tests use it, and nothing of
erfsweep is asked for it.
"""

import functools

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch", reason="autograd of PyTorch is the independent gradient (extra `oracle`)")
functional = torch.nn.functional


class OnnxNetwork:
    """A model in PyTorch; floating-point constants have the dtype that is asked for, integers remain as they are."""

    def __init__(self, model, dtype):
        self.dtype = dtype
        self.constants = {array.name: self.tensor(array) for array in model.graph.initializer}
        (self.input,) = (given.name for given in model.graph.input if self.is_image(given))
        self.makers = {name: node for node in model.graph.node for name in node.output}

    def is_image(self, given):
        return given.name not in self.constants and len(given.type.tensor_type.shape.dim) == 4

    def tensor(self, proto):
        made = torch.from_numpy(onnx.numpy_helper.to_array(proto).copy())
        return made.to(self.dtype) if made.is_floating_point() else made

    def run(self, x, names):
        """The tensors of some names, made of x [n, channels, height, width]."""
        made = {**self.constants, "": None, self.input: x}
        waiting = list(names)
        while waiting:
            name = waiting[-1]
            missing = [] if name in made else [given for given in self.makers[name].input if given not in made]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if name not in made:
                node = self.makers[name]
                made[node.output[0]] = self.node(node, *(made[given] for given in node.input))
        return {name: made[name] for name in names}

    def node(self, node, *inputs):
        attributes = {attribute.name: self.attribute(attribute) for attribute in node.attribute}
        if node.op_type not in OPERATIONS:
            raise NotImplementedError(f"{node.op_type} of node {node.name!r} has no oracle; give it one here")
        return OPERATIONS[node.op_type](*inputs, **attributes)

    def attribute(self, attribute):
        """A number is the shortest decimal of its float32, which is what its author wrote."""
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.type == onnx.AttributeProto.TENSOR:
            return self.tensor(value)
        return float(str(np.float32(value))) if attribute.type == onnx.AttributeProto.FLOAT else value


def padded(x, pads, value=0.0):
    """ONNX writes the sides of all axes before, then of all axes behind; PyTorch the last axis first."""
    top, left, bottom, right = pads
    return functional.pad(x, (left, right, top, bottom), value=value)


def conv(x, w, b=None, *, kernel_shape=None, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1):
    return functional.conv2d(padded(x, pads), w, b, tuple(strides), 0, tuple(dilations), group)


def conv_transpose(x, w, b=None, *, kernel_shape=None, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), group=1):
    made = functional.conv_transpose2d(x, w, b, tuple(strides), 0, 0, group, tuple(dilations))
    return padded(made, [-side for side in pads])


def max_pool(x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0):
    assert not ceil_mode
    return functional.max_pool2d(padded(x, pads, -torch.inf), tuple(kernel_shape), tuple(strides))


def average_pool(x, *, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0, count_include_pad=0):
    assert not ceil_mode
    counted = padded(torch.ones_like(x), pads, float(count_include_pad))
    total, count = (
        functional.avg_pool2d(z, tuple(kernel_shape), tuple(strides), divisor_override=1)
        for z in (padded(x, pads), counted)
    )
    return total / count


def batch_norm(x, scale, shift, mean, variance, *, epsilon=1e-5, **_):
    return functional.batch_norm(x, mean, variance, scale, shift, eps=epsilon)


def lrn(x, *, size, alpha=1e-4, beta=0.75, bias=1.0):
    return functional.local_response_norm(x, size, alpha, beta, bias)


def reshape(x, shape):
    sides = [x.shape[axis] if side == 0 else side for axis, side in enumerate(shape.tolist())]
    return x.reshape(sides)


def unsqueeze(x, *, axes):
    return functools.reduce(torch.unsqueeze, sorted(axes), x)


def resize(x, roi, scales, *, mode, coordinate_transformation_mode, nearest_mode):
    """Nearest, where each number of a whole scale is repeated."""
    assert (mode, coordinate_transformation_mode, nearest_mode) == (b"nearest", b"asymmetric", b"floor")
    factors = [int(scale) for scale in scales.tolist()]
    assert factors == scales.tolist()
    assert factors[:2] == [1, 1]
    return x.repeat_interleave(factors[2], dim=2).repeat_interleave(factors[3], dim=3)


OPERATIONS = {
    "Add": torch.add,
    "AveragePool": average_pool,
    "BatchNormalization": batch_norm,
    "Clip": torch.clamp,
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Constant": lambda *, value: value,
    "ConstantOfShape": lambda shape, *, value: value.expand(shape.tolist()).contiguous(),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": torch.div,
    "Dropout": lambda x, **_: x,
    "Elu": lambda x, *, alpha=1.0: functional.elu(x, alpha),
    "GlobalAveragePool": lambda x: x.mean(dim=(2, 3), keepdim=True),
    "HardSigmoid": lambda x, *, alpha=0.2, beta=0.5: (alpha * x + beta).clamp(0, 1),
    "LRN": lrn,
    "MaxPool": max_pool,
    "Mul": torch.mul,
    "Relu": torch.relu,
    "Reshape": reshape,
    "Resize": resize,
    "Sigmoid": torch.sigmoid,
    "Sum": lambda *terms: sum(terms),
    "Transpose": lambda x, *, perm: x.permute(perm),
    "Unsqueeze": unsqueeze,
}
"""What each operation makes of its inputs, None for one that is left out, and its attributes."""


def with_random_weights(model, seed):
    """A copy of a model whose weights, constants of one value in the light models of onnx, are random.

    Kernels have the variance of He et al. 2015 for ReLU, 2 / fan-in. What multiplies or is a variance lies in (0.5,
    1.5), other parameters are normal with deviation 0.2. Weights behind the last plane are left as they are.
    """
    random = np.random.default_rng(seed)
    made = onnx.ModelProto()
    made.CopyFrom(model)
    shapes = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    fresh, kept = [], []
    positive, dense = _roles(model)
    for node in model.graph.node:
        (name, *_), is_weight = node.output, node.op_type == "ConstantOfShape"
        if not is_weight or name in dense:
            kept.append(node)
            continue
        shape = tuple(shapes[node.input[0]])
        if len(shape) > 1:
            array = random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        else:
            array = random.uniform(0.5, 1.5, shape) if name in positive else random.normal(0, 0.2, shape)
        fresh.append(onnx.numpy_helper.from_array(array.astype(np.float32), name))
    del made.graph.node[:]
    made.graph.node.extend(kept)
    made.graph.initializer.extend(fresh)
    return made


def _roles(model):
    """(names of parameters that multiply or are variances, names of weights of fully connected layers)."""
    positive, dense, unsqueezed = set(), set(), {}
    for node in model.graph.node:
        match node.op_type:
            case "BatchNormalization":
                positive |= {node.input[1], node.input[4]}
            case "Unsqueeze":
                unsqueezed[node.output[0]] = node.input[0]
            case "Mul":
                positive |= {unsqueezed[name] for name in node.input if name in unsqueezed}
            case "Gemm":
                dense |= set(node.input)
    return positive, dense
