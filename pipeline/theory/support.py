"""The support of a unit: exactly which input pixels can matter to it, clipped at every plane on the way back.

Every layer reads rows and columns independently, so one chain of layers stands on a product of a set of rows and a
set of columns. What reaches a node from several others stands on a union of such products, which is no product any
more; it is kept as rows that share the same columns, for each set of channels that sees the same.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias, assert_never

import msgspec

from pipeline.stem import Network, Node
from pipeline.theory.indices import Indices, pixels_feeding, pixels_read, pixels_weighed, span
from pipeline.theory.walk import carried_back, channels_behind, is_one_pixel, one_channel, over_all

Product: TypeAlias = tuple[Indices, Indices]
Products: TypeAlias = tuple[Product, ...]


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


def support(nodes: Network, unit: tuple[int, int], channel: int | str = "sum") -> Support:
    """The support on the input plane, of any of its channels, of the output unit (y, x).

    channel: that of the unit; a reduction such as "sum" stands for all of them.
    """
    y, x = unit
    start: Products = ((span(y, y), span(x, x)),)
    reached = carried_back(nodes, {nodes[-1].index: ((one_channel(channel), start),)}, _on_plane, union_of)
    return Support(over_all(reached, union_of) or ())


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


def _on_plane(node: Node, slot: int, channels: int, products: Products) -> Iterator[tuple[int, Products]]:
    """The pixels of an input of a node that some pixels of it can be changed by; nothing where there are none."""
    found = union(_product_on_plane(node, slot, product) for product in products)
    behind = channels_behind(node, slot, channels)
    if found and behind:
        yield behind, found


def _product_on_plane(node: Node, slot: int, product: Product) -> Product:
    rows, columns = product
    match node.geometry:
        case "reads":
            return pixels_read(rows, node.y, node.padding_mode), pixels_read(columns, node.x, node.padding_mode)
        case "feeds":
            return pixels_feeding(rows, node.y), pixels_feeding(columns, node.x)
        case "resampled":
            return pixels_weighed(rows, node.y), pixels_weighed(columns, node.x)
        case "global":
            return span(0, node.y.size_in - 1), span(0, node.x.size_in - 1)
        case "pixelwise":
            return product
        case "join":
            return (span(0, 0), span(0, 0)) if is_one_pixel(node, slot) else product
        case _:
            assert_never(node.geometry)


def union_of(one: Products, other: Products) -> Products:
    """The pixels of both."""
    return one if one == other else union(one + other)


def union(products: Iterable[Product]) -> Products:
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
