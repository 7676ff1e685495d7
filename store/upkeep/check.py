"""`db check`: everything in a store that can be held against something else.

The type and the JSON of every value; references between tables; digests, stems and axes against the config that they
are of; arrays against checksum and plane; theory against the config; sizes, curves and dead against the heatmap.
Nothing tells what times, versions of libraries, texts of errors, and probes of zero or NaN were, but their number.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import isclose
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from sqlalchemy import Connection, Table, exists, select, text

from pipeline.config import KERNEL_VERSION, Config, axes, decode
from pipeline.errors import StoreError, quote
from pipeline.ids import id_of
from pipeline.result import Arrays, Sizes, Theory
from store.asking.heatmaps import heatmap_of, portions, unpacked
from store.asking.values import damages, raw
from store.database.connection import Store
from store.database.damage import Damage
from store.database.schema import TABLES, VIEW, attempt, config, result, sweep, sweep_config
from store.database.view import creation
from store.queue.cautions import NEEDED, cautions
from store.queue.of_config import following_by_name
from store.queue.saving import sizes_row

if TYPE_CHECKING:
    from pipeline.sizes import Floats, Sample

TOLERANCE = 1e-6
"""The part by which a number may differ from the computed one: on other builds of NumPy a fit ends elsewhere."""

Cure: TypeAlias = Literal["measure", "sizes", "theory", "cautions", "config", "drop", "view", "none"]
"""What makes damage good: measuring the config again, computing its sizes, its theory, its cautions or its own columns,
dropping the row, making the view anew; or nothing that a program can do."""

_CONFIGS_AT_ONCE = 500
_OF_RESULT: dict[str, Cure] = {
    **dict.fromkeys(Sizes.__struct_fields__, "sizes"),
    **dict.fromkeys(Theory.__struct_fields__, "theory"),
    "cautions": "cautions",
}
_KEPT = ("id", "digest", "json")
"""The columns of a config that nothing else tells."""


class Finding(msgspec.Struct, frozen=True):
    """A damaged value, what makes it good, and the key of the row that is to be changed for it."""

    damage: Damage
    cure: Cure
    key: tuple[int, ...] = ()


def check(store: Store) -> Iterator[Finding]:
    """Everything that is damaged, as it is found; a config at a time, in bounded memory."""
    yield from store.reading(_pages)
    yield from store.reading(_view)
    for table in TABLES:
        yield from store.reading(partial(_dangling, table=table))
    for table in (sweep, sweep_config, attempt):
        yield from store.reading(partial(_values, table=table))
    last = -1
    while rows := store.reading(partial(_configs, last=last)):
        yield from _of_configs(store, rows)
        last = rows[-1][0]


def _pages(connection: Connection) -> list[Finding]:
    """What SQLite itself finds wrong with its file; a server looks after its own."""
    if connection.dialect.name != "sqlite":
        return []
    said = connection.exec_driver_sql("PRAGMA quick_check").scalars().all()
    return [
        Finding(Damage("sqlite", "file", str(i), None, line), "none") for i, line in enumerate(said) if line != "ok"
    ]


def _view(connection: Connection) -> list[Finding]:
    if connection.dialect.name != "sqlite":
        return []
    found = connection.execute(
        text("SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :name"), {"name": VIEW}
    )
    made = str(creation().compile(dialect=connection.dialect))
    if (found.scalar() or "").split() == made.split():
        return []
    return [Finding(Damage(VIEW, "sql", "1", None, "the view is not the one that this erfsweep makes"), "view")]


def _dangling(connection: Connection, table: Table) -> list[Finding]:
    """Rows that point to nothing."""
    keys = [*table.primary_key.columns]
    found = []
    for constraint in table.foreign_key_constraints:
        (reference,) = constraint.elements
        target = reference.column
        there = exists().where(target == reference.parent).correlate(table)
        for row in connection.execute(select(*keys, reference.parent).where(reference.parent.is_not(None), ~there)):
            what = f"there is no {target.table.name} {row[-1]}"
            damage = Damage(table.name, reference.parent.name, _shown(row[:-1]), None, what)
            found.append(Finding(damage, "drop", tuple(row[:-1])))
    return found


def _values(connection: Connection, table: Table) -> list[Finding]:
    """Values of a wrong type, and text that is no JSON, of a table whose key comes first."""
    columns, key = [*table.c], len(table.primary_key.columns)
    rows = connection.execution_options(yield_per=_CONFIGS_AT_ONCE).execute(select(*map(raw, columns)))
    return [Finding(damage, "none") for row in rows for damage in damages(columns, row, _shown(row[:key]))]


def _shown(key: Sequence[Any]) -> str:
    return ":".join(map(str, key))


def _configs(connection: Connection, last: int) -> list[Any]:
    """The next configs, with their results and the number of their attempts."""
    columns = [*config.c, *result.c]
    joined = config.outerjoin(result, result.c.config_id == config.c.id)
    statement = select(*map(raw, columns)).select_from(joined).where(config.c.id > last)
    return [*connection.execute(statement.order_by(config.c.id).limit(_CONFIGS_AT_ONCE))]


def _of_configs(store: Store, rows: Sequence[Sequence[Any]]) -> Iterator[Finding]:
    """What is damaged of some configs, their results and their heatmaps."""
    count = len(config.c)
    measured = []
    for row in rows:
        of_config = dict(zip(config.c.keys(), row[:count], strict=True))
        of_result = dict(zip(result.c.keys(), row[count:], strict=True))
        key, digest, has_result = of_config["id"], of_config["digest"], of_result["config_id"] is not None
        found = {damage.column: damage for damage in damages([*config.c], row[:count], key, digest)}
        own = None if {"json", "digest"} & set(found) else decode(of_config["json"].encode())
        for name, damage in found.items():
            yield Finding(damage, "none" if own is None or name in _KEPT else "config", (key,))
        if own is None:
            continue
        yield from _against_config(own, of_config, of_result if has_result else None, set(found))
        if not has_result:
            continue
        wrong = {damage.column: damage for damage in damages([*result.c], row[count:], key, digest)}
        for name, damage in wrong.items():
            yield Finding(damage, _OF_RESULT.get(name, "measure"), (key,))
        if not {"cautions", *NEEDED} & set(wrong):
            yield from _against_cautions(own, of_result, digest)
        if not set(wrong) - set(_OF_RESULT):
            sizes = {name: value for name, value in of_result.items() if name not in wrong}
            measured.append({**sizes, "digest": digest, "spec": of_config["json"], "key": key})
    yield from _against_heatmaps(store, measured)


def _against_config(
    own: Config, row: Mapping[str, Any], measured: Mapping[str, Any] | None, wrong: set[str]
) -> Iterator[Finding]:
    """A config's columns against its JSON, its state against its result, and the theory of a result."""
    from pipeline.sizes import theory_columns

    key = (row["id"],)

    def finding(table: str, column: str, what: str, cure: Cure) -> Finding:
        return Finding(Damage(table, column, str(row["id"]), id_of(row["digest"]), what), cure, key)

    version = None if measured is None else measured["kernel_version"]
    versions = range(1, KERNEL_VERSION + 1) if version is None else (version,)
    if version in (None, KERNEL_VERSION) and row["digest"] not in {own.digest_under(each) for each in versions}:
        yield finding("config", "digest", "it is not the digest of the config beside it", "none")
    for name, value in following_by_name(own).items():
        if name not in wrong and row[name] != value:
            yield finding(
                "config", name, f"{quote(row[name])} instead of {quote(value)}, as the config has it", "config"
            )
    if "state" not in wrong and (row["state"] == "done") != (measured is not None):
        what = "done, but there is no result" if measured is None else f"{row['state']}, but there is a result"
        yield finding("config", "state", what, "measure")
    if measured is None:
        return
    if version == KERNEL_VERSION:
        theory = msgspec.structs.asdict(theory_columns(own))
        for name, value in theory.items():
            if not _alike(measured[name], value):
                yield finding("result", name, f"{quote(measured[name])} instead of {quote(value)}", "theory")


