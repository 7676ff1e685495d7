"""A sweep whose drivers and workers are killed (-9) at random moments, against the same sweep left alone.

Repeats until so many kills have fallen; each run ends when its sweep is complete. Then every decoded heatmap and every
scalar must be the same, nothing lost, nothing twice, and no attempt of any config `failed` or `killed`.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import func, select

from benchmarks.fresh_store import fresh_store
from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.result import Arrays
from store.database.opening import open_store
from store.database.schema import attempt, map_
from store.database.schema import config as config_table
from store.database.schema import result as result_table

UNSTEADY = {"id", "config_id", "json", "cost", "attempts", "owner", "lease_until", "erf_seconds", "size_seconds"}
"""Columns that two measurements of one config need not share."""
LONGEST = 1.5
"""Seconds between two kills, at most: a driver with nothing to load begins to measure after half of them."""
ERFSWEEP = str(Path(sys.executable).parent / "erfsweep")

Content = dict[str, tuple[dict[str, object], bytes, bytes]]


def erfsweep(url: str, *words: str) -> list[str]:
    """The command line of `erfsweep` on a store."""
    return [ERFSWEEP, "--db", url, *words]


def submit(url: str, configs: int) -> None:
    """Queues configs of 20 ms and more."""
    sweep = ["22x3x3:16", "-s", "input=101", "-s", f"seed=range(0,{configs})", "--name", "kills"]
    subprocess.run(erfsweep(url, "submit", *sweep), check=True, capture_output=True)


def content(url: str) -> Content:
    """Scalars and decoded arrays of every measured config, by digest."""
    store = open_store(url, create=False)
    measured = config_table.join(result_table, result_table.c.config_id == config_table.c.id)
    joined = measured.join(map_, map_.c.config_id == config_table.c.id)
    columns = {column.name: column for table in (config_table, result_table, map_) for column in table.c}
    with store.read() as connection:
        rows = connection.execute(select(*columns.values()).select_from(joined)).mappings().all()
    store.close()
    made: Content = {}
    for row in rows:
        arrays = Arrays(row["heatmap"], row["curves"], row["checksum"])
        scalars = {name: row[name] for name in columns if name not in UNSTEADY | {*Arrays.__struct_fields__}}
        plane = row["height"], row["width"]
        curves = np.asarray(unpack_curves(arrays, sum(plane)))
        made[row["digest"]] = (scalars, unpack_heatmap(arrays, plane).tobytes(), curves.tobytes())
    return made


def attempts(url: str) -> dict[str, int]:
    """How many attempts ended how."""
    store = open_store(url, create=False)
    with store.read() as connection:
        found = connection.execute(select(attempt.c.outcome, func.count()).group_by(attempt.c.outcome)).all()
    store.close()
    return dict(found)


class Writers:
    """So many `erfsweep work` on one store; one that was killed, or that lost its workers to kills, is started anew."""

    def __init__(self, url: str, count: int, engine: str) -> None:
        self._command = erfsweep(url, "work", "kills", "--engine", engine)
        self._running = [self._start() for _ in range(count)]

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def go_on(self) -> bool:
        """Whether any still works. Raises SystemExit for one that ended in a way that no kill explains."""
        for place, process in enumerate(self._running):
            if process.poll() in (-signal.SIGKILL, 4):
                process.communicate()
                self._running[place] = self._start()
            elif process.poll():
                raise SystemExit(f"a writer ended with {process.returncode}: {process.communicate()[1]}")
        return any(process.poll() is None for process in self._running)

    def kill_one(self, chance: random.Random) -> bool:
        """Kills a driver, in one case of five, or any process of one; whether there was one."""
        with suppress(psutil.Error, ProcessLookupError):
            driver = psutil.Process(chance.choice([each.pid for each in self._running if each.poll() is None]))
            victims = [driver, *driver.children(recursive=True)]
            victim = driver if chance.random() < 0.2 else chance.choice(victims)
            os.kill(victim.pid, signal.SIGKILL)
            return True
        return False

    def stop(self) -> None:
        """Ends what still runs."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
            process.communicate()


def disturbed(url: str, configs: int, kills: int, writers: int, engine: str, chance: random.Random) -> int:
    """Works the sweep off under at most `kills` kills; how many fell."""
    submit(url, configs)
    fallen = 0
    working = Writers(url, writers, engine)
    try:
        due = time.monotonic() + chance.uniform(0.1, LONGEST)
        while working.go_on():
            time.sleep(0.02)
            if fallen < kills and time.monotonic() > due:
                fallen += working.kill_one(chance)
                due = time.monotonic() + chance.uniform(0.1, LONGEST)
    finally:
        working.stop()
    return fallen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--configs", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--writers", type=int, default=1, help="`erfsweep work` processes that share the sweep")
    parser.add_argument("--engine", default="processes")
    parser.add_argument("--server", metavar="URL", help="a PostgreSQL server where databases may be made, not SQLite")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        with fresh_store(None, folder) as url:
            submit(url, arguments.configs)
            started = time.perf_counter()
            subprocess.run(erfsweep(url, "work", "kills"), check=True, capture_output=True)
            print(f"left alone: {time.perf_counter() - started:.1f} s")
            expected = content(url)
        fallen = runs = 0
        while fallen < arguments.kills:
            with fresh_store(arguments.server, folder) as url:
                started = time.perf_counter()
                left = arguments.kills - fallen
                fell = disturbed(url, arguments.configs, left, arguments.writers, arguments.engine, chance)
                fallen, runs = fallen + fell, runs + 1
                found, ended = content(url), attempts(url)
            same = sum(found.get(digest) == one for digest, one in expected.items())
            seconds = time.perf_counter() - started
            print(
                f"run {runs}: {fell} kills, {seconds:.1f} s, {same} of {len(expected)} the same, {len(found)} there, "
                f"attempts {ended}",
                flush=True,
            )
            if found != expected or ended != {"done": len(expected)}:
                raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
