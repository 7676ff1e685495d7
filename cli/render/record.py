"""One config with all that is kept of it, as tables for a reader."""

from typing import TYPE_CHECKING

import msgspec

from cli.render.cells import json_text
from cli.render.times import local_time
from store.asking.heads import unit
from store.asking.table import Table

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.result import Sizes, Theory
    from store.asking.records import Attempt, Measured, Membership, Record

_OTHER_SIZES = ("radial", "luo", "luo_ratio", "hdr", "participation", "gauss_r2")
_PREDICTIONS = ("pred_sigma", "pred_eff_rf", "pred_luo")
_FLAGS = ("saturated", "misaligned", "is_global")


def record_tables(record: "Record", mass: float) -> list[Table]:
    """Sizes beside theory, what it ran on, the sweeps that asked for it, every attempt, and the config."""
    tables = []
    if record.result is not None:
        made = record.result
        tables += [_axes(made.sizes, made.theory, mass), _sizes(made), _probes(made, record.config.probes.count)]
        ran = msgspec.structs.asdict(made.provenance)
        tables.append(Table(("provenance", "value"), [(_with_unit(name), value) for name, value in ran.items()]))
    tables += [_submission(place) for place in record.sweeps]
    if record.attempts:
        tries = [
            (each.number, each.outcome, local_time(each.started), each.finished - each.started, each.worker, _why(each))
            for each in record.attempts
        ]
        tables.append(Table(("attempt", "outcome", "started", "seconds", "worker", "error"), tries))
    return [*tables, _config(record.config)]


def _why(attempt: "Attempt") -> str | None:
    return None if attempt.error_type is None else f"{attempt.error_type}: {attempt.message}"


def _config(config: "Config") -> Table:
    """Every field of a config that has a value, under its path as `-s` takes it."""
    rows: list[tuple[str, object]] = []
    for name, value in msgspec.to_builtins(config).items():
        fields = value.items() if isinstance(value, dict) else [(None, value)]
        rows += [(name if field is None else f"{name}.{field}", each) for field, each in fields if each is not None]
    return Table(("config", "value"), [(name, _text(value)) for name, value in rows])


def _text(value: object) -> object:
    return value if isinstance(value, str | int | float) else json_text(value, indent=-1)


def _axes(sizes: "Sizes", theory: "Theory", mass: float) -> Table:
    """What there is along x and along y."""
    rows = [
        ("theoretical RF [px]", theory.theo_rf, theory.theo_rf_y),
        (f"effective RF ({mass:.4g} along the axis) [px]", sizes.eff_rf, sizes.eff_rf_y),
        (f"effective RF ({mass:.4g} in the square) [px]", sizes.eff_square, sizes.eff_square),
        ("effective / theoretical", sizes.ratio, sizes.ratio_y),
        ("unit's centre [px]", theory.center_x, theory.center_y),
        ("centroid [px]", sizes.centroid_x, sizes.centroid_y),
        ("sigma [px]", sizes.sigma_x, sizes.sigma_y),
        ("sigma of the fitted Gaussian [px]", sizes.gauss_sigma_x, sizes.gauss_sigma_y),
        ("full width at half maximum [px]", sizes.fwhm_x, sizes.fwhm_y),
    ]
    return Table(("", "x", "y"), list(rows))


def _sizes(made: "Measured") -> Table:
    """The other sizes, with reasons where there are none, predictions, and what stands out."""
    rows = [(_with_unit(name), getattr(made.sizes, name), made.sizes.reasons.get(name)) for name in _OTHER_SIZES]
    rows += [(_with_unit(name), getattr(made.theory, name), None) for name in _PREDICTIONS]
    rows += [(name, True, None) for name in _FLAGS if getattr(made.theory, name)]
    if made.dead:
        rows.append(("dead", True, "every probe's gradient is zero"))
    if any(reason for *_, reason in rows):
        return Table(("size", "value", "why not"), list(rows))
    return Table(("size", "value"), [row[:2] for row in rows])


def _with_unit(name: str) -> str:
    return f"{name} [{unit(name)}]" if unit(name) else name


def _probes(made: "Measured", count: int) -> Table:
    """How many probes say nothing, of how many."""
    rows = [
        ("n_zero, their gradient is zero", f"{made.n_zero} of {count}"),
        ("n_nan, left out for a NaN or an infinity", f"{made.n_nan} of {count}"),
    ]
    return Table(("probes", "number"), list(rows))


def _submission(place: "Membership") -> Table:
    """Where a sweep that holds the config comes from."""
    origin = place.origin
    commit = origin.git_commit and f"{origin.git_commit[:12]}{', with changes' if origin.git_dirty else ''}"
    rows = [
        ("submitted", local_time(origin.created_at)),
        ("by", " ".join(origin.argv)),
        ("on", origin.host),
        ("git commit", commit),
        ("versions", ", ".join(f"{name} {version}" for name, version in origin.versions.items())),
    ]
    return Table(("sweep", f"{place.sweep}:{place.position}"), list(rows))
