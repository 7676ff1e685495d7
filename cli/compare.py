"""`erfsweep compare`: two sweeps, or two configs, against each other."""

import sys
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from cli import completion, named
from cli.options import MACHINE_FORMATS, DbOption, FormatOption, store_url
from cli.selection import CenterOption, MassOption, WhereOption

if TYPE_CHECKING:
    from store.asking.comparison import Compared, Comparison
    from store.asking.table import Table

_WHAT = "A stored sweep, a config (id, SWEEP:position), a label or a stem."
SideArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="A", help=_WHAT, autocompletion=named.sweeps_and_configs)
]
OtherArgument: TypeAlias = Annotated[
    str | None,
    typer.Argument(
        metavar="B", help="The other one; or split A in two by --by.", autocompletion=named.sweeps_and_configs
    ),
]
ByOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="AXIS",
        help="Split A in two by an axis of two values: activation; or by two of its values: kernel=3,5.",
        autocompletion=completion.splits,
    ),
]


def command(
    a: SideArgument,
    b: OtherArgument = None,
    size: Annotated[
        str | None,
        typer.Option(
            "--size",
            metavar="NAMES",
            help="The sizes, separated by commas, as `erfsweep fields` lists them [default: those of a table].",
            autocompletion=completion.columns,
        ),
    ] = None,
    by: ByOption = None,
    where: WhereOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name the results that only one side has.")] = False,
    format_: FormatOption = None,
    db: DbOption = None,
) -> None:
    """Compare the sizes of two sweeps, of two configs, or of the halves of one sweep.

    Results that agree in everything that A and B share are pairs. For each size: the means over the pairs, their
    difference B - A with a 95 % interval, and which side is larger. The format json has everything in one object.
    """
    from cli.columns import parse_names
    from cli.opened import opened
    from store.asking.columns import SIZES
    from store.asking.comparison import compare

    store = opened(store_url(db), create=False)
    names = parse_names(size, "--size") or SIZES
    _print(compare(store, a, b, names, by=by, where=where, mass=mass, center=center), format_, verbose)


def _print(found: "Comparison", format_: Any, verbose: bool) -> None:
    from cli.render.cells import json_text
    from cli.render.tables import default_format, print_table

    chosen = format_ or default_format()
    if chosen == "json":
        sys.stdout.write(json_text(_described(found, verbose)) + "\n")
    elif chosen in MACHINE_FORMATS:
        print_table(found.table(), format_)
    else:
        print_table(_sides(found), format_)
        sys.stdout.write("\n")
        if found.differs:
            print_table(_differences(found), format_)
            sys.stdout.write("\n")
        print_table(_sizes(found), format_)
    if verbose and chosen != "json":
        _name_alone(found)


def _described(found: "Comparison", verbose: bool) -> dict[str, Any]:
    """The comparison as plain values; the results without a partner are named where that is asked for."""
    import msgspec

    whole: dict[str, Any] = msgspec.to_builtins(found)
    for side, of in (("a", found.a), ("b", found.b)):
        del whole[side]["only"]
        whole[side]["alone"] = len(of.only)
        if verbose:
            whole[side]["only"] = [{"id": key, "config": label} for key, label in of.only]
    return whole


def _sides(found: "Comparison") -> "Table":
    from store.asking.table import Table

    def row(side: str, of: "Compared") -> tuple[Any, ...]:
        return side, of.name, of.results, found.pairs, len(of.only), ", ".join(found.paired_by) or None

    columns = ("side", "is", "results", "pairs", "alone", "paired by")
    return Table(columns, [row("A", found.a), row("B", found.b)])


def _differences(found: "Comparison") -> "Table":
    from store.asking.config_fields import some_values
    from store.asking.table import Table

    rows = [(each.axis, some_values(each.axis, each.a), some_values(each.axis, each.b)) for each in found.differs]
    return Table(("differs in", "A", "B"), rows)


def _sizes(found: "Comparison") -> "Table":
    """The rows for a reader, without the columns that say nothing here."""
    from store.asking.table import Table

    table = found.table()
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    is_single = all(row["n_a"] == row["n_b"] == row["pairs"] for row in rows)
    left_out = {*(("n_a", "n_b") if is_single else ()), *(() if any(row["reason"] for row in rows) else ("reason",))}
    names = [name for name in table.columns if name not in left_out]
    shown = {"a": "A", "b": "B", "difference": "B - A"}
    for row in rows:
        row["larger"] = shown.get(row["larger"], row["larger"])
    return Table(tuple(shown.get(name, name) for name in names), [tuple(row[name] for name in names) for row in rows])


def _name_alone(found: "Comparison") -> None:
    """Names on stderr the results to which the other side has none."""
    from cli.render.visible import visible

    for side, of in (("A", found.a), ("B", found.b)):
        for key, label in of.only:
            sys.stderr.write(f"only in {side}: {key} {visible(label)}\n")
