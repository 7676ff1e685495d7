"""The support of a unit: exactly which input pixels can matter to it, clipped at every plane on the way back.

Every layer reads rows and columns independently, so one chain of layers stands on a product of a set of rows and a
set of columns. A sum of branches stands on a union of such products, which is no product any more; it is kept as rows
that share the same columns. Channels play no part: each channel of a layer reads at least one channel before it,
over the same pixels.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

import msgspec

from pipeline.stem import GlobalAvgPool, Group, Network, Node, Transposed, Upsample
from pipeline.theory.indices import Indices, pixels_feeding, pixels_read, span

Product: TypeAlias = tuple[Indices, Indices]
Products: TypeAlias = tuple[Product, ...]
Carry: TypeAlias = Callable[[Node, Product], Product]
"""How one layer, which is no residual sum, carries a product of its outputs back to its input."""


class Support(msgspec.Struct, frozen=True):
    """Input pixels, as products of rows and columns; no row is in two of them, no two have the same columns."""

    products: Products

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
        return hull(self.products)

    def pixels(self) -> set[tuple[int, int]]:
        """Every (y, x) of the support."""
        return {(y, x) for rows, columns in self.products for y in rows for x in columns}


class Seen(NamedTuple):
    """Pixels that are seen of one plane. misaligned: two branches of a sum have hulls of different middles."""

    products: Products
    misaligned: bool = False


def support(nodes: Network, unit: tuple[int, int]) -> Support:
    """The support on the input plane of the output unit (y, x)."""
    return Support(seen_by(nodes, unit, _on_plane).products)


def seen_by(nodes: Network, unit: tuple[int, int], carry: Carry) -> Seen:
    """What the output unit (y, x) sees of the input of some nodes, each of which is walked back by `carry`."""
    y, x = unit
    return _behind(nodes, Seen(((span(y, y), span(x, x)),)), carry)


def hull(products: Products) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right), inclusive, of the smallest rectangle around some products; None around none."""
    if not products:
        return None
    return (
        min(rows.first for rows, _ in products),
        max(rows.last for rows, _ in products),
        min(columns.first for _, columns in products),
        max(columns.last for _, columns in products),
    )


def _behind(nodes: Network, seen: Seen, carry: Carry) -> Seen:
    for node in reversed(nodes):
        if isinstance(node.layer, Group):
            body = _behind(node.body, seen, carry)
            beside = _behind((node.shortcut,), seen, carry) if node.shortcut else seen
            misaligned = body.misaligned or beside.misaligned or not _same_middle(body.products, beside.products)
            seen = Seen(_union(body.products + beside.products), misaligned)
        else:
            seen = Seen(_union(carry(node, product) for product in seen.products), seen.misaligned)
    return seen


def _same_middle(one: Products, other: Products) -> bool:
    """Whether the hulls of both have the same middle; a branch that sees nothing has none."""
    first, second = hull(one), hull(other)
    if first is None or second is None:
        return True
    return first[0] + first[1] == second[0] + second[1] and first[2] + first[3] == second[2] + second[3]


def _on_plane(node: Node, product: Product) -> Product:
    rows, columns = product
    if isinstance(node.layer, GlobalAvgPool):
        return span(0, node.y.size_in - 1), span(0, node.x.size_in - 1)
    if isinstance(node.layer, Transposed | Upsample):
        return pixels_feeding(rows, node.y), pixels_feeding(columns, node.x)
    return pixels_read(rows, node.y, node.padding_mode), pixels_read(columns, node.x, node.padding_mode)


def _union(products: Iterable[Product]) -> Products:
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
