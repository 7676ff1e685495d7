"""What configs are expected to cost against what they do: bytes and seconds of random configs, as histograms.

Bytes are the peak that Python's allocator sees in a thread that keeps nothing of earlier configs. Seconds are those of
the processor, in a thread that has run the config before, so that waiting for a busy machine does not count; what a
core does in a second is measured anew for each config, as it drifts where others use the machine too. Only configs of
10 MB to 1 GB, or of 3 ms to 2 s, as expected, are of interest: what is smaller is never refused, and costs little.
"""

import itertools
import math
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from benchmarks.memory import peak
from benchmarks.random_configs import random_config
from pipeline.blas import hold_one_thread
from pipeline.config import Config
from pipeline.gradient import cost, plan_of
from pipeline.gradient.erf import measure_heatmap

BYTES = 1e7, 1e9
SECONDS = 3e-3, 2.0
STEPS = (1 / 3, 1 / 2, 1 / 1.5, 1 / 1.2, 1.2, 1.5, 2, 3)
"""Borders of the histogram: measured / expected."""


def seconds(config: Config) -> float:
    """Processor time of a config's heatmap, the quickest of a few; the first binds its steps and does not count."""

    plan = plan_of(config)

    def measured() -> float:
        taken = []
        while len(taken) < 2 or (len(taken) < 4 and sum(taken) < 0.5):
            started = time.thread_time()
            measure_heatmap(config, plan)
            taken.append(time.thread_time() - started)
        return min(taken[1:])

    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(measured).result()


def histogram(ratios: list[float]) -> Counter[str]:
    """How many ratios, measured / expected, lie between which borders."""
    borders = [0.0, *STEPS, math.inf]
    names = [f"{low:.2g} to {high:.2g}" for low, high in itertools.pairwise(borders)]
    found = Counter(dict.fromkeys(names, 0))
    for ratio in ratios:
        found[names[sum(ratio >= border for border in STEPS)]] += 1
    return found


def main(count: int = 2000, first: int = 0) -> dict[str, dict[str, int]]:
    """Prints both histograms of the configs of `count` seeds, and returns them."""
    hold_one_thread()  # as workers do
    bytes_, times = [], []
    for seed in range(first, first + count):
        config = random_config(seed)
        plan = plan_of(config)
        cost.speed.cache_clear()
        room, spent = plan.working_set, plan.kernel_seconds
        if spent > SECONDS[1] or room > BYTES[1]:
            continue
        if room >= BYTES[0]:
            bytes_.append(peak(config) / room)
        if spent >= SECONDS[0]:
            times.append(seconds(config) / spent)
    found = {"bytes": histogram(bytes_), "seconds": histogram(times)}
    for what, counts in found.items():
        print(f"{what}, measured / expected, of {counts.total()} configs")
        for name, number in counts.items():
            print(f"  {name:14} {number:5} {'#' * round(60 * number / max(counts.total(), 1))}")
    return {what: dict(counts) for what, counts in found.items()}


if __name__ == "__main__":
    import sys

    main(*map(int, sys.argv[1:]))
