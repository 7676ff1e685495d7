"""The rule of each operation of ONNX: what it makes of its inputs, in the layers of a stem."""

from pipeline.models.rules.arithmetic import arithmetic
from pipeline.models.rules.channels import concat, depth_to_space, space_to_depth, split
from pipeline.models.rules.convolutions import conv, conv_transpose, gemm, matmul
from pipeline.models.rules.curves import activation, clip, elu, gelu, hard_sigmoid, leaky, prelu, selu, unary
from pipeline.models.rules.norms import batch_norm, group_norm, instance_norm, layer_norm, lrn
from pipeline.models.rules.planes import cut, pad, resize
from pipeline.models.rules.pools import average_pool, global_average, global_max, max_pool, reduce_mean
from pipeline.models.rules.shapes import flatten, reshape, same, shape_of, squeeze, transpose
from pipeline.models.translate import Rule

RULES: dict[str, Rule] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "BatchNormalization": batch_norm,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average,
    "GlobalMaxPool": global_max,
    "ReduceMean": reduce_mean,
    "Relu": activation("relu"),
    "LeakyRelu": leaky,
    "PRelu": prelu,
    "Elu": elu,
    "Selu": selu,
    "Sigmoid": activation("sigmoid"),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": activation("hardswish"),
    "Gelu": gelu,
    "Mish": activation("mish"),
    "Swish": activation("silu"),
    "Tanh": activation("tanh"),
    "Softplus": activation("softplus"),
    "Clip": clip,
    "Add": arithmetic,
    "Sum": arithmetic,
    "Mul": arithmetic,
    "Sub": arithmetic,
    "Div": arithmetic,
    "Pow": arithmetic,
    "Min": arithmetic,
    "Max": arithmetic,
    "Concat": concat,
    "Split": split,
    "Slice": cut,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "LayerNormalization": layer_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LRN": lrn,
    "Identity": same,
    "Dropout": same,
    "Cast": same,
    "Shape": shape_of,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": squeeze,
    "Gemm": gemm,
    "MatMul": matmul,
    **dict.fromkeys(("Erf", "Exp", "Log", "Sqrt", "Neg", "Reciprocal", "Abs"), unary),
}
