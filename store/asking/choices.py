"""What a user chooses by name when asking a store. Options are declared with these, so nothing else is loaded here."""

from typing import Literal, TypeAlias

CenterName: TypeAlias = Literal["unit", "plane"]
MapName: TypeAlias = Literal["mean", "square"]
"""Of the heatmaps of a group: their mean, or the mean of their squares."""
