"""The table that somebody asks for: rows of configs, or of groups of them, as they are or turned."""

from collections.abc import Sequence

import msgspec

from pipeline.errors import InputError, quote
from store.asking.choices import MapName
from store.asking.columns import DEFAULT, DIFFERING, GROUPED, differing
from store.asking.fields import BY_NAME, expanded, field
from store.asking.fractions import read_fractions
from store.asking.heads import base
from store.asking.pivot import pivoted
from store.asking.reading import read
from store.asking.selection import Selection
from store.asking.table import Table
from store.database.connection import Store


def table_of(
    store: Store,
    selection: Selection,
    columns: Sequence[str] | None = None,
    over: str | None = None,
    map_: MapName | None = None,
    *,
    masses: Sequence[float] = (),
    diff: bool = False,
    pivot: Sequence[str] = (),
    values: Sequence[str] = (),
) -> Table:
    """The selected rows, or with `over` a row for each group that is alike in everything but this axis.

    `columns` None stands for the usual ones; they are names of fields, paths, groups or globs. `map_` adds the sizes of
    the averaged heatmap of each group. With several `masses` a size has a column for each share, such as `eff_rf@0.5`.
    `diff` leaves out columns that are the same in all rows. `pivot` names the columns whose values stand down the side
    and, the last, across the top; `values` are those in the cells.
    Raises InputError for what goes together with nothing or with something else, and as `read`, `read_grouped` and
    `pivoted` do.
    """
    if map_ and not over:
        raise InputError(f"--map {map_} averages the heatmaps of a group; add --over seed, or another axis")
    if bool(pivot) != bool(values):
        raise InputError("--pivot depth,kernel and --value eff_rf go together; give both")
    if pivot:
        if columns is not None or diff:
            raise InputError("--pivot has the columns that it names and --value; leave out --columns and --diff")
        if len(pivot) < 2:
            raise InputError("--pivot takes two columns at least, as depth,kernel: down the side, and across the top")
        columns = (*pivot, *map(base, values))
    if len(masses) == 1:
        selection = msgspec.structs.replace(selection, mass=masses[0])
        masses = ()
    found = _rows(store, selection, columns, over, map_, masses, diff=diff)
    if diff:
        return differing(found)
    return (
        pivoted(found, [_column(found, each) for each in pivot], [_column(found, each) for each in values])
        if (pivot)
        else found
    )


def _rows(
    store: Store,
    selection: Selection,
    columns: Sequence[str] | None,
    over: str | None,
    map_: MapName | None,
    masses: Sequence[float],
    *,
    diff: bool,
) -> Table:
    if over:
        from store.asking.grouped import read_grouped, refuse_averaged

        refuse_averaged(columns or (), over)
        return read_grouped(store, selection, columns or GROUPED, over, map_, masses)
    names = expanded(columns or (DIFFERING if diff else DEFAULT))
    if diff and columns is None:
        names = tuple(name for name in names if name != "reasons")  # they say what is NULL beside them
    return read_fractions(store, selection, names, masses) if masses else read(store, selection, names)


def _column(table: Table, name: str) -> str:
    """The column of a table that a name or a path means. Raises InputError where it has none."""
    found = name if name in table.columns else field(name).name if base(name) == name else name
    if found in table.columns:
        return found
    has = ", ".join(each for each in table.columns if each not in BY_NAME or each == found) or "none"
    raise InputError(f"the table has no column {quote(name)}; beside its fields it has {has}")
