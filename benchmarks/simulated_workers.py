"""Hundreds of Dask workers in one process, whose configs take a known time and no processor.

python -m benchmarks.simulated_workers FILE COUNT LENGTH [--tls FOLDER]

Everything but the measuring is real: each worker has a connection, heartbeats and a thread of its own, is asked for its
versions, takes partitions and sends outcomes back that are as large as those of a measured `4x3x3` with 16 probes.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask
import msgspec
from distributed import Worker
from distributed.security import Security

import pipeline.task
from pipeline.config import encode
from pipeline.config.config import digest_of
from pipeline.graph import outcomes, partition
from pipeline.job import Job
from pipeline.limits import DEFAULT_MEMORY, Limits
from pipeline.result import Outcome
from pipeline.sweep.build import build

AT_ONCE = 25
"""Workers that start together: each takes 30 ms of this process, and their scheduler waits 30 s for an answer."""
SETTINGS = {
    "distributed.admin.system-monitor.interval": "60s",  # as many monitors as workers would read the same process
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.monitor-interval": "60s",
}


def outcome() -> Outcome:
    """A real outcome: that of `4x3x3` on 21x21 with 16 probes."""
    config = encode(build({"stem": "4x3x3", "input": 21}))
    (measured,) = outcomes(partition([Job(digest_of(config), config, 0.001)]), Limits(DEFAULT_MEMORY))
    return measured


def pretend(length: float) -> None:
    """Makes the tasks of this process take `length` seconds for each config, asleep."""
    pattern = outcome()

    def measure(digest: str, *_: object) -> str:
        return digest

    def collect(digests: Sequence[str]) -> list[Outcome]:
        began = time.time()
        time.sleep(length * len(digests))
        times = [began + number * length for number in range(len(digests) + 1)]
        return [
            msgspec.structs.replace(pattern, digest=digest, started=started, finished=finished)
            for digest, started, finished in zip(digests, times, times[1:], strict=False)
        ]

    pipeline.task.measure = measure  # type: ignore[assignment]
    pipeline.task.collect = collect  # type: ignore[assignment]


async def workers(file: str, count: int, security: Security, folder: str) -> None:
    """Starts so many workers and stays until the scheduler is gone."""
    same: dict[str, Any] = {"scheduler_file": file, "nthreads": 1, "memory_limit": 0, "local_directory": folder}
    same |= {"security": security, "host": f"{'tls' if security.require_encryption else 'tcp'}://127.0.0.1"}
    waiting = [Worker(**same, name=number) for number in range(count)]
    for first in range(0, count, AT_ONCE):
        await asyncio.gather(*waiting[first : first + AT_ONCE])
    await asyncio.gather(*(worker.finished() for worker in waiting))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_workers", description=__doc__)
    parser.add_argument("file", help="the scheduler's file")
    parser.add_argument("count", type=int)
    parser.add_argument("length", type=float, help="seconds that a config takes")
    parser.add_argument("--tls", type=Path, help="a folder with ca.pem, cert.pem and key.pem")
    arguments = parser.parse_args()
    pretend(arguments.length)
    security = Security()
    if arguments.tls:
        ca, cert, key = (str(arguments.tls / name) for name in ("ca.pem", "cert.pem", "key.pem"))
        security = Security(tls_ca_file=ca, tls_worker_cert=cert, tls_worker_key=key, require_encryption=True)
    folder = str(Path(arguments.file).parent)
    with dask.config.set(SETTINGS):
        asyncio.run(workers(arguments.file, arguments.count, security, folder))


if __name__ == "__main__":
    main()
