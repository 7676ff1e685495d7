"""The table of the program that this one replaces."""

from collections.abc import Iterator
from typing import Any

from store.asking.shown import MISSING, shown, visible
from store.asking.table import Table

COLUMNS = (
    *("config", "stem", "theo_rf", "eff_rf", "ratio", "height", "width", "channels", "probes_count", "probes", "init"),
)
"""What the layout is made of."""

_LEAST_WIDTH = 12
_NUMBERS_WIDTH = 38


def classic_lines(table: Table) -> Iterator[str]:
    """The layout of the original, byte for byte for what it could measure; the table has `COLUMNS`.

    Longer labels make the first column wider, and own weights and probes are called so.
    """
    width = max(_LEAST_WIDTH, max((len(_name(row)) for row in table.dicts()), default=0))
    rule = "-" * (width + _NUMBERS_WIDTH) + "\n"
    yield "=== Effective receptive-field growth sweep (Luo et al. 2016) ===\n"
    settings = f"Input grid {_grid(table)}, {_probes(table)}, {_stems(table)}" if table.rows else "No rows"
    yield f"{settings}.\n\n"
    yield f"{'config':<{width}} {'theo_RF':>10} {'eff_RF_diam':>14} {'eff/theo':>10}\n"
    yield rule
    for row in table.dicts():
        ratio = MISSING if row["ratio"] is None else f"{row['ratio']:.2f}"
        yield f"{_name(row):<{width}} {shown(row['theo_rf']):>10} {shown(row['eff_rf']):>14} {ratio:>10}\n"
    yield rule


def _name(row: dict[str, Any]) -> str:
    from pipeline.stem import original_label

    return visible(row["config"] if row["config"] != row["stem"] else original_label(row["stem"]))


def _grid(table: Table) -> str:
    planes = {f"{row['height']}x{row['width']}x{row['channels']}" for row in table.dicts()}
    return planes.pop() if len(planes) == 1 else "of several sizes"


def _probes(table: Table) -> str:
    counts = {row["probes_count"] for row in table.dicts()}
    number = counts.pop() if len(counts) == 1 else "several"
    own = {row["probes"] == "file" for row in table.dicts()}
    return f"{number} {'synthetic ' if own <= {False} else 'own ' if own == {True} else 'synthetic and own '}probes"


def _stems(table: Table) -> str:
    own = {row["init"] == "file" for row in table.dicts()}
    if own <= {False}:
        return "untrained frozen stems"
    return "frozen stems with weights of files" if own == {True} else "frozen stems, some with weights of files"
