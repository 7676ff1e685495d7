"""Configs and outcomes to fill stores with: made up, small, and nothing that was measured."""

import hashlib
from collections.abc import Iterable, Iterator

from pipeline.config import KERNEL_VERSION, Config, Init
from pipeline.result import Arrays, Failure, Outcome, Provenance, Result, Sizes, Theory
from pipeline.stem import Plane
from pipeline.sweep.names import Labelled
from store.database.connection import Store
from store.queue.claims import claim
from store.queue.owner import Owner, this_owner
from store.queue.provenance import Origin
from store.queue.saving import save
from store.queue.sweeps import Mode, Submission, submit

ORIGIN = Origin(("erfsweep", "run"), {"python": "3.11.7"}, "c0ffee", True, "bench", 1_700_000_000.0)
STRANGER = Owner("another-host", "another-boot pid:[1]", 7, "70")


def configs(count: int, *, first: int = 0) -> Iterator[Config]:
    """Distinct configs: depths 1 to 5, then the next seed."""
    for number in range(first, first + count):
        yield Config(f"{number % 5 + 1}x3x3" if number % 5 else "3x3", Plane(21, 21), init=Init(seed=number // 5))


def unlabelled(configs: Iterable[Config]) -> Iterator[Labelled]:
    """Configs as a sweep lists them that gives none of them a label."""
    return map(Labelled, configs)


def queue(store: Store, name: str = "growth", count: int = 5, *, first: int = 0, mode: Mode = "new") -> Submission:
    return submit(
        store, name, {"count": count}, unlabelled(configs(count, first=first)), ORIGIN, mode, cost=lambda config: 0.5
    )


def result(*, eff_rf: float | None = 7.0, dead: bool = False, heatmap: bytes = b"heat") -> Result:
    curves = b"curves"
    ratio = None if eff_rf is None else eff_rf / 9
    return Result(
        dead=dead,
        n_zero=2,
        n_nan=1,
        theory=Theory(9, 9, 10.0, 10.5, True, False, False, 2.5, 7.0, None),
        sizes=Sizes(eff_rf=eff_rf, ratio=ratio, reasons={"luo": "centre is zero"}),
        provenance=Provenance(0.25, 0.125, KERNEL_VERSION, "2.4.6", "openblas SkylakeX"),
        arrays=Arrays(heatmap, curves, hashlib.sha256(heatmap + curves).hexdigest()),
    )


def done(digest: str, **of_result: object) -> Outcome:
    return Outcome(digest, "done", 100.0, 101.5, "worker-1", result(**of_result))  # type: ignore[arg-type]  # as given


def failed(digest: str) -> Outcome:
    failure = Failure("Timeout", "took longer than 5 s", "Traceback ...")
    return Outcome(digest, "failed", 100.0, 105.0, "worker-2", failure=failure)


def killed(digest: str) -> Outcome:
    return Outcome(digest, "killed", 100.0, 105.0, "worker-2", failure=Failure("Killed", "its worker died twice"))


def measure_all(store: Store, sweep: str = "growth", owner: Owner | None = None) -> list[str]:
    """Claims and saves until nothing is free; the digests, in the order of their claims."""
    owner = owner or this_owner()
    measured = []
    while found := claim(store, owner, sweep, limit=3):
        save(store, owner, [done(each.digest) for each in found])
        measured.extend(each.digest for each in found)
    return measured
