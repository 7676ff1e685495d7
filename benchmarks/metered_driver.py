"""One driver as `erfsweep work --engine cluster` runs it, which says what each of its parts takes.

python -m benchmarks.metered_driver URL CONFIGS [--scheduler FILE --tls FOLDER --process NAME=PID ...]

Without a scheduler the loop is left out: configs are claimed and saved, with outcomes that are made up, as fast as the
store takes them. Prints a line of JSON. Rates and processor time are of the middle of the run, from a quarter of its
configs to three quarters; `whole` is from its start to its end. `lag` is the mean time in seconds from a worker's last
byte encoded to the outcomes decoded here, and `asleep` how many workers measured at a time, on average.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import text

from benchmarks.simulated_workers import outcome
from benchmarks.sweeps import peak_memory
from pipeline.engines import driving, wire
from pipeline.engines.cluster.address import Connection
from pipeline.engines.wire import Reply
from pipeline.graph import partitions
from pipeline.job import Job
from pipeline.result import Outcome
from pipeline.work import Settings, Summary, work
from pipeline.work.feed import SECONDS
from store.database.connection import Store
from store.database.opening import open_store
from store.queue.store_queue import StoreQueue

FIRST, LAST = 0.25, 0.75


def processor(pid: int) -> float:
    """Seconds of processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class MeteredQueue(StoreQueue):
    """A queue that adds up the processor time of its claims and saves, and reads all clocks at two moments."""

    def __init__(self, store: Store, configs: int, processes: dict[str, int]) -> None:
        super().__init__(store)
        self.meters = {"claim": 0.0, "save": 0.0}
        self.claims = self.saves = self.saved = self.replies = 0
        self.readings: list[dict[str, float]] = []
        self._store_of_server = None if store.address.is_sqlite else store
        self._marks = [FIRST * configs, LAST * configs]
        self._processes = processes

    def claim(self, seconds: float, least: int) -> list[Job]:
        """See `StoreQueue.claim`."""
        self.claims += 1
        return self._metered("claim", lambda: super(MeteredQueue, self).claim(seconds, least))

    def save(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """See `StoreQueue.save`."""
        self.saves += 1
        saved = self._metered("save", lambda: super(MeteredQueue, self).save(outcomes))
        self.saved += len(saved)
        while self._marks and self.saved >= self._marks[0]:
            self._marks.pop(0)
            self.readings.append(self._reading())
        return saved

    def _metered(self, name: str, call: Callable[[], Any]) -> Any:
        clock = time.thread_time()
        try:
            return call()
        finally:
            self.meters[name] += time.thread_time() - clock

    def _reading(self) -> dict[str, float]:
        found = {"clock": time.monotonic(), "configs": self.saved, "claims": self.claims, "saves": self.saves}
        found |= self.meters | {"main": time.thread_time(), "driver": time.process_time()}
        found |= {name: processor(pid) for name, pid in self._processes.items()}
        if self._store_of_server is not None:
            mine = text("SELECT pid FROM pg_stat_activity WHERE application_name = current_setting('application_name')")
            with self._store_of_server.read() as connection:
                found["server"] = sum(map(processor, connection.execute(mine).scalars()))
        return found


def drained(queue: MeteredQueue) -> None:
    """Claims and saves until nothing is left, in partitions as the loop makes them."""
    pattern = outcome()
    while jobs := queue.claim(SECONDS, 2):
        for each in partitions(jobs):
            queue.save([msgspec.structs.replace(pattern, digest=job.digest) for job in each.jobs])


def figures(queue: MeteredQueue, seconds: float, begun: dict[str, float], summary: Summary | None) -> dict[str, Any]:
    """What the run came to; `begun`: the clocks before it."""
    first, last = queue.readings
    configs = last["configs"] - first["configs"]
    spent = {name: last[name] - first[name] for name in first}
    spent["rest of the loop"] = spent["main"] - spent["claim"] - spent["save"]
    spent["network"] = spent["driver"] - spent["main"]
    micro = {name: 1e6 * value / configs for name, value in spent.items() if name not in COUNTS}
    found: dict[str, Any] = {
        "configs": queue.saved,
        "per second": configs / spent["clock"],
        "microseconds of processor": micro,
        "configs in a claim": configs / max(spent["claims"], 1),
        "configs in a save": configs / max(spent["saves"], 1),
        "whole": {"seconds": seconds, "driver": time.process_time() - begun["driver"]},
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
    }
    if summary is not None:
        found["configs in a partition"] = queue.saved / queue.replies
        found["lag"] = summary.times.moving / queue.replies
        found["asleep"] = summary.times.measuring / seconds
    return found


COUNTS = ("clock", "configs", "claims", "saves", "main")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.metered_driver", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("configs", type=int, help="how many this driver is expected to save")
    parser.add_argument("--scheduler", help="the scheduler's file")
    parser.add_argument("--tls", type=Path, help="a folder with ca.pem, cert.pem and key.pem")
    parser.add_argument("--process", action="append", default=[], metavar="NAME=PID", help="whose clock is read, too")
    arguments = parser.parse_args()
    processes = {name: int(pid) for name, pid in (each.split("=") for each in arguments.process)}
    store = open_store(arguments.url, create=False)
    queue = MeteredQueue(store, arguments.configs, processes)
    began, begun, summary = time.monotonic(), {"driver": time.process_time()}, None
    if arguments.scheduler is None:
        drained(queue)
    else:
        pems = [str(arguments.tls / name) for name in ("ca.pem", "cert.pem", "key.pem")] if arguments.tls else []
        connection = Connection(arguments.scheduler, *pems)

        def unpack(reply: bytes) -> Reply:
            queue.replies += 1
            return wire.unpack(reply)

        driving.unpack = unpack  # type: ignore[attr-defined]
        summary = work(queue, Settings(engine="cluster", connection=connection, wait=False))
    found = figures(queue, time.monotonic() - began, begun, summary)
    found["megabytes of others"] = {name: peak_memory(pid) / 1e6 for name, pid in processes.items()}
    store.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
