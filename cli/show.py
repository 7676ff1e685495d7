"""`erfsweep show`: one result as text."""

import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from cli.options import DbOption, FormatOption, store_url
from cli.selection import CenterName, CenterOption, MassOption

if TYPE_CHECKING:
    from store.engine import Store
    from store.records import Record


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
    from cli.render.heatmap import MAX_COLUMNS, shaded
    from cli.render.tables import print_one, print_table
    from pipeline.arrays import unpack_heatmap
    from pipeline.config import encode
    from pipeline.measure import FRACTION
    from store.opening import open_store
    from store.records import arrays, find

    store = open_store(store_url(db), create=False)
    record = _resized(store, find(store, config), mass, center)
    if format_ in ("json", "csv"):
        print_one(_object(record), format_)
        return
    sys.stdout.write(f"{record.label}  {record.id}  {record.state}\n")
    if record.result is not None:
        heatmap = unpack_heatmap(arrays(store, record.digest))
        columns = min(shutil.get_terminal_size((MAX_COLUMNS, 24)).columns, MAX_COLUMNS)
        sys.stdout.write("\n" + shaded(heatmap, columns) + "\n")
    for table in _tables(record, mass or FRACTION):
        print_table(table, format_)
        sys.stdout.write("\n")
    sys.stdout.write(f"config: {encode(record.config).decode()}\n")
    if record.state in ("failed", "killed") and record.attempts and record.attempts[-1].traceback:
        sys.stdout.write(f"\n{record.attempts[-1].traceback}")


def _resized(store: "Store", record: "Record", mass: float | None, center: CenterName) -> "Record":
    """The record with the sizes that --mass and --center ask for."""
    from cli.selection import Selection, resized
    from pipeline.config import encode

    if record.result is None or Selection(None, mass=mass, center=center).is_stored:
        return record
    row = {"digest": record.digest, "spec": encode(record.config).decode(), "n_nan": record.result.n_nan}
    ((_, sizes),) = resized(store, [row], mass, center)
    return msgspec.structs.replace(record, result=msgspec.structs.replace(record.result, sizes=sizes))


def _tables(record: "Record", mass: float) -> list[Any]:
    from cli.render.tables import Table

    tables = []
    if record.result is not None:
        sizes, theory = record.result.sizes, record.result.theory
        tables.append(
            Table(
                ("", "x", "y"),
                [
                    ("theoretical RF", theory.theo_rf, theory.theo_rf_y),
                    (f"effective RF ({mass:.4g} along the axis)", sizes.eff_rf, sizes.eff_rf_y),
                    (f"effective RF ({mass:.4g} in the square)", sizes.eff_square, sizes.eff_square),
                    ("effective / theoretical", sizes.ratio, sizes.ratio_y),
                    ("unit's centre", theory.center_x, theory.center_y),
                    ("centroid", sizes.centroid_x, sizes.centroid_y),
                    ("sigma", sizes.sigma_x, sizes.sigma_y),
                    ("sigma of the fitted Gaussian", sizes.gauss_sigma_x, sizes.gauss_sigma_y),
                    ("full width at half maximum", sizes.fwhm_x, sizes.fwhm_y),
                ],
            )
        )
        others = ("radial", "luo", "luo_ratio", "hdr", "participation", "gauss_r2")
        rows = [(name, getattr(sizes, name), sizes.reasons.get(name)) for name in others]
        predicted = ("pred_sigma", "pred_eff_rf", "pred_luo")
        rows += [(name, getattr(theory, name), None) for name in predicted]
        flags = ("saturated", "misaligned", "is_global")
        rows += [(name, True, None) for name in flags if getattr(theory, name)]
        rows += [("dead", True, "every probe's gradient is zero")] * record.result.dead
        made = record.result
        rows += [("probes with a zero gradient", made.n_zero, None), ("probes left out (NaN)", made.n_nan, None)]
        if not any(reason for *_, reason in rows):
            tables.append(Table(("size", "value"), [row[:2] for row in rows]))
        else:
            tables.append(Table(("size", "value", "why not"), rows))
    places = [(f"{each.sweep}:{each.position}", " ".join(each.origin.argv), each.origin.host) for each in record.sweeps]
    tables.append(Table(("place", "submitted by", "on"), places))
    if record.result is not None:
        made_by = record.result.provenance
        ran = [(each, getattr(made_by, each)) for each in made_by.__struct_fields__]
        tables.append(Table(("provenance", "value"), ran))
    tries = [
        (each.number, each.outcome, each.finished - each.started, each.worker, each.error_type, each.message)
        for each in record.attempts
    ]
    if tries:
        tables.append(Table(("attempt", "outcome", "seconds", "worker", "error", "message"), tries))
    return tables


def _object(record: "Record") -> dict[str, Any]:
    """Everything that is kept, flat where the columns of `erfsweep fields` are meant."""
    flat = {
        "id": record.id,
        "config": record.label,
        "digest": record.digest,
        "state": record.state,
        **msgspec.to_builtins(record.axes),
    }
    if record.result is not None:
        made = record.result
        flat |= {"dead": made.dead, "n_zero": made.n_zero, "n_nan": made.n_nan}
        flat |= msgspec.to_builtins(made.theory) | msgspec.to_builtins(made.sizes)
        flat |= msgspec.to_builtins(made.provenance)
    flat["spec"] = msgspec.to_builtins(record.config)
    flat["sweeps"] = [{"sweep": each.sweep, "position": each.position} for each in record.sweeps]
    flat["attempts"] = msgspec.to_builtins(record.attempts)
    return flat
