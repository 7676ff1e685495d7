"""Sweeps: configs a second with results stored, by engine, and the memory of the driving process.

Whole commands, as a user runs them: start-up, queueing, measuring, storing and the printed table are all inside. Each
round runs every engine once, in turn; figures are medians of the rounds.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS = 3
ENGINES = ("sync", "threads", "processes")
SMALL = {"stems": "[1x3x3, 2x3x3, 4x3x3, 1x9x9, 4x5x5]", "input": "21"}
LARGE = {"stems": '["20x3x3:16"]', "input": "101"}


class Run(NamedTuple):
    """One command: configs measured, seconds, and the peak memory of its own process in bytes."""

    configs: int
    seconds: float
    memory: int


def run(folder: Path, fields: dict[str, str], configs: int, engine: str) -> Run:
    """Measures a new sweep of about `configs` configs into a new store."""
    for leftover in folder.glob("sweep.*"):
        leftover.unlink()
    seeds = configs // (fields["stems"].count(",") + 1)
    lines = [
        "name: bench",
        *(f"{name}: {value}" for name, value in fields.items()),
        f"grid: {{seed: 'range(0,{seeds})'}}",
    ]
    (folder / "sweep.yaml").write_text("\n".join(lines))
    command = [str(Path(sys.executable).parent / "erfsweep"), "--db", "sqlite:///sweep.db"]
    subprocess.run([*command, "submit", "sweep.yaml"], cwd=folder, check=True, capture_output=True)
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "work", "bench", "--engine", engine],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    memory = 0
    while process.poll() is None:
        memory = max(memory, peak_memory(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{engine} ended with {process.returncode}")
    return Run(configs, time.perf_counter() - started, memory)


def peak_memory(pid: int) -> int:
    """The most memory that a running process has had resident, in bytes; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(lines[0][1]) if lines else 0


def rates(fields: dict[str, str], configs: int, rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Median rate and memory by engine, and the median of the rounds' ratios to `sync`."""
    taken: dict[str, list[Run]] = {engine: [] for engine in ENGINES}
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            for engine in ENGINES:
                taken[engine].append(run(Path(name), fields, configs, engine))
    return {
        engine: {
            "configs_per_second": statistics.median(one.configs / one.seconds for one in runs),
            "ratio_to_sync": statistics.median(
                base.seconds / one.seconds for one, base in zip(runs, taken["sync"], strict=True)
            ),
            "peak_megabytes": statistics.median(one.memory / 1e6 for one in runs),
        }
        for engine, runs in taken.items()
    }


def main(large: int = 100_000) -> dict[str, dict[str, dict[str, float]]]:
    """Prints the figures; `large` configs go once through processes, for rate and memory."""
    figures = {
        "10,000 small configs": rates(SMALL, 10_000),
        "10,000 small configs, 224x224": rates(SMALL | {"input": "224"}, 10_000),
        "2,000 configs of 10 ms": rates(LARGE, 2_000),
    }
    if large:
        with tempfile.TemporaryDirectory() as name:
            one = run(Path(name), SMALL, large, "processes")
        base = figures["10,000 small configs"]["processes"]["configs_per_second"]
        figures[f"{large:,} small configs"] = {
            "processes": {
                "configs_per_second": one.configs / one.seconds,
                "ratio_to_10,000": one.configs / one.seconds / base,
                "peak_megabytes": one.memory / 1e6,
            }
        }
    for what, engines in figures.items():
        for engine, found in engines.items():
            told = ", ".join(f"{name} {value:.2f}" for name, value in found.items())
            print(f"{what:<30} {engine:<10} {told}")
    return figures


if __name__ == "__main__":
    main(int(os.environ.get("ERFSWEEP_BENCH_LARGE", "100000")))
