"""Jobs to run in tests of engines, and what came of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from threading import Event

from pipeline.config import encode
from pipeline.engines.engine import Engine
from pipeline.job import Job
from pipeline.limits import Limits
from pipeline.result import Outcome
from pipeline.run import run
from pipeline.sweep.sweep import sweep

LIMITS = Limits(10**9)


def jobs_of(stems: list[str], seeds: str, cost: float = 0.001, **fields: object) -> list[Job]:
    """The jobs of stems crossed with seeds, each expected to take `cost` seconds."""
    configs = sweep({"name": "test", "stems": stems, "grid": {"seed": seeds}, **fields})
    return [Job(config.digest, encode(config), cost) for config in configs]


def outcomes_of(
    jobs: Iterable[Job],
    engine: Engine,
    stop: Event | None = None,
    deliver: Callable[[list[Outcome]], None] = lambda outcomes: None,
) -> dict[str, Outcome]:
    """What an engine delivers, by digest; nothing may come twice."""
    got: list[Outcome] = []

    def take(outcomes: list[Outcome]) -> None:
        got.extend(outcomes)
        deliver(outcomes)

    run(jobs, engine, LIMITS, take, stop or Event())
    counts = Counter(outcome.digest for outcome in got)
    assert not counts or max(counts.values()) == 1
    return {outcome.digest: outcome for outcome in got}