def _against_cautions(own: Config, measured: Mapping[str, Any], digest: str) -> Iterator[Finding]:
    """The cautions of a result against the columns that they follow from."""
    of_config = axes(own)
    expected = cautions(measured, of_config.probes_count, of_config.channel)
    if measured["cautions"] != expected:
        key = measured["config_id"]
        what = f"{quote(measured['cautions'])} instead of {quote(expected)}"
        yield Finding(Damage("result", "cautions", str(key), id_of(digest), what), "cautions", (key,))


def _alike(stored: Any, computed: Any) -> bool:
    if isinstance(stored, int | float) and isinstance(computed, int | float):
        return isclose(stored, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(stored == computed)


def _against_heatmaps(store: Store, rows: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Sizes, curves and what is dead against the stored heatmaps; rows are results with `digest`, `spec` and `key`."""
    from pipeline.sizes import sizes

    by_digest = {row["digest"]: row for row in rows}
    for some in portions(unpacked(store, rows, "heatmap", _sample_and_curves), lambda each: each[1][0].heatmap.nbytes):
        computed = sizes([sample for _, (sample, _) in some])
        for (digest, (sample, stored)), of_heatmap in zip(some, computed, strict=True):
            row = by_digest[digest]
            for table, column, what, cure in _differences(row, sample, stored, of_heatmap):
                yield Finding(Damage(table, column, str(row["key"]), id_of(digest), what), cure, (row["key"],))
    for damage in store.damages.taken():
        yield Finding(damage, "measure", (int(damage.row),))


def _sample_and_curves(packed: Arrays, own: Config, n_nan: int) -> "tuple[Sample, Floats | StoreError | None]":
    from pipeline.arrays import unpack_curves
    from pipeline.sizes import radius_count, sample_of

    plane = own.input.height, own.input.width
    sample = sample_of(own, heatmap_of(packed, plane), n_nan)
    stored: Floats | StoreError | None
    try:
        stored = unpack_curves(packed, radius_count(plane, sample.center))
    except StoreError as error:
        stored = error
    return sample, stored


def _differences(
    row: Mapping[str, Any], sample: "Sample", stored: "Floats | StoreError | None", computed: Sizes
) -> Iterator[tuple[str, str, str, Cure]]:
    """(table, column, what, cure) of what is not as the heatmap has it."""
    import numpy as np

    from pipeline.sizes import curves

    is_dead = not sample.heatmap.any()
    if bool(row["dead"]) != is_dead:
        yield "result", "dead", f"the heatmap is {'' if is_dead else 'not '}zero everywhere", "measure"
    if not 0 <= row["n_zero"] <= sample.used or (row["n_zero"] == sample.used and not is_dead):
        yield "result", "n_zero", f"{row['n_zero']} of {sample.used} gradients are zero, says the row", "measure"
    (own,) = curves([sample])
    if isinstance(stored, StoreError):
        yield "map", "curves", str(stored), "measure"
    elif (own is None) != (stored is None) or (own is not None and not _same(np.asarray(stored), own)):
        yield "map", "curves", "the curves are not those of the heatmap", "measure"
    for name, value in zip(Sizes.__struct_fields__, sizes_row(computed), strict=True):
        if name in row and not _alike(row[name], value):
            yield "result", name, f"{quote(row[name])} instead of {quote(value)}, as the heatmap has it", "sizes"


def _same(one: "Floats", other: "Floats") -> bool:
    import numpy as np

    return one.shape == other.shape and bool(np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE))
