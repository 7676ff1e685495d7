"""The tables of ways in docs/architecture.md have the shapes of the matrix products that are run."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.stem import Axis
from tests import convolving

PAGE = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text()
ROWS, COLUMNS, KH, N = 9, 11, 3, 16
"""Lines of 16 probes begin on cache lines, so that no product is made longer than the page says."""

CASES = {  # way: its name for `conv`, kernel width, channels, features, groups
    "unfolded": ("unfolded", 4, 4, 6, 2),
    "folded": ("folded", 4, 4, 6, 2),
    "folded with unfolded taps": ("folded", 6, 4, 4, 4),
    "winograd": ("winograd", 3, 4, 6, 1),
    "fourier": ("fourier", 4, 4, 6, 1),
    "windowed": ("windowed", 4, 4, 6, 2),
}


def table(direction: str) -> dict[str, str]:
    """What the page says of the product of each way."""
    part = PAGE.partition("\n### Ways by stages\n")[2].partition(f"\n{direction}")[2].partition("\n\n| way")[2]
    lines = [line.split("|")[1:-1] for line in part.partition("\n\n")[0].splitlines() if line.startswith("| ")]
    return {cells[0].partition(",")[0].strip(): cells[-2] for cells in lines[1:]}


def evaluated(product: str, sizes: dict[str, int]) -> list[tuple[int, ...]]:
    """The shapes of both operands: a side such as `kh c` is a product of sizes, or a quotient of two."""

    def side(text: str) -> int:
        found = 1
        for word in text.split():
            name, _, divisor = word.partition("/")
            found = found * sizes[name] // sizes.get(divisor, 1)
        return found

    written = re.search(r"\[([^],]+), ([^],]+)\] @ \[([^],]+), ([^],]+)\]", product)
    assert written is not None, product
    high, deep, same, wide = map(side, written.groups())
    return [(high, deep), (same, wide)]


@pytest.fixture
def multiplied(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, ...]]]:
    """The shapes of the matrices of all products that are run from here on."""
    shapes: list[list[tuple[int, ...]]] = []
    multiply = np.matmul

    def noted(one: np.ndarray, other: np.ndarray, *rest: Any, **options: Any) -> Any:
        shapes.append([one.shape[-2:], other.shape[-2:]])
        return multiply(one, other, *rest, **options)

    monkeypatch.setattr(np, "matmul", noted)
    return shapes


@pytest.mark.parametrize(
    ("direction", "way"),
    [("Forward", way) for way in CASES] + [("Back", way) for way in table("Back") if way != "phases"],
)
def test_products_have_the_shapes_that_the_page_says(
    direction: str, way: str, multiplied: list[list[tuple[int, ...]]]
) -> None:
    name, kw, channels, features, groups = CASES[way]
    y, across = Axis(ROWS, ROWS - KH + 1, KH), Axis(COLUMNS, COLUMNS - kw + 1, kw)
    rng = np.random.default_rng(0)
    weight = rng.random((KH, kw, channels // groups, features), np.float32)
    if direction == "Forward":
        convolving.forward(rng.random((ROWS, channels, COLUMNS, N), np.float32), weight, y, across, groups, name)
    else:
        g = rng.random((y.size_out, features, across.size_out, N), np.float32)
        convolving.vjp(g, weight, y, across, groups, way=name)
    sizes = {"kh": KH, "taps": KH, "kw": kw, "C": channels, "F": features, "n": N, "g": 2}
    sizes |= {"c": channels // groups, "f": features // groups, "columns": COLUMNS, "columns'": across.size_out}
    sizes["tiles"] = -(-across.size_out // 2)
    assert evaluated(table(direction)[way], sizes) in multiplied


def test_every_way_is_on_the_page() -> None:
    assert set(table("Forward")) == {*CASES, "phases"}
    assert set(table("Back")) < set(table("Forward"))
