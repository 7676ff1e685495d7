"""The names of the files of an export: safe on every file system, unique, short."""

import re
import unicodedata

_MAX_LABEL = 40
"""Characters of a label that go into a name, so that no file system finds it too long, not even behind a long path."""
_PATTERN = re.compile(
    r"table\.(csv|json|jsonl|parquet)|erf_sweep_\d+\.csv|(heatmap|curves)_\d+(_[A-Za-z0-9_.-]+)?\.(npy|npz)"
)


def array_name(kind: str, position: int, label: str, suffix: str) -> str:
    """The name of a file of arrays: kind, position in the sweep and what may stay of the label.

    Positions make names unique, also where upper and lower case are one.

    >>> array_name("heatmap", 17, "7x7/2:64 max3x3/2", "npy"), array_name("curves", 0, "../..", "npz")
    ('heatmap_17_7x7-2-64-max3x3-2.npy', 'curves_0.npz')
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9_.]+", "-", plain)
    kept = re.sub(r"\.{2,}", ".", kept)[:_MAX_LABEL].strip("-._")
    return f"{kind}_{position}{'_' if kept else ''}{kept}.{suffix}"


def is_ours(name: str) -> bool:
    """Whether a name is one that an export gives, and so no path, whatever a manifest says."""
    return _PATTERN.fullmatch(name) is not None
