"""`--dry-run`: how many configs a run would measure, and why each."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cli.exit import ExitCode
from cli.resolve import existing_store, resolve
from pipeline.cost import expected_seconds
from pipeline.names import id_of
from pipeline.sweep import check_size

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.sweep import Sweep
    from store.engine import Store

_WHY = {
    "new": "new",
    "queued": "queued before and not measured yet",
    "running": "held by another process",
    "done": "done already",
    "failed": "failed before; --retry-failed measures it again",
    "killed": "ended its worker before; --retry-failed measures it again",
}


def explain(url: str, sweep: str, overrides: Mapping[str, Any], name: str | None, most: int, verbose: bool) -> int:
    """Prints what `run` would do; nothing is written, not even a store."""
    from cli.progress import duration
    from store.query import status

    store = existing_store(url, create=False)
    found = resolve(sweep, overrides, name, store)
    counts: Counter[str] = Counter()
    work, again = 0.0, 0
    if isinstance(found, str):
        if store is not None:
            for state, count in status(store, found).next_states.items():
                counts[state] = count.configs
                work += count.cost if state == "queued" else 0.0
    else:
        check_size(found, most)
        seen: set[bytes] = set()
        for config, state in _states(store, found):
            digest = bytes.fromhex(config.digest)
            if digest in seen:
                again += 1
                continue
            seen.add(digest)
            counts[state] += 1
            if state in ("new", "queued"):
                work += expected_seconds(config)
            if verbose:
                sys.stdout.write(f"{id_of(config.digest)}  {config.stem}: {_WHY[state]}\n")
    shown = ", ".join(f"{counts[state]} {state}" for state in _WHY if counts[state])
    shown += f", {again} that come again" if again else ""
    sys.stdout.write(f"{shown}; about {duration(work)} of work on one core\n")
    return ExitCode.DONE


def _states(store: "Store | None", found: "Sweep") -> "Iterator[tuple[Config, str]]":
    from store.sweeps import known

    if store is None:
        yield from ((config, "new") for config in found)
    else:
        yield from ((config, state or "new") for config, state in known(store, found))
