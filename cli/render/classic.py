"""The table of the program that this one replaces."""

from typing import Any

from cli.render.cells import MISSING, cell
from cli.render.visible import visible

COLUMNS = (
    *("config", "stem", "theo_rf", "eff_rf", "ratio", "height", "width", "channels", "probes_count", "probes", "init"),
)
"""What the layout is made of."""

_LEAST_WIDTH = 12
_NUMBERS_WIDTH = 38


def classic_text(rows: list[dict[str, Any]]) -> str:
    """The layout of the original, byte for byte for what it could measure; rows have `COLUMNS`.

    Longer labels make the first column wider, and own weights and probes are called so.
    """
    names = [_name(row) for row in rows]
    width = max((_LEAST_WIDTH, *map(len, names)))
    rule = "-" * (width + _NUMBERS_WIDTH) + "\n"
    lines = [
        "=== Effective receptive-field growth sweep (Luo et al. 2016) ===\n",
        f"Input grid {_grid(rows)}, {_probes(rows)}, {_stems(rows)}.\n",
        "\n",
        f"{'config':<{width}} {'theo_RF':>10} {'eff_RF_diam':>14} {'eff/theo':>10}\n",
        rule,
    ]
    for name, row in zip(names, rows, strict=True):
        ratio = MISSING if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(f"{name:<{width}} {cell(row['theo_rf']):>10} {cell(row['eff_rf']):>14} {ratio:>10}\n")
    return "".join([*lines, rule])


def _name(row: dict[str, Any]) -> str:
    from pipeline.notation import original_label

    return visible(row["config"] if row["config"] != row["stem"] else original_label(row["stem"]))


def _grid(rows: list[dict[str, Any]]) -> str:
    planes = {f"{row['height']}x{row['width']}x{row['channels']}" for row in rows}
    return planes.pop() if len(planes) == 1 else "of several sizes"


def _probes(rows: list[dict[str, Any]]) -> str:
    counts = {row["probes_count"] for row in rows}
    number = counts.pop() if len(counts) == 1 else "several"
    own = {row["probes"] == "file" for row in rows}
    return f"{number} {'synthetic ' if own <= {False} else 'own ' if own == {True} else 'synthetic and own '}probes"


def _stems(rows: list[dict[str, Any]]) -> str:
    own = {row["init"] == "file" for row in rows}
    if own <= {False}:
        return "untrained frozen stems"
    return "frozen stems with weights of files" if own == {True} else "frozen stems, some with weights of files"
