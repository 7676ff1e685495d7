"""`erfsweep show`: one result as text, or its heatmap as a file."""

import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import named
from cli.options import MACHINE_FORMATS, DbOption, FormatOption, ImageOption, TableFormat, is_debugging, store_url
from cli.selection import CenterOption, MassOption

if TYPE_CHECKING:
    from pipeline.sizes import Cutout
    from store.asking.records import Record
    from store.database.connection import Store


def command(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="The first characters of an id, or SWEEP:position.",
            autocompletion=named.configs,
        ),
    ],
    mass: MassOption = None,
    center: CenterOption = "unit",
    log: Annotated[bool, typer.Option("--log", help="Draw the heatmap on a logarithmic scale.")] = False,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Also write the heatmap to FILE.npy, .npz, .csv or .png."),
    ] = None,
    image: ImageOption = True,
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Show one result: heatmap, sizes, theory, provenance, attempts.

    The heatmap is that of the unit's window: in colour on a terminal that has colours, else in shades. A file .npy or
    .csv has the heatmap on the whole plane, .npz also the mass curves and the config as JSON, .png the picture, on the
    image where probes are images.
    The formats json and csv use the names of `erfsweep fields`, without the heatmap.
    """
    from cli.opened import opened
    from cli.render.saved import Saved, check_suffix
    from cli.render.saved import save as save_as
    from cli.render.tables import default_format, print_one
    from pipeline.config import encode
    from pipeline.sizes import cutout
    from store.asking.heatmaps import heatmap_and_curves, heatmaps
    from store.asking.records import find, flat
    from store.asking.resized import resized

    if save is not None:
        check_suffix(save)
    store = opened(store_url(db), create=False)
    record = resized(store, find(store, config), mass, center)
    chosen = format_ or default_format()
    side = None if record.result is None else record.result.sizes.eff_square
    cut = None
    if save is not None:
        heatmap, curves = heatmap_and_curves(store, record)
        cut = cutout(record.config, heatmap, side, center)
        is_picture = image and save.suffix.lower() == ".png"
        grey = _grey(store, record) if is_picture else None
        save_as(save, Saved(heatmap, curves, encode(record.config).decode(), cut, log, grey))
        sys.stderr.write(f"{save} written\n")
    elif chosen not in MACHINE_FORMATS:
        plane = record.config.input.height, record.config.input.width
        for _, heatmap in heatmaps(store, [record.digest], plane):  # of one that is measured, and not damaged
            cut = cutout(record.config, heatmap, side, center)
    if chosen in MACHINE_FORMATS:
        print_one(flat(record), format_)
    else:
        _print(record, cut, mass, chosen, log=log)


def _grey(store: "Store", record: "Record") -> Any:
    """The images of a config in grey, uint8 [height, width]; None where there are none; stderr says why."""
    from store.asking.backdrops import Backdrops

    backdrops = Backdrops()
    found = backdrops.of(record.config)
    for problem in backdrops.problems:
        store.say(problem)
    return None if found is None else found.grey


def _print(record: "Record", cut: "Cutout | None", mass: float | None, format_: TableFormat, *, log: bool) -> None:
    """Prints a record for a reader."""
    from cli.render.heatmap import PIPE_COLUMNS, print_heatmap, shaded
    from cli.render.markup import writer
    from cli.render.record import record_tables
    from cli.render.tables import print_table
    from cli.render.visible import visible, visible_lines
    from pipeline.sizes import FRACTION

    write = writer(format_)
    screen = shutil.get_terminal_size((PIPE_COLUMNS, 24))
    columns = screen.columns if format_ == "table" else PIPE_COLUMNS
    fold = partial(_folded, columns=columns) if format_ == "table" else str
    sys.stdout.write(write.title(fold(visible(f"{record.label}  {record.id}  {record.state}"))) + "\n")
    last = record.attempts[-1] if record.attempts and record.state in ("failed", "killed") else None
    if last is not None:
        sys.stdout.write(write.block(fold(visible(f"{last.error_type}: {last.message}")) + "\n") + "\n")
    if cut is not None:
        if format_ == "table":
            print_heatmap(cut, log=log, columns=columns, rows=screen.lines)
        else:
            sys.stdout.write(write.block("".join(shaded(cut, log=log, is_ascii=format_ == "latex"))))
        sys.stdout.write("\n")
    for table in record_tables(record, mass or FRACTION):
        print_table(table, format_)
        sys.stdout.write("\n")
    if last is not None and last.traceback:
        told = last.traceback if is_debugging() else "--debug shows where in the program it failed\n"
        sys.stdout.write(write.block(visible_lines(told)))


def _folded(text: str, columns: int) -> str:
    """The text in lines of at most so many characters."""
    return "\n".join(textwrap.wrap(text, columns))
