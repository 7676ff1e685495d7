"""Sweeps: sweep files, their grid of axes, the configs that they describe, presets and the JSON Schema."""
