"""One config with all that is kept of it, as tables for a reader."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from store.asking.table import Table

if TYPE_CHECKING:
    from pipeline.result import Sizes, Theory
    from store.asking.records import Measured, Membership, Record

_OTHER_SIZES = ("radial", "luo", "luo_ratio", "hdr", "participation", "gauss_r2")
_PREDICTIONS = ("pred_sigma", "pred_eff_rf", "pred_luo")
_FLAGS = ("saturated", "misaligned", "is_global")


def record_tables(record: "Record", mass: float) -> list[Table]:
    """Sizes beside theory, what it ran on, the sweeps that asked for it, and every attempt."""
    tables = []
    if record.result is not None:
        made = record.result
        tables += [_axes(made.sizes, made.theory, mass), _sizes(made, record.config.probes.count)]
        ran = msgspec.structs.asdict(made.provenance)
        tables.append(Table(("provenance", "value"), list(ran.items())))
    tables += [_submission(place) for place in record.sweeps]
    if record.attempts:
        tries = [
            (each.number, each.outcome, each.finished - each.started, each.worker, each.error_type, each.message)
            for each in record.attempts
        ]
        tables.append(Table(("attempt", "outcome", "seconds", "worker", "error", "message"), tries))
    return tables


def _axes(sizes: "Sizes", theory: "Theory", mass: float) -> Table:
    """What there is along x and along y."""
    rows = [
        ("theoretical RF", theory.theo_rf, theory.theo_rf_y),
        (f"effective RF ({mass:.4g} along the axis)", sizes.eff_rf, sizes.eff_rf_y),
        (f"effective RF ({mass:.4g} in the square)", sizes.eff_square, sizes.eff_square),
        ("effective / theoretical", sizes.ratio, sizes.ratio_y),
        ("unit's centre", theory.center_x, theory.center_y),
        ("centroid", sizes.centroid_x, sizes.centroid_y),
        ("sigma", sizes.sigma_x, sizes.sigma_y),
        ("sigma of the fitted Gaussian", sizes.gauss_sigma_x, sizes.gauss_sigma_y),
        ("full width at half maximum", sizes.fwhm_x, sizes.fwhm_y),
    ]
    return Table(("", "x", "y"), list(rows))


def _sizes(made: "Measured", probes: int) -> Table:
    """The other sizes, with reasons where there are none, predictions, and what stands out."""
    rows = [(name, getattr(made.sizes, name), made.sizes.reasons.get(name)) for name in _OTHER_SIZES]
    rows += [(name, getattr(made.theory, name), None) for name in _PREDICTIONS]
    rows += [(name, True, None) for name in _FLAGS if getattr(made.theory, name)]
    if made.dead:
        rows.append(("dead", True, "every probe's gradient is zero"))
    rows.append(("probes with a zero gradient", f"{made.n_zero} of {probes}", None))
    rows.append(("probes left out (NaN)", f"{made.n_nan} of {probes}", None))
    if any(reason for *_, reason in rows):
        return Table(("size", "value", "why not"), list(rows))
    return Table(("size", "value"), [row[:2] for row in rows])


def _submission(place: "Membership") -> Table:
    """Where a sweep that holds the config comes from."""
    origin = place.origin
    commit = origin.git_commit and f"{origin.git_commit[:12]}{', with changes' if origin.git_dirty else ''}"
    rows = [
        ("submitted", datetime.fromtimestamp(origin.created_at).astimezone().isoformat(" ", "seconds")),
        ("by", " ".join(origin.argv)),
        ("on", origin.host),
        ("git commit", commit),
        ("versions", ", ".join(f"{name} {version}" for name, version in origin.versions.items())),
    ]
    return Table(("sweep", f"{place.sweep}:{place.position}"), list(rows))
