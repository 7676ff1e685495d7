"""`erfsweep show`: one result as text."""

import shutil
import sys
from typing import Annotated

import typer

from cli.options import MACHINE_FORMATS, DbOption, FormatOption, store_url
from cli.selection import CenterOption, MassOption


def command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="The first characters of an id, or SWEEP:position.")],
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Show one result: heatmap, sizes, theory, provenance, attempts.

    The formats json and csv use the names of `erfsweep fields`, without the heatmap.
    """
    from cli.opened import opened
    from cli.render.heatmap import MAX_COLUMNS, shaded
    from cli.render.markup import writer
    from cli.render.record import record_tables
    from cli.render.tables import default_format, print_one, print_table
    from cli.render.visible import visible, visible_lines
    from pipeline.config.config import encode
    from pipeline.sizes.sizes import FRACTION
    from store.asking.heatmaps import heatmaps
    from store.asking.records import find, flat
    from store.asking.resized import resized

    store = opened(store_url(db), create=False)
    record = resized(store, find(store, config), mass, center)
    if format_ in MACHINE_FORMATS:
        print_one(flat(record), format_)
        return
    write = writer(format_ or default_format())
    sys.stdout.write(write.title(visible(f"{record.label}  {record.id}  {record.state}")))
    plane = record.config.input.height, record.config.input.width
    for _, heatmap in heatmaps(store, [record.digest], plane):  # of one that is measured, and not damaged
        columns = min(shutil.get_terminal_size((MAX_COLUMNS, 24)).columns, MAX_COLUMNS)
        sys.stdout.write("\n" + write.block(shaded(heatmap, columns)) + "\n")
    for table in record_tables(record, mass or FRACTION):
        print_table(table, format_)
        sys.stdout.write("\n")
    sys.stdout.write(write.block(visible(f"config: {encode(record.config).decode()}") + "\n"))
    if record.state in ("failed", "killed") and record.attempts and record.attempts[-1].traceback:
        sys.stdout.write("\n" + write.block(visible_lines(record.attempts[-1].traceback)))
