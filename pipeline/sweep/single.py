"""One config as somebody writes it who has no sweep: a stem, and fields as a sweep file has them."""

from collections.abc import Mapping
from typing import Any

from pipeline.config import Config
from pipeline.sweep.build import build
from pipeline.sweep.entries import check_fields, flat, nested


def single_config(stem: object, fields: Mapping[str, Any]) -> Config:
    """The config of a stem, with the fields `input`, `init`, `probes`, `readout`, `dtype`, `seed`, or dotted paths.

    Raises InputError for a field that no config has, and as `pipeline.sweep.build.build` does.

    >>> single_config("4x3x3", {"seed": 7, "probes": {"count": 4}, "readout.channel": "sum"}).init.seed
    7
    """
    found = flat(fields)
    check_fields(found, "a config")
    return build({"stem": stem, **nested(found)})
