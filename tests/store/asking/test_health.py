"""What a reader should be careful with is counted as one would count it by reading every result."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from pipeline.config import Config, Init, Probes, Readout
from pipeline.result import Outcome
from pipeline.stem import Plane
from store.asking.health import Health, health
from store.asking.query import rows, status
from store.database import upgrade
from store.database.connection import Store
from store.database.opening import open_store
from store.queue.claims import claim
from store.queue.owner import this_owner
from store.queue.saving import save
from store.queue.sweeps import submit
from tests.store.fakes import ORIGIN, done, failed, killed, unlabelled

PROBES = (4, 5, 16)
READOUTS = (Readout(), Readout(channel="sum"), Readout(channel="mean"), Readout(position=(0, 3)))
WITHOUT_GRADIENT = ((0, 0), (2, 0), (1, 1), (2, 1), (0, 3), (5, 0))
"""Probes whose gradient is zero, and those where it is NaN: fewer than half of 4 or 5, half of 4, more."""
TRUTHS = tuple(product((False, True), repeat=3))


def fill(store: Store) -> None:
    """Two sweeps, `all` and `some`, with results of every kind that there is; one config failed, one was killed."""
    kinds = [*product(PROBES, READOUTS, WITHOUT_GRADIENT, TRUTHS)]
    configs = [
        Config(f"{i % 3 + 1}x3x3:3", Plane(9, 9), Init(seed=i), Probes(count=count), readout)
        for i, (count, readout, _, _) in enumerate(kinds)
    ]
    submit(store, "all", {}, unlabelled(configs), ORIGIN)
    submit(store, "some", {}, unlabelled(configs[1::7]), ORIGIN)
    of_digest = dict(zip((config.digest for config in configs), kinds, strict=True))
    jobs = claim(store, this_owner(), limit=len(kinds))
    outcomes = [_outcome(job.digest, *of_digest[job.digest][2:]) for job in jobs]
    outcomes[8:10] = [failed(jobs[8].digest), killed(jobs[9].digest)]
    save(store, this_owner(), outcomes)


def _outcome(digest: str, without: tuple[int, int], truths: Sequence[bool]) -> Outcome:
    made = done(digest)
    assert made.result is not None
    dead, saturated, is_global = truths
    theory = msgspec.structs.replace(made.result.theory, saturated=saturated, is_global=is_global)
    changed = msgspec.structs.replace(made.result, dead=dead, n_zero=without[0], n_nan=without[1], theory=theory)
    return msgspec.structs.replace(made, result=changed)


def counted(store: Store, sweep: str | None) -> Health:
    """The same from every row of the table, as the sentences define it."""
    names = ["state", "dead", "n_zero", "n_nan", "probes_count", "channel", "saturated", "is_global", "spec"]
    listed = [dict(zip(names, row, strict=True)) for row in rows(store, sweep, columns=names).rows]
    measured = [row for row in listed if row["state"] == "done"]
    dead = [row for row in measured if row["dead"]]
    thin = [row for row in measured if not row["dead"] and _with_gradient(row) < row["probes_count"] / 2]
    cut_off = [row for row in measured if row["saturated"] and not row["is_global"]]
    return Health(
        configs=len(listed),
        dead=len(dead),
        thin=len(thin),
        of_one_channel=sum(row["channel"] != "sum" for row in dead + thin),
        cut_off=len(cut_off),
        off_centre=sum("[0,3]" in row["spec"] for row in cut_off),
        failed=sum(row["state"] == "failed" for row in listed),
        killed=sum(row["state"] == "killed" for row in listed),
    )


def _with_gradient(row: dict[str, Any]) -> int:
    left: int = row["probes_count"] - row["n_zero"] - row["n_nan"]
    return left


@pytest.mark.parametrize("sweep", [None, "all", "some"])
def test_it_is_what_the_rows_say(store: Store, sweep: str | None) -> None:
    fill(store)
    found = health(store, sweep, status(store, sweep).states)
    assert msgspec.structs.replace(found, widest=()) == counted(store, sweep)
    assert sorted(found.widest) == [("1x3x3:3", 1, None), ("2x3x3:3", 1, None), ("3x3x3:3", 1, None)]
    assert min(found.dead, found.thin, found.cut_off, found.off_centre, found.failed) > 0


def test_results_of_the_revision_before_get_the_cautions_of_new_ones(url: str) -> None:
    store = open_store(url)
    fill(store)
    listed = text("SELECT config_id, cautions FROM result ORDER BY config_id")
    with store.write() as connection:
        expected = connection.execute(listed).all()
        connection.execute(text("DROP INDEX ix_result_cautions"))
        connection.execute(text("ALTER TABLE result DROP COLUMN cautions"))
        connection.execute(text("UPDATE erfsweep_version SET version_num = '0002'"))
        upgrade.run_revisions(connection, "0003")
        assert connection.execute(listed).all() == expected
    assert len({words for _, words in expected}) == 10  # dead or thin, of one channel or not, cut off or not; none
    store.close()


def test_results_without_cautions_are_not_read(file_store: Store) -> None:
    fill(file_store)
    plan = "EXPLAIN QUERY PLAN SELECT cautions, count(*) FROM result WHERE cautions IS NOT NULL GROUP BY cautions"
    with file_store.read() as connection:
        (step,) = connection.execute(text(plan)).all()
    assert "USING COVERING INDEX ix_result_cautions" in step.detail
