"""Mass curves of results, or of groups of draws with their spread, beside those of the closed form."""

from typing import TYPE_CHECKING

import msgspec

from pipeline.config import decode
from store.asking.columns import READ_OUT, VARYING
from store.asking.distinct import NAMED_BY, distinct_names
from store.asking.grouped import over_path
from store.asking.groups import groups
from store.asking.reading import read
from store.asking.selection import Selection
from store.database.connection import Store

if TYPE_CHECKING:
    from pipeline.sizes import Floats

_READ = (*NAMED_BY, "digest", "spec", "n_nan", "kernel_version")


class MassCurve(msgspec.Struct, frozen=True, eq=False):
    """How the mass of a result grows with the radius, or the mean over the draws of a group.

    ids: of the configs behind it. name: as `store.asking.distinct` has it. n: the number of draws. mass: float64
    [4, radii], the share within r = 0, 1, ... px, in the rows of `pipeline.sizes.CURVES`. sd: the standard deviation
    over draws, float64 of the same shape, None of a single one. expected: float64 [4, radii], the curves of the closed
    form; None where there is none.
    """

    ids: tuple[str, ...]
    name: str
    n: int
    mass: "Floats"
    sd: "Floats | None" = None
    expected: "Floats | None" = None


class MassCurves(msgspec.Struct, frozen=True, eq=False):
    """Curves in the order of the table, how many results were looked at, and how many of them have no curve.

    A result has none where it is dead, failed, damaged or not measured.
    """

    curves: tuple[MassCurve, ...]
    results: int
    without: int


def mass_curves(store: Store, selection: Selection, over: str | None = None) -> MassCurves:
    """The curves of the selected results or, with `over`, the means of groups alike in everything but this axis.

    The draws of a group that lie on several planes have curves of several lengths; the last radius of a shorter one
    holds everything, so that it is 1 from there on. Raises InputError as `read` does, and for an axis that is none.
    """
    import numpy as np

    from pipeline.sizes import curves, expected_curves
    from store.asking.heatmaps import samples

    table = read(store, selection, _READ)
    rows = [*table.dicts()]
    if over is None:
        members = [[i] for i in range(len(rows))]
        names = distinct_names(rows)
    else:
        found = groups(table, over_path(over))
        members = [each.tolist() for each in found.members()]
        shown = ("config", *VARYING, *READ_OUT)
        names = distinct_names([dict(zip(shown, shared, strict=True)) for shared in found.shared(shown)])
    own: dict[str, Floats] = {}
    for digest, sample in samples(store, rows):
        (curve,) = curves([sample], selection.center)
        if curve is not None:
            own[digest] = curve
    made = []
    for name, some in zip(names, members, strict=True):
        those = [rows[i] for i in some if rows[i]["digest"] in own]
        if not those:
            continue
        drawn = _of_one_length([own[row["digest"]] for row in those])
        sd = drawn.std(axis=0, ddof=1) if len(those) > 1 else None
        expected = expected_curves(decode(those[0]["spec"].encode()), selection.center)
        ids = tuple(row["id"] for row in those)
        made.append(MassCurve(ids, name, len(those), np.asarray(drawn.mean(axis=0)), sd, expected))
    return MassCurves(tuple(made), len(rows), len(rows) - len(own))


def _of_one_length(drawn: "list[Floats]") -> "Floats":
    """Curves, float64 [4, radii], as one array [n, 4, most radii]."""
    import numpy as np

    most = max(curve.shape[1] for curve in drawn)
    return np.stack([np.pad(curve, ((0, 0), (0, most - curve.shape[1])), constant_values=1.0) for curve in drawn])
