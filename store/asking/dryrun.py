"""What a run would do, without doing it: the configs that it would measure, and those that it would refuse."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from pipeline.config import Config, decode
from pipeline.errors import InputError
from pipeline.gradient import Plan, check_memory, plan_of
from pipeline.limits import Limits
from pipeline.sweep.names import Labelled
from pipeline.sweep.sweep import Sweep
from store.asking.query import rows, status
from store.database.connection import Store
from store.queue.claims import under_narrower
from store.queue.sweeps import Mode, known, specs

Standing: TypeAlias = Literal["new", "queued", "running", "done", "failed", "limited", "killed"]
"""What a config is to a run: its state in the store, `new` where it has none, or `limited` where it failed for a limit
that is wider now."""

_AGAIN = ("failed", "killed")
"""The states that are measured again if one asks for it."""


class Foreseen(msgspec.Struct, frozen=True):
    """A config of a sweep that is not stored yet.

    is_wanted: a run would measure it. refusal: why a run would refuse it, empty where it would not. seconds: what
    measuring it is expected to take, 0 where it is not wanted.
    """

    config: Config
    label: str | None
    standing: Standing
    is_wanted: bool
    refusal: str
    seconds: float


class DryRun(msgspec.Struct, frozen=True):
    """What a run would do.

    standings: how many configs there are of each, no more than there are. repeated: how many come again in the list.
    seconds: of work on one core. refusals: a sentence for each config that would be refused. is_taken: the run itself
    would be refused, because a stored sweep of that name has another list.
    """

    standings: dict[Standing, int]
    repeated: int
    seconds: float
    refusals: tuple[str, ...]
    is_taken: bool


def foreseen(store: Store | None, sweep: Sweep, limits: Limits, *, retry_failed: bool = False) -> Iterator[Foreseen]:
    """What would become of each distinct config of a sweep, in its order. Without a store every config is new."""
    limited = {} if store is None or retry_failed else under_narrower(store, None, limits)
    wanted = {"new", "queued", "limited", *(_AGAIN if retry_failed else ())}
    for (config, label), state in _states(store, sweep):
        standing: Standing = "limited" if limited and config.digest in limited else state
        if standing in wanted:
            plan = plan_of(config)
            refusal = _refusal(config, plan, limits.memory)
            yield Foreseen(config, label, standing, True, refusal, plan.expected_seconds)
        else:
            yield Foreseen(config, label, standing, False, "", 0.0)


def dry_run(store: Store | None, sweep: Sweep, each: Iterable[Foreseen], mode: Mode = "new") -> DryRun:
    """What a run of a sweep would do with its configs, which `foreseen` yields."""
    standings: Counter[Standing] = Counter()
    seconds = 0.0
    refusals, digests = [], []
    is_named = store is not None and mode == "new" and specs(store, sweep.name) is not None
    for one in each:
        standings[one.standing] += 1
        seconds += one.seconds
        if is_named:
            digests.append(one.config.digest)  # of a thousand configs they take 10 ms
        if one.refusal:
            refusals.append(one.refusal)
    is_taken = store is not None and is_named and _is_other(store, sweep.name, digests)
    return DryRun(dict(standings), sweep.size - standings.total(), seconds, tuple(refusals), is_taken)


def dry_run_of_stored(store: Store, name: str, limits: Limits, *, retry_failed: bool = False) -> DryRun:
    """What a run of a stored sweep would do, as it is. Raises InputError where there is none of that name."""
    again = _AGAIN if retry_failed else ()
    states = status(store, name).states
    limited = {} if retry_failed else under_narrower(store, name, limits)
    standings: Counter[Standing] = Counter()
    for state, count in states.items():
        standings[state] = count.configs  # type: ignore[index]  # every state is a standing
    standings["limited"] = len(limited)
    standings["failed"] -= len(limited)
    seconds = sum(states[state].cost for state in ("queued", *again)) + sum(limited.values())
    refusals = (_refusal(config, plan_of(config), limits.memory) for config in _unfinished(store, name, again))
    return DryRun(dict(+standings), 0, seconds, tuple(filter(None, refusals)), is_taken=False)


def _is_other(store: Store, name: str, listed: list[str]) -> bool:
    """Whether a stored sweep has another list of configs than these, by their digests."""
    return [digest for (digest,) in rows(store, name, columns=["digest"]).rows] != listed


def _refusal(config: Config, plan: Plan, memory: int) -> str:
    """Why a run would refuse a config for its memory, empty where it would not."""
    try:
        check_memory(config, plan, memory)
    except InputError as error:
        return str(error)
    return ""


def _unfinished(store: Store, sweep: str, again: Iterable[str]) -> Iterator[Config]:
    """The configs of a stored sweep that are queued, or in a state whose configs are measured again."""
    states = ", ".join(repr(state) for state in ("queued", "running", *again))
    for (spec,) in rows(store, sweep, where=f"state in ({states})", columns=["spec"]).rows:
        yield decode(spec.encode())


def _states(store: Store | None, sweep: Sweep) -> Iterator[tuple[Labelled, Standing]]:
    """The distinct configs of a sweep, with their states in the store."""
    if store is None:
        yield from ((each, "new") for each in sweep.distinct())
    else:
        yield from ((each, state or "new") for each, state in known(store, sweep.distinct()))  # type: ignore[misc]  # as above
