"""What sweeps, files, configs and caches may take, the sentence about a config that took more, and what that says.

The sentence is all that an attempt records of a limit, so it is written and read here: what failed for a limit is tried
again under a wider one.
"""

import re
from typing import NamedTuple

from pipeline.errors import amount

DEFAULT_MAX_CONFIGS = 1_000_000
"""Configs of a sweep, where `--max-configs` does not say otherwise."""

DEFAULT_MEMORY = 10**9
"""Bytes that a worker may take for one config, where `--memory` does not say otherwise."""

MAX_ARRAY = 2**30
"""Bytes of an array: of a heatmap or of curves in memory, so that a stored result never takes more to read, and of a
user's file of weights or probes, as it is and unpacked."""

MAX_SWEEP_FILE = 1_000_000
"""Bytes of a sweep file."""

MAX_SCHEDULER_FILE = 2**20
"""Bytes of a scheduler file; Dask's has a few lines for each worker."""

MAX_INT64 = 2**63 - 1
"""The largest integer of an SQL column; the least is -MAX_INT64 - 1."""

LARGEST_KEPT = 2**24
"""Bytes up to which a thread keeps an array for the next step and the next config."""

DRAWN_KEPT = 2**20
"""Numbers up to which a block of probes stays drawn for the next config; more are drawn quickly beside their use."""


class Limits(NamedTuple):
    """What a config may take: bytes of memory, and seconds (None: as many as it needs)."""

    memory: int
    timeout: float | None = None


SIGNS = ("--memory", "--timeout", "deadline")
"""One of them stands in the sentence of every attempt that ended for a limit."""

_UNITS: dict[str, int] = {"byte": 1, "bytes": 1} | {
    f"{prefix}{binary}b": (1024 if binary else 1000) ** power
    for power, prefix in enumerate("kmgtpe", 1)
    for binary in ("", "i")
}
_MEMORY = r"more than the (?P<amount>[\d.]+)(?: (?P<unit>[kKMGTPE]i?B|bytes?))? of --memory"
_ROUNDING = 0.005
"""How far an amount of three digits may lie from what it stands for."""
# Attempts of older versions do not name the seconds.
_TIMEOUT = r"within the (?P<seconds>[\d.e+-]+) s of --timeout|not done by its deadline"


def over_memory(needed: int, memory: int) -> str:
    """The clause about a config that would take more bytes than it may."""
    taken, allowed = amount(needed), amount(memory)
    if taken == allowed:
        taken, allowed = f"{needed} bytes", f"{memory} bytes"
    return f"would take {taken}, more than the {allowed} of --memory"


def over_timeout(seconds: float, where: str) -> str:
    """The sentence about a config that took longer than it may; `where` says how far it came."""
    return f"it was not done within the {seconds:g} s of --timeout, {where}; raise it or make the config smaller"


def is_wider(limits: Limits, message: str) -> bool:
    """Whether an attempt that ended with `message` ended for a limit that is wider now."""
    if (found := re.search(_MEMORY, message)) is not None:
        before = float(found["amount"]) * _UNITS[(found["unit"] or "bytes").lower()]
        return limits.memory > before * (1 + _ROUNDING)
    if (found := re.search(_TIMEOUT, message)) is not None:
        if limits.timeout is None:
            return True
        return float(f"{limits.timeout:g}") > float(found["seconds"] or 0)
    return False
