"""`erfsweep show`: one result as text."""

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cli.options import MACHINE_FORMATS, DbOption, FormatOption, store_url
from cli.selection import CenterOption, MassOption
from store.asking.selection import CenterName

if TYPE_CHECKING:
    from store.asking.records import Record
    from store.database.connection import Store


def command(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="The first characters of an id, or SWEEP:position.")],
    mass: MassOption = None,
    center: CenterOption = "unit",
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Show one result: heatmap, sizes, theory, provenance, attempts.

    As json or csv: everything flat under the names of `erfsweep fields`, without the heatmap.
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
    from store.asking.records import find

    store = opened(store_url(db), create=False)
    record = _resized(store, find(store, config), mass, center)
    if format_ in MACHINE_FORMATS:
        print_one(_object(record), format_)
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


def _resized(store: "Store", record: "Record", mass: float | None, center: CenterName) -> "Record":
    """The record with the sizes that --mass and --center ask for."""
    from pipeline.config.config import encode
    from pipeline.errors import StoreError, quote
    from store.asking.reading import new_sizes
    from store.asking.selection import Selection
    from store.database.faults import RESTORE

    if record.result is None or Selection(None, mass=mass, center=center).is_stored:
        return record
    row = {"digest": record.digest, "spec": encode(record.config).decode(), "n_nan": record.result.n_nan}
    found = dict(new_sizes(store, [row], mass, center))
    if record.digest not in found:
        raise StoreError(f"the heatmap of {quote(record.id)} is missing or damaged; {RESTORE}, or leave out --mass")
    sizes = found[record.digest]
    return msgspec.structs.replace(record, result=msgspec.structs.replace(record.result, sizes=sizes))


def _object(record: "Record") -> dict[str, Any]:
    """Everything that is kept, flat where the columns of `erfsweep fields` are meant."""
    from pipeline.result import Provenance, Sizes, Theory

    flat = {
        "id": record.id,
        "config": record.label,
        "stem": record.config.stem,
        "digest": record.digest,
        "state": record.state,
        **msgspec.to_builtins(record.axes),
    }
    made = record.result
    measured = (Theory, Sizes, Provenance)
    if made is None:  # the same names, so that a program finds them
        empty = ("dead", "n_zero", "n_nan", *(name for struct in measured for name in struct.__struct_fields__))
        flat |= dict.fromkeys(empty)
    else:
        flat |= {"dead": made.dead, "n_zero": made.n_zero, "n_nan": made.n_nan}
        flat |= msgspec.to_builtins(made.theory) | msgspec.to_builtins(made.sizes)
        flat |= msgspec.to_builtins(made.provenance)
    flat["spec"] = msgspec.to_builtins(record.config)
    flat["sweeps"] = [{"sweep": each.sweep, "position": each.position} for each in record.sweeps]
    flat["attempts"] = msgspec.to_builtins(record.attempts)
    return flat
