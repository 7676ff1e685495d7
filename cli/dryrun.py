"""`--dry-run`: how many configs a run would measure, and why each."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.exit import ExitCode
from cli.render.visible import visible
from cli.resolve import existing_store, resolve
from pipeline.errors import InputError
from pipeline.gradient.cost import check_memory, expected_seconds
from pipeline.ids import id_of
from pipeline.sweep.sweep import check_size

if TYPE_CHECKING:
    from pipeline.config.config import Config
    from pipeline.limits import Limits
    from pipeline.sweep.names import Labelled
    from pipeline.sweep.sweep import Sweep
    from store.database.connection import Store
    from store.queue.sweeps import Mode

_WHY = {
    "new": "new",
    "queued": "queued before and not measured yet",
    "running": "held by another process",
    "done": "done already",
    "failed": "failed before; --retry-failed measures it again",
    "limited": "failed under narrower limits; measured again",
    "killed": "ended its worker before; --retry-failed measures it again",
}


_SHORT = {"limited": "failed under narrower limits"}
_NAMED_AT_MOST = 3


def explain(
    url: str,
    sweep: str,
    overrides: Mapping[str, Any],
    name: str | None,
    most: int,
    limits: "Limits",
    mode: "Mode" = "new",
    retry_failed: bool = False,
    verbose: bool = False,
) -> int:
    """Prints what `run` would do; nothing is written, not even a store.

    Configs that would take more memory than `limits` have are named. With `retry_failed` what failed or was killed is
    work, too. In `mode` new a name that is taken by another list is told.
    """
    from cli.progress import duration, tracked
    from store.asking.query import status
    from store.queue.claims import under_narrower
    from store.queue.sweeps import specs

    store = existing_store(url, create=False)
    found = resolve(sweep, overrides, name, store)
    counts: Counter[str] = Counter()
    work = 0.0
    again_too = ("failed", "killed") if retry_failed else ()
    refused: list[str] = []
    listed: list[str] = []
    is_named = False
    if isinstance(found, str):
        if store is not None:
            for state, count in status(store, found).states.items():
                counts[state] = count.configs
                work += count.cost if state in ("queued", *again_too) else 0.0
            limited = {} if retry_failed else under_narrower(store, found, limits)
            counts["limited"], work = len(limited), work + sum(limited.values())
            counts["failed"] -= len(limited)
            refused = [
                why for config in _unfinished(store, found, again_too) if (why := _too_large(config, limits.memory))
            ]
    else:
        check_size(found, most)
        limited = {} if store is None or retry_failed else under_narrower(store, None, limits)
        is_named = store is not None and mode == "new" and specs(store, found.name) is not None
        for (config, label), state in tracked(_states(store, found), found.size, "reading"):
            # Of a thousand configs, digests take 10 ms.
            digest = config.digest if limited or is_named or verbose else ""
            state = "limited" if digest in limited else state
            counts[state] += 1
            listed.append(digest)
            why = ""
            if state in ("new", "queued", "limited", *again_too):
                work += expected_seconds(config)
                why = _too_large(config, limits.memory)
                refused += [why] if why else []
            if verbose:
                sys.stdout.write(f"{id_of(digest)}  {visible(label or config.stem)}: {why or _why(state, again_too)}\n")
    again = 0 if isinstance(found, str) else found.size - counts.total()
    shown = ", ".join(f"{counts[state]} {_SHORT.get(state, state)}" for state in _WHY if counts[state])
    shown += f", {again} that come again" if again else ""
    sys.stdout.write(f"{shown}; about {duration(work)} of work on one core\n")
    _print_refused(refused)
    if store is not None and not isinstance(found, str) and is_named and _is_other(store, found.name, listed):
        sys.stdout.write(
            f"the run would be refused: sweep {found.name} exists with another list; use --append, --replace or "
            "another name\n"
        )
    return ExitCode.DONE


def _is_other(store: "Store", name: str, listed: list[str]) -> bool:
    """Whether a stored sweep has another list of configs than these, by their digests."""
    from store.asking.query import rows

    return [digest for (digest,) in rows(store, name, columns=["digest"]).rows] != listed


def _why(state: str, again_too: tuple[str, ...]) -> str:
    """Why a run would measure a config of a state, or would not."""
    return (
        _WHY[state].replace("--retry-failed measures it again", "measured again") if state in again_too else _WHY[state]
    )


def _print_refused(refused: list[str]) -> None:
    """Says which configs the run would refuse, a line for each of the first reasons that differ."""
    if refused:
        sys.stdout.write(f"{len(refused)} of these would be refused:\n")
        reasons = list(dict.fromkeys(refused))
        more = [f"and {len(reasons) - _NAMED_AT_MOST} more"] if len(reasons) > _NAMED_AT_MOST else []
        sys.stdout.writelines(f"  {line}\n" for line in [*reasons[:_NAMED_AT_MOST], *more])


def _too_large(config: "Config", memory: int) -> str:
    """Why a run would refuse a config for its memory, empty where it would not."""
    try:
        check_memory(config, memory)
    except InputError as error:
        return str(error)
    return ""


def _unfinished(store: "Store", sweep: str, again_too: tuple[str, ...]) -> "Iterator[Config]":
    """The configs of a stored sweep that are queued, or in a state whose configs are measured again."""
    from pipeline.config.config import decode
    from store.asking.query import rows

    states = ", ".join(repr(state) for state in ("queued", "running", *again_too))
    for (spec,) in rows(store, sweep, where=f"state in ({states})", columns=["spec"]).rows:
        yield decode(spec.encode())


def _states(store: "Store | None", found: "Sweep") -> "Iterator[tuple[Labelled, str]]":
    """What would be queued, with its state in the store."""
    from store.queue.sweeps import known

    if store is None:
        yield from ((each, "new") for each in found.distinct())
    else:
        yield from ((each, state or "new") for each, state in known(store, found.distinct()))
