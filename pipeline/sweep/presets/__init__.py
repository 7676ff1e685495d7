"""Sweep files that ship: `erfsweep run NAME` finds them by name."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pipeline.sweep.sweepfile import parse_sweep_file


def preset_names() -> list[str]:
    """The names of the presets, sorted."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """The sweep file of a preset, YAML. Raises FileNotFoundError where there is none of that name."""
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=16)
def preset_fields(name: str) -> Mapping[str, Any]:
    """What the sweep file of a preset says, read once, and not to be changed. Raises FileNotFoundError for none."""
    return parse_sweep_file(preset_text(name), ".yaml", f"preset {name}")
