"""The table that somebody asks for: rows of configs, or of groups of them."""

from collections.abc import Sequence

from pipeline.errors import InputError
from store.asking.columns import DEFAULT, GROUPED
from store.asking.fields import expanded
from store.asking.reading import read
from store.asking.selection import MapName, Selection
from store.asking.table import Table
from store.database.connection import Store


def table_of(
    store: Store,
    selection: Selection,
    columns: Sequence[str] | None = None,
    over: str | None = None,
    map_: MapName | None = None,
) -> Table:
    """The selected rows, or with `over` a row for each group that is alike in everything but this axis.

    `columns` None stands for the usual ones; they are names of fields, paths, groups or globs. `map_` adds the sizes of
    the averaged heatmap of each group.
    Raises InputError for a `map_` without groups, and as `store.asking.reading.read` and
    `store.asking.grouped.read_grouped` do.
    """
    if map_ and not over:
        raise InputError(f"--map {map_} averages the heatmaps of a group; add --over seed, or another axis")
    if over:
        from store.asking.grouped import read_grouped

        return read_grouped(store, selection, columns or GROUPED, over, map_)
    return read(store, selection, expanded(columns or DEFAULT))
