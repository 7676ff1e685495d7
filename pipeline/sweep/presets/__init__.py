"""Sweep files that ship: `erfsweep run NAME` finds them by name."""

from importlib.resources import files


def preset_names() -> list[str]:
    """The names of the presets, sorted."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """The sweep file of a preset, YAML. Raises FileNotFoundError where there is none of that name."""
    return (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
