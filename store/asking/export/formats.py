"""In which formats an export writes the table, the mass curves and the heatmaps."""

from typing import Literal, TypeAlias

ExportFormat: TypeAlias = Literal["csv", "json", "jsonl", "parquet"]
CurveFormat: TypeAlias = Literal["csv", "npy", "npz", "none"]
"""`csv` is the curve of the centred square as the original program writes it; the others have all four."""
HeatmapFormat: TypeAlias = Literal["npy", "npz"]
