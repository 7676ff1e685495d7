"""The tasks of the graph: `measure` makes one config's heatmap, `collect` turns a partition's into outcomes.

Neither raises: whatever goes wrong with a config becomes its own failed outcome.
"""

import os
import socket
import threading
import time
import traceback
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipeline import arrays, blas
from pipeline.config import KERNEL_VERSION, Config, decode, digest_of
from pipeline.errors import ErfsweepError, InputError
from pipeline.gradient import check_memory, plan_of
from pipeline.gradient.erf import Heatmap, measure_heatmap
from pipeline.gradient.propagate import Timeout
from pipeline.limits import over_timeout
from pipeline.result import Failure, Outcome, OutcomeKind, Provenance, Result
from pipeline.sizes import curves, sample_of, sizes, theory_columns


class Measured(NamedTuple):
    """What `measure` hands to `collect`: the heatmap, or how it failed. Times are seconds since the epoch."""

    digest: str
    config: Config | None
    started: float
    seconds: float
    heatmap: Heatmap | None
    failure: Failure | None


def measure(digest: str, config: bytes, memory: int, timeout: float | None) -> Measured:
    """One config's heatmap, the one NumPy task of the graph. `memory` in bytes and `timeout` in seconds only refuse."""
    started, clock = time.time(), time.monotonic()
    decoded = None
    try:
        decoded = decode(config)
        _check_digest(digest, config)
        plan = plan_of(decoded)
        check_memory(decoded, plan, memory)
        heatmap = measure_heatmap(decoded, plan, None if timeout is None else clock + timeout)
        if heatmap.n_nan == decoded.probes.count:
            raise FloatingPointError("every probe gave a NaN or an infinity; scale the weights down")
        return Measured(digest, decoded, started, time.monotonic() - clock, heatmap, None)
    except Timeout as error:
        failure = Failure("Timeout", over_timeout(timeout or 0.0, str(error)))
    except Exception as error:  # noqa: BLE001  # anything that a config does is its own outcome
        failure = failure_of(error)
    return Measured(digest, decoded, started, time.monotonic() - clock, None, failure)


def _check_digest(digest: str, config: bytes) -> None:
    if digest_of(config) != digest:
        raise InputError(
            f"{digest[:12]} is not the digest of its config under kernel version {KERNEL_VERSION}: another version of "
            "erfsweep queued it; submit its sweep again"
        )


def collect(begun: list[Measured | None]) -> list[Outcome]:
    """The outcomes of a partition, sizes and curves computed for all of it at once; None: that one was not begun."""
    clock = time.monotonic()
    measured = [one for one in begun if one is not None]
    good: list[tuple[Measured, Config, Heatmap]] = []
    outcomes: dict[str, Outcome] = {}
    for one in measured:
        if one.config is not None and one.heatmap is not None:
            good.append((one, one.config, one.heatmap))
        else:
            outcomes[one.digest] = _outcome(one, None, one.failure)
    try:
        results = _results(good, clock)
    except Exception as error:  # noqa: BLE001  # no config may take the others of its partition along
        if len(good) == 1:
            outcomes[good[0][0].digest] = _outcome(good[0][0], None, failure_of(error))
        else:
            for one, _, _ in good:
                outcomes[one.digest] = collect([one])[0]
    else:
        for (one, _, _), result in zip(good, results, strict=True):
            outcomes[one.digest] = _outcome(one, result, None)
    return [outcomes[one.digest] for one in measured]


def _results(good: list[tuple[Measured, Config, Heatmap]], clock: float) -> list[Result]:
    samples = [
        sample_of(config, heatmap.inside, heatmap.n_nan, (heatmap.box.top, heatmap.box.left))
        for _, config, heatmap in good
    ]
    found_sizes, found_curves = sizes(samples), curves(samples)
    packed = [
        arrays.pack(sample.heatmap, curve, sample.corner, sample.plane)
        for sample, curve in zip(samples, found_curves, strict=True)
    ]
    share = (time.monotonic() - clock) / max(len(good), 1)
    return [
        Result(
            dead=curve is None,
            n_zero=heatmap.n_zero,
            n_nan=heatmap.n_nan,
            theory=theory_columns(config),
            sizes=size,
            provenance=Provenance(one.seconds, share, KERNEL_VERSION, np.__version__, blas.description()),
            arrays=bytes_,
        )
        for (one, config, heatmap), curve, size, bytes_ in zip(good, found_curves, found_sizes, packed, strict=True)
    ]


def _outcome(one: Measured, result: Result | None, failure: Failure | None) -> Outcome:
    kind: OutcomeKind = "done" if failure is None else "failed"
    return Outcome(one.digest, kind, one.started, one.started + one.seconds, worker_name(), result, failure)


def failure_of(error: BaseException) -> Failure:
    """What an attempt records of an error: its type, its message, and a traceback without locals."""
    shown = "" if isinstance(error, ErfsweepError) else "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), shown)


@lru_cache(maxsize=1)
def _host() -> str:
    return socket.gethostname()


def worker_name() -> str:
    """Host, process and, beside the main thread, the thread that this runs in."""
    thread = threading.current_thread()
    suffix = "" if thread is threading.main_thread() else f"/{thread.name}"
    return f"{_host()}:{os.getpid()}{suffix}"
