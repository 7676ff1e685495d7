"""The parameters of one layer, as the operations take them."""

from typing import Any

import msgspec
import numpy as np

from pipeline.ops.buffer import Array


class Parameters(msgspec.Struct, frozen=True):
    """The parameters of one layer; None stands for the untrained value.

    weight: [kernel height, kernel width, input channels of a group, features] of a convolution, [channels] of a norm
    (untrained 1). bias: [features] (untrained 0). mean, var: [channels], the frozen statistics of a batch norm.
    """

    weight: Array | None = None
    bias: Array | None = None
    mean: Array | None = None
    var: Array | None = None

    def is_weight_of(self, dtype: np.dtype[Any]) -> bool:
        """Whether there is a weight of this dtype and nothing else."""
        weight = self.weight
        return weight is not None and weight.dtype == dtype and self.bias is self.mean is self.var is None

    @property
    def kernel(self) -> Array:
        """Returns the weight of a convolution, float32 or float64 [kh, kw, C // groups, F].

        Raises ValueError if there is none.
        """
        if self.weight is None:
            raise ValueError("a convolution has a weight; these parameters have none")
        return self.weight


NO_PARAMETERS = Parameters()
