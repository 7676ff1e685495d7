"""An export: the table of a sweep, its mass curves and its heatmaps as files in a folder, with a manifest."""

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, TypeAlias, get_args

import msgspec

from pipeline.config import KERNEL_VERSION
from pipeline.errors import InputError, quote
from store.asking.choices import MapName
from store.asking.export.arrays import array_files
from store.asking.export.column_types import column_types
from store.asking.export.folder import Contents, write_folder
from store.asking.export.formats import CurveFormat, ExportFormat, HeatmapFormat
from store.asking.export.manifest import Exporter, Manifest, Query, refuse_strangers
from store.asking.export.parquet import check_parquet, write_parquet
from store.asking.fields import fields
from store.asking.selection import Selection
from store.asking.table import Table
from store.asking.tables import table_of
from store.database.connection import Store
from store.database.secret import masked
from store.database.types import Kind

Lines: TypeAlias = Callable[[Table], Iterable[str]]
"""A table as lines of text."""


class Wanted(msgspec.Struct, frozen=True):
    """What an export is to hold: which rows, averaged over what, and in which files.

    table: the format of the table. curves: `csv` is the curve of the centred square as the original program writes it,
    `npy` and `npz` are all four; None is `csv` where a row is a config and `none` where it is a group. heatmaps: None
    for none.
    """

    selection: Selection
    over: str | None = None
    map: MapName | None = None
    table: ExportFormat = "csv"
    curves: CurveFormat | None = None
    heatmaps: HeatmapFormat | None = None


class Exported(msgspec.Struct, frozen=True):
    """What was written: the file of the table, its rows, and how many files of curves and of heatmaps."""

    table: Path
    rows: int
    curves: int
    heatmaps: int


def export(store: Store, folder: Path, wanted: Wanted, lines: Lines | None, *, force: bool = False) -> Exported:
    """Writes a sweep into a folder, in place of its last export there: all files or none.

    `lines` makes the text of the table in its format; None is for Parquet, which is no text. Where a row is a group,
    there are neither curves nor heatmaps. Raises InputError for a folder that holds something else, unless `force`, and
    for one that cannot be written; and as `store.asking.tables.table_of` does.
    """
    sweep = wanted.selection.sweep
    if sweep is None:
        raise InputError("an export is of one sweep; name the sweep")
    _check(wanted)
    if not force:
        refuse_strangers(folder, sweep)
    names = None if wanted.over else [each.name for each in fields()]
    table = table_of(store, wanted.selection, names, wanted.over, wanted.map)
    types = column_types(table, is_grouped=wanted.over is not None)
    counts = {"curves": 0, "heatmaps": 0}

    def files() -> Iterator[Contents]:
        yield f"table.{wanted.table}", _table_writer(table, types, lines)
        if wanted.over:
            return
        for name, write in array_files(store, table, wanted.curves or "csv", wanted.heatmaps, wanted.selection.center):
            counts["heatmaps" if name.startswith("heatmap_") else "curves"] += 1
            yield name, write

    manifest = Manifest(Exporter(version("erfsweep"), KERNEL_VERSION), store.address.shown, _query(wanted), types)
    write_folder(folder, files(), manifest, force=force)
    return Exported(folder / f"table.{wanted.table}", len(table.rows), counts["curves"], counts["heatmaps"])


def _check(wanted: Wanted) -> None:
    """Raises InputError for files that cannot be made, before anything is read."""
    formats = {
        "format": (wanted.table, get_args(ExportFormat)),
        "curves": (wanted.curves, get_args(CurveFormat)),
        "heatmaps": (wanted.heatmaps, get_args(HeatmapFormat)),
    }
    for what, (written, known) in formats.items():
        if written is not None and written not in known:
            raise InputError(f"{quote(written)} is not a format for {what}; use {', '.join(known)}")
    if wanted.table == "parquet":
        check_parquet()
    if wanted.over is None:
        return
    arrays = {"--heatmaps": wanted.heatmaps, "--curves": None if wanted.curves == "none" else wanted.curves}
    for option, given in arrays.items():
        if given is not None:
            raise InputError(
                f"{option} {given} writes a file for each config, and --over {wanted.over} has rows of groups; "
                f"leave one of them out"
            )


def _query(wanted: Wanted) -> Query:
    from pipeline.sizes import FRACTION

    asked = wanted.selection
    where = None if asked.where is None else masked(asked.where)
    return Query(asked.sweep or "", where, wanted.over, wanted.map, asked.mass or FRACTION, asked.center)


def _table_writer(table: Table, types: dict[str, Kind], lines: Lines | None) -> Callable[[IO[bytes]], None]:
    def write(stream: IO[bytes]) -> None:
        if lines is None:
            write_parquet(table, types, stream)
        else:
            stream.writelines(line.encode() for line in lines(table))

    return write
