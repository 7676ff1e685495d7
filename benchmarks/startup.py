"""Start-up: whole commands as processes, against the bare imports of the libraries they rest on.

The commands are those beside this Python, installed and compiled. Each round runs every command once, in turn, so that
a machine whose speed drifts treats all alike; figures are medians, and medians of ratios round by round.
"""

import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORTS = "import numpy, dask.threaded, sqlalchemy.orm, typer, msgspec, rich.progress"
ROUNDS = 15
RESULTS = 100_000


def seconds(command: list[str], folder: Path) -> float:
    """Wall-clock seconds of one process."""
    for leftover in folder.glob("new.db*"):
        leftover.unlink()
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def large_store(path: Path) -> None:
    """A store of 100,000 results: one that was measured, copied under other digests and seeds."""
    command = [str(Path(sys.executable).parent / "erfsweep"), "--db", f"sqlite:///{path}"]
    subprocess.run([*command, "run", "4x3x3", "--name", "large"], check=True, capture_output=True)
    with sqlite3.connect(path) as connection:
        for table in ("config", "sweep_config", "attempt", "result"):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            row = dict(zip(columns, connection.execute(f"SELECT * FROM {table}").fetchone(), strict=True))
            marks = ", ".join("?" for _ in columns)
            rows = (tuple(_varied(row, number).values()) for number in range(2, RESULTS + 1))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.close()


def _varied(row: dict[str, object], number: int) -> dict[str, object]:
    changes: dict[str, object] = {"config_id": number, "seed": number, "position": number - 1}
    if "digest" in row:
        changes |= {"id": number, "digest": f"{number:064x}"}
    return {name: changes.get(name, value) for name, value in row.items()}


def measure(rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Medians of seconds, and of the ratio to the bare imports, by command."""
    erfsweep = str(Path(sys.executable).parent / "erfsweep")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large_store(folder / "large.db")
        large = [erfsweep, "--db", "sqlite:///large.db"]
        commands = {
            "bare imports": [sys.executable, "-c", IMPORTS],
            "erfsweep run, new store": [erfsweep, "--db", "sqlite:///new.db", "run"],
            "erfsweep --help": [erfsweep, "--help"],
            "erfsweep status, 100,000 results": [*large, "status"],
            "erfsweep table --limit 20, 100,000 results": [*large, "table", "--limit", "20"],
        }
        taken: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(rounds + 1):
            for what, command in commands.items():
                taken[what].append(seconds(command, folder))
    bare = taken["bare imports"][1:]
    return {
        what: {
            "seconds": statistics.median(times[1:]),
            "ratio": statistics.median(mine / base for mine, base in zip(times[1:], bare, strict=True)),
        }
        for what, times in taken.items()
    }


def main() -> dict[str, dict[str, float]]:
    """Prints the figures."""
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        print("PYTHONDONTWRITEBYTECODE is set: packages that were not compiled at install start slowly")
    figures = measure()
    for what, found in figures.items():
        print(f"{what:<45} {found['seconds']:7.3f} s   {found['ratio']:5.2f} of the bare imports")
    return figures


if __name__ == "__main__":
    main()
