"""Imported networks: their configs, and what the kernel makes of one image at the unit of a config."""

from pathlib import Path

import numpy as np

from pipeline.config import Config
from pipeline.draws import draw_weights
from pipeline.gradient.erf import input_gradient, step_parameters
from pipeline.gradient.plan import plan_of
from pipeline.gradient.propagate import forward
from pipeline.gradient.watch import Watch
from pipeline.models import import_model, write_import
from pipeline.ops.buffer import Array
from pipeline.sweep.sweep import sweep
from pipeline.sweep.sweepfile import read_sweep_file

TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
"""How far numbers may lie from those of another program, relative to the largest of them."""


def configs(
    model: Path, folder: Path, overrides: dict, output: str | None = None, sides: tuple[int, int] | None = None
) -> list[Config]:
    """The configs of the sweep file that an import writes."""
    path, _ = write_import(import_model(model, output, sides), Path(folder, "imported"), replace=True)
    return list(sweep({"name": "imported", **read_sweep_file(path)}, overrides))


def measured(config: Config, image: Array) -> tuple[Array, Array]:
    """(output of the unit by channel, gradient of the readout by the whole input [y, x, channel]) of one image.

    image: [y, x, channel]. Both results have the config's dtype.
    """
    plan = plan_of(config)
    box, dtype = plan.cone.box, np.dtype(config.dtype)
    parameters = step_parameters(plan.cone.steps, draw_weights(config), dtype)
    probe = image[box.top : box.bottom, box.left : box.right].transpose(0, 2, 1)[..., None]
    probe = np.ascontiguousarray(probe, dtype)
    with np.errstate(all="ignore"):
        out, _ = forward(plan.cone.steps, probe, parameters, None, Watch(1))
        made = out[0, :, 0, 0].copy()
        gradient = input_gradient(plan.cone, config.readout, probe, parameters, None).values
    whole = np.zeros(image.shape, dtype)
    whole[box.top : box.bottom, box.left : box.right] = gradient[..., 0].transpose(0, 2, 1)
    return made, whole
