"""The support of a unit: exactly which input pixels can matter to it, clipped at every plane on the way back.

Every layer reads rows and columns independently, so one chain of layers stands on a product of a set of rows and a
set of columns. A sum of branches stands on a union of such products, which is no product any more; it is kept as rows
that share the same columns. Channels play no part: each channel of a layer reads at least one channel before it,
over the same pixels.
"""

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from pipeline.indices import Indices, feeding, read_by, span
from pipeline.network import Network, Node
from pipeline.stem import GlobalAvgPool, Group, Transposed, Upsample

Product: TypeAlias = tuple[Indices, Indices]
_Products: TypeAlias = tuple[Product, ...]


class Support(msgspec.Struct, frozen=True):
    """Input pixels, as products of rows and columns; no row is in two of them, no two have the same columns."""

    products: _Products

    @property
    def dead(self) -> bool:
        """No input pixel can matter: the unit sees padding or gaps only."""
        return not self.products

    @property
    def rows(self) -> Indices:
        """Rows with a pixel in the support."""
        return _all(rows for rows, _ in self.products)

    @property
    def columns(self) -> Indices:
        """Columns with a pixel in the support."""
        return _all(columns for _, columns in self.products)

    @property
    def hull(self) -> tuple[int, int, int, int] | None:
        """(top, bottom, left, right), inclusive, of the smallest rectangle around it; None where it is dead."""
        if self.dead:
            return None
        rows, columns = self.rows, self.columns
        return rows.first, rows.last, columns.first, columns.last

    def pixels(self) -> set[tuple[int, int]]:
        """Every (y, x) of the support."""
        return {(y, x) for rows, columns in self.products for y in rows for x in columns}


def support(nodes: Network, unit: tuple[int, int]) -> Support:
    """The support on the input plane of the output unit (y, x)."""
    y, x = unit
    return Support(_behind(nodes, ((span(y, y), span(x, x)),)))


def _behind(nodes: Network, seen: _Products) -> _Products:
    for node in reversed(nodes):
        if isinstance(node.layer, Group):
            shortcut = _behind((node.shortcut,), seen) if node.shortcut else seen
            seen = _union(_behind(node.body, seen) + shortcut)
        else:
            seen = _union([_product(node, rows, columns) for rows, columns in seen])
    return seen


def _product(node: Node, rows: Indices, columns: Indices) -> Product:
    if isinstance(node.layer, GlobalAvgPool):
        return span(0, node.y.size_in - 1), span(0, node.x.size_in - 1)
    if isinstance(node.layer, Transposed | Upsample):
        return feeding(rows, node.y), feeding(columns, node.x)
    return read_by(rows, node.y, node.padding_mode), read_by(columns, node.x, node.padding_mode)


def _union(products: Iterable[Product]) -> _Products:
    """The same pixels with each row in one product, and rows of equal columns together.

    There are never more products than rows, however many branches were summed.
    """
    apart: list[Product] = []
    for rows, columns in products:
        if not rows or not columns:
            continue
        split: list[Product] = []
        rest = rows
        for others, theirs in apart:
            shared = others & rest
            if shared:
                split.append((shared, theirs | columns))
                others, rest = others - shared, rest - shared
            if others:
                split.append((others, theirs))
        if rest:
            split.append((rest, columns))
        apart = split
    if len(apart) < 2:
        return tuple(apart)
    together: dict[Indices, Indices] = {}
    for rows, columns in apart:
        together[columns] = together.get(columns, Indices()) | rows
    return tuple((rows, columns) for columns, rows in together.items())


def _all(sets: Iterable[Indices]) -> Indices:
    union = Indices()
    for one in sets:
        union |= one
    return union
