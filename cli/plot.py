"""`erfsweep plot`: pictures for print, one command for each kind."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from cli import named
from cli.columns import parse_names
from cli.compare import ByOption, OtherArgument, SideArgument
from cli.examples import epilog
from cli.grouped import OverOption
from cli.growth import SizeOption
from cli.options import DbOption, ImageOption, StoredArgument, store_url
from cli.pareto import MaxOption, MinOption
from cli.render.plots.choices import COLUMN_WIDTH, AlongName, AreaName, CurveName, ScaleName
from cli.selection import CenterOption, LimitOption, MassOption, SortOption, WhereOption

if TYPE_CHECKING:
    from cli.render.plots.plots import Plots

OutputOption: TypeAlias = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="Write the picture to FILE.png, FILE.svg or FILE.pdf."),
]
WidthOption: TypeAlias = Annotated[
    float,
    typer.Option(
        "--width", metavar="INCHES", help="How wide the picture is; the default is one column of a paper, 7 are two."
    ),
]
DpiOption: TypeAlias = Annotated[
    int, typer.Option("--dpi", min=30, max=1200, help="Dots per inch, of a PNG and of the heatmaps in SVG and PDF.")
]
ScaleOption: TypeAlias = Annotated[
    ScaleName,
    typer.Option(
        "--scale",
        help="How values become shades: linearly, by their logarithm, or as in the figures of RepLKNet and VMamba.",
    ),
]
AreaOption: TypeAlias = Annotated[
    AreaName, typer.Option("--area", help="Show the window of the unit, or the whole input plane.")
]
_DPI = 300

app = typer.Typer(
    name="plot",
    add_completion=False,
    rich_markup_mode=None,
    help="Draw pictures for print: heatmaps, curves, growth, layers, comparisons, fronts.",
    epilog=epilog("plot"),
)


@app.command(epilog=epilog("plot heatmap"))
def heatmap(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A config (id, SWEEP:position), a label or a stem.",
            autocompletion=named.configs,
        ),
    ],
    output: OutputOption,
    scale: ScaleOption = "linear",
    area: AreaOption = "window",
    image: ImageOption = True,
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw one heatmap.

    Around it are the theoretical window (dashed) and the effective square.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {"scale": scale, "area": area, "image": image, "mass": mass, "center": center}
    _write(plots.heatmap(config, **options, width=width), output, dpi)


@app.command(epilog=epilog("plot heatmaps"))
def heatmaps(
    output: OutputOption,
    sweep: StoredArgument = None,
    where: WhereOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    over: OverOption = None,
    scale: ScaleOption = "linear",
    shared: Annotated[
        bool, typer.Option("--shared", help="Draw all heatmaps on one scale of shades, in place of one for each.")
    ] = False,
    area: AreaOption = "window",
    image: ImageOption = True,
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw a grid of heatmaps.

    They stand in the order of the table, the first 16 unless --limit says otherwise. With --over, the mean heatmap of
    each group.
    """
    from cli.render.plots.choices import MOST_PANELS
    from store.asking.pictured import count_pictured
    from store.asking.selection import Selection

    plots = _plots(output, db)
    options: dict[str, Any] = {
        "over": over,
        "scale": scale,
        "shared": shared,
        "area": area,
        "image": image,
        "mass": mass,
        "center": center,
    }
    found = plots.heatmaps(sweep, where=where, sort=_sort(sort), limit=limit, **options, width=width)
    _write(found, output, dpi)
    if limit is not None:
        return
    total = count_pictured(plots.store, Selection(sweep, where, mass=mass, center=center), over)
    if total > MOST_PANELS:
        what = "results" if over is None else "groups"
        sys.stderr.write(f"the first {MOST_PANELS} of {total:,} {what}; --limit draws more\n")


