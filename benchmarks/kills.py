"""A sweep whose workers and driver are killed (-9) at random moments, against the same sweep left alone.

Repeats until so many kills have fallen; each run ends when its sweep is complete. Then every decoded heatmap and every
scalar must be the same, nothing lost, nothing twice, and no config `killed`.
"""

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from pipeline.arrays import unpack_curves, unpack_heatmap
from pipeline.result import Arrays

UNSTEADY = {"erf_seconds", "size_seconds", "cost", "attempts", "id"}
Content = dict[str, tuple[dict[str, object], bytes, bytes]]


def command(store: Path, configs: int) -> list[str]:
    """A sweep of configs of 20 ms and more."""
    erfsweep = str(Path(sys.executable).parent / "erfsweep")
    seeds = f"seed=range(0,{configs})"
    sweep = ["run", "22x3x3:16", "-s", "input=101", "-s", seeds, "--name", "kills", "--engine", "processes"]
    return [erfsweep, "--db", f"sqlite:///{store}", *sweep, "--format", "csv"]


def content(store: Path) -> Content:
    """Scalars and decoded arrays by digest."""
    with sqlite3.connect(store) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM results").fetchall()
        maps = connection.execute("SELECT c.digest, m.* FROM map m JOIN config c ON c.id = m.config_id").fetchall()
    found = {row["digest"]: Arrays(row["heatmap"], row["curves"], row["checksum"]) for row in maps}
    made: Content = {}
    for row in rows:
        scalars = {name: row[name] for name in row.keys() if name not in UNSTEADY}  # noqa: SIM118  # a row has no others
        arrays = found[row["digest"]]
        plane = row["height"], row["width"]
        curves = unpack_curves(arrays, sum(plane))
        made[row["digest"]] = (scalars, unpack_heatmap(arrays, plane).tobytes(), np.asarray(curves).tobytes())
    return made


def disturbed(store: Path, configs: int, kills: int, chance: random.Random) -> int:
    """Runs the sweep to its end under at most `kills` kills; how many fell."""
    fallen = 0
    while True:
        process = subprocess.Popen(command(store, configs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.1, 1.2))
            if process.poll() is None and fallen < kills:
                with suppress(psutil.Error, ProcessLookupError):
                    victims = [
                        process.pid,
                        *(child.pid for child in psutil.Process(process.pid).children(recursive=True)),
                    ]
                    victim = process.pid if chance.random() < 0.2 else chance.choice(victims)
                    os.kill(victim, signal.SIGKILL)
                    fallen += 1
        if process.returncode == 0:
            return fallen
        if process.returncode not in (-signal.SIGKILL, 4):
            raise SystemExit(f"a run ended with {process.returncode} after {fallen} kills")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        alone = Path(name) / "alone.db"
        started = time.perf_counter()
        subprocess.run(command(alone, arguments.configs), check=True, capture_output=True)
        print(f"left alone: {time.perf_counter() - started:.1f} s")
        expected = content(alone)
        fallen = runs = 0
        while fallen < arguments.kills:
            store = Path(name) / f"disturbed{runs}.db"
            started = time.perf_counter()
            fell = disturbed(store, arguments.configs, arguments.kills - fallen, chance)
            fallen, runs = fallen + fell, runs + 1
            found = content(store)
            same = sum(found.get(digest) == one for digest, one in expected.items())
            seconds = time.perf_counter() - started
            print(f"run {runs}: {fell} kills, {seconds:.1f} s, {same} of {len(expected)} the same, {len(found)} there")
            if found != expected:
                raise SystemExit("the results differ")


if __name__ == "__main__":
    main()