@app.command(epilog=epilog("plot curves"))
def curves(
    output: OutputOption,
    sweep: StoredArgument = None,
    where: WhereOption = None,
    sort: SortOption = None,
    limit: LimitOption = None,
    over: OverOption = None,
    curve: Annotated[
        CurveName,
        typer.Option(
            "--curve", help="The shape that grows around the centre: a square, a disc, or bands of columns or of rows."
        ),
    ] = "square",
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw the share of the mass against the radius.

    The closed form is dashed. --mass is where the guide is drawn. With --over, the mean of each group, with a band of
    one standard deviation.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {
        "over": over,
        "curve": curve,
        "center": center,
        **({} if mass is None else {"mass": mass}),
    }
    _write(plots.curves(sweep, where=where, sort=_sort(sort), limit=limit, **options, width=width), output, dpi)


@app.command(epilog=epilog("plot growth"))
def growth(
    output: OutputOption,
    sweep: StoredArgument = None,
    size: SizeOption = "luo",
    along: Annotated[
        AlongName | None, typer.Option("--with", help="Draw one panel, against this, in place of two.")
    ] = None,
    where: WhereOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw how a size grows with depth and with the theoretical RF.

    Both axes are logarithmic, and the lines are the fits of `erfsweep growth`. Families of plain stacks have a colour
    and a marker each, with the mean and the deviation over draws, their power law, its 95 % interval, and the
    square-root law.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {"size": size, "along": along, "mass": mass, "center": center}
    _write(plots.growth(sweep, where=where, **options, width=width), output, dpi)


@app.command(epilog=epilog("plot layers"))
def layers(
    output: OutputOption,
    sweep: StoredArgument = None,
    size: SizeOption = "eff_rf",
    where: WhereOption = None,
    over: OverOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw a size at each layer of a network.

    It is drawn against the theoretical RF of that layer. Configs that differ in readout.layer alone are one line:
    trained against untrained weights are two. With --over, the mean over the draws, with a band of one standard
    deviation.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {"size": size, "where": where, "over": over, "mass": mass, "center": center}
    _write(plots.layers(sweep, **options, width=width), output, dpi)


@app.command(epilog=epilog("plot compare"))
def compare(
    a: SideArgument,
    output: OutputOption,
    b: OtherArgument = None,
    by: ByOption = None,
    where: WhereOption = None,
    scale: ScaleOption = "linear",
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw two heatmaps, their difference and their profiles.

    Of several draws it is the mean heatmap; with --by, that of each half of A.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {"by": by, "where": where, "scale": scale, "mass": mass, "center": center}
    _write(plots.compare(a, b, **options, width=width), output, dpi)


@app.command(epilog=epilog("plot pareto"))
def pareto(
    output: OutputOption,
    sweep: StoredArgument = None,
    max_: MaxOption = None,
    min_: MinOption = None,
    where: WhereOption = None,
    over: OverOption = None,
    mass: MassOption = None,
    center: CenterOption = "unit",
    width: WidthOption = COLUMN_WIDTH,
    dpi: DpiOption = _DPI,
    db: DbOption = None,
) -> None:
    """Draw the Pareto front among the results that it beats.

    The front is that of `erfsweep pareto`.
    """
    plots = _plots(output, db)
    options: dict[str, Any] = {"where": where, "over": over, "mass": mass, "center": center, "width": width}
    most, least = parse_names(max_, "--max") or (), parse_names(min_, "--min") or ()
    _write(plots.pareto(sweep, max=most, min=least, **options), output, dpi)


def _plots(output: Path, db: str | None) -> "Plots":
    """The pictures of the store. Raises InputError before it is opened where the file cannot be written so."""
    from cli.opened import opened
    from cli.render.plots.plots import Plots
    from cli.render.plots.style import needed

    needed()
    from cli.render.plots.figure import check_suffix

    check_suffix(output)
    return Plots(opened(store_url(db), create=False))


def _sort(sort: str | None) -> tuple[str, ...]:
    return tuple(parse_names(sort, "--sort") or ())


def _write(picture: Any, output: Path, dpi: int) -> None:
    """Writes the picture, in place of a file that is there, whole or not at all."""
    from cli.render.files import write_bytes
    from cli.render.visible import visible

    write_bytes(output, picture.file(output.suffix.lower(), dpi))
    sys.stderr.write(f"{visible(str(output))} written\n")
