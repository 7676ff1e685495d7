"""The kernel against a user's alternatives, on eleven plain stems and four with branches, one thread each.

Inside the timing: from probes and weights, drawn beforehand and the same for all, to the gradient of one unit by the
input. `sweep` is what a user of a sweep pays, `measure_heatmap` from config to heatmap: drawing the weights and the sum
over probes included, while the probes, which the seeds of a sweep share, are drawn once. `wide` is the same on a plane
four times as high and as wide, and `cost` what was expected of it beforehand. `biased` is the kernel with a bias for
each feature of each convolution, as trained networks have. `limit` is the time that the multiply-adds of the cone,
forward and back, would take at the rate of one large matrix product. Rounds go through all peers in turn, so that a
machine whose speed drifts treats all alike; figures are medians.
"""

import importlib.util
import statistics
import time
from collections.abc import Callable
from math import exp, log
from typing import Any

import numpy as np
import threadpoolctl

from benchmarks.memory import peaks
from benchmarks.workloads import BRANCHED, STEMS, Workload, workload
from pipeline.gradient import plan_of
from pipeline.gradient.cost import multiply_adds
from pipeline.gradient.erf import input_gradient, measure_heatmap, step_parameters

SIDE = 1024
"""Side of the square matrices whose product sets the limit."""
SAMPLE = 0.05
"""Seconds that one sample lasts at least; quicker peers are repeated inside it, as configs follow one another."""
BUDGET = 12.0
"""Seconds that a peer may take in all; slower ones get fewer rounds, but three at least."""
ROUNDS = 25

Peer = Callable[[], Any]


def peers(one: Workload) -> dict[str, Peer]:
    """What is timed, by name."""
    config, widened, wide = one.config, one.widened, plan_of(one.widened)
    dtype = np.dtype(config.dtype)
    parameters = step_parameters(one.plan.cone.steps, one.weights, dtype)
    biased = step_parameters(one.plan.cone.steps, one.trained, dtype)
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    found: dict[str, Peer] = {
        "sgemm": lambda: a @ a,
        "kernel": lambda: input_gradient(one.plan.cone, config.readout, one.probes, parameters, None),
        "biased": lambda: input_gradient(one.plan.cone, config.readout, one.probes, biased, None),
        "sweep": lambda: measure_heatmap(config, one.plan),
        "wide": lambda: measure_heatmap(widened, wide),
    }
    if importlib.util.find_spec("torch"):
        from benchmarks import torch_peer

        found |= torch_peer.peers(one)
    if importlib.util.find_spec("jax") and one.is_valid:
        from benchmarks import jax_peer

        found["jax"] = jax_peer.cropped(one)
    return found


def seconds(timed: dict[str, Peer]) -> dict[str, float]:
    """Median seconds of each peer over interleaved rounds."""
    repeats, left = {}, {}
    for name, peer in timed.items():
        _sample(peer, 1)  # the first call compiles, or makes what later ones reuse
        count = 1
        while (once := _sample(peer, count)) * count < SAMPLE / 2:
            count *= 2
        repeats[name] = max(1, round(SAMPLE / once))
        left[name] = int(min(ROUNDS, max(3, BUDGET / (once * repeats[name]))))
    samples: dict[str, list[float]] = {name: [] for name in timed}
    while any(left.values()):
        for name, peer in timed.items():
            if left[name]:
                samples[name].append(_sample(peer, repeats[name]))
                left[name] -= 1
    return {name: statistics.median(taken) for name, taken in samples.items()}


def _sample(peer: Peer, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        peer()
    return (time.perf_counter() - started) / repeats


def row(stem: str, plane: str, count: int, seed: int) -> dict[str, Any]:
    """Times and ratios of one stem; peers that are not installed are None."""
    one = workload(stem, plane, count, seed)
    took = seconds(peers(one))
    layouts = [took[name] for name in ("cropped", "cropped, channels last") if name in took]
    limit = multiply_adds(one.plan.cone) * count / (SIDE**3 / took["sgemm"])
    kernel = took["kernel"]
    cropped, whole, jax = min(layouts, default=None), took.get("whole plane"), took.get("jax")
    memory = peaks(one.config)
    expected, needed = one.plan.kernel_seconds, one.plan.working_set
    return {
        "stem": stem,
        "plane": plane,
        "probes": count,
        "window": one.plan.cone.box.height,
        "seconds": took,
        "limit": limit,
        "cropped": cropped,
        "expected": expected,
        "bytes": needed,
        "peak": memory,
        "kernel / limit": kernel / limit,
        "cropped / kernel": cropped / kernel if cropped else None,
        "whole plane / kernel": whole / kernel if whole else None,
        "jax / kernel": jax / kernel if jax else None,
        "biased / kernel": took["biased"] / kernel,
        "wide / sweep": took["wide"] / took["sweep"],
        "memory / direct": memory["chosen"] / memory["direct"],
        "expected / sweep": expected / took["sweep"],
        "bytes / memory": needed / memory["chosen"],
    }


def main() -> list[dict[str, Any]]:
    """Prints the table."""
    columns = (
        "kernel",
        "sweep",
        "limit",
        "cropped",
        "jax",
        "whole",
        "k/limit",
        "cropped/k",
        "jax/k",
        "whole/k",
        "biased/k",
        "wide/sweep",
        "mem/direct",
        "cost: time",
        "memory",
    )
    print(f"{'milliseconds':<38}" + "".join(f"{name:>11}" for name in columns))
    rows = []
    with threadpoolctl.threadpool_limits(1):
        for stem, plane, count, seed in (*STEMS, *BRANCHED):
            rows.append(row(stem, plane, count, seed))
            print(_line(rows[-1]), flush=True)
    for what, some in (("plain", rows[: len(STEMS)]), ("branched", rows[len(STEMS) :])):
        ratios = [found["cropped / kernel"] for found in some if found["cropped / kernel"]]
        if ratios:
            print(f"geometric mean of cropped / kernel, {what} stems: {exp(sum(map(log, ratios)) / len(ratios)):.2f}")
    return rows


def _line(found: dict[str, Any]) -> str:
    took = found["seconds"]
    times = [took["kernel"], took["sweep"], found["limit"], found["cropped"], took.get("jax"), took.get("whole plane")]
    ratios = [found[f"{what} / kernel"] for what in ("cropped", "jax", "whole plane")]
    ratios += [
        found[what]
        for what in ("biased / kernel", "wide / sweep", "memory / direct", "expected / sweep", "bytes / memory")
    ]
    cells = ["" if time is None else f"{time * 1e3:.3f}" for time in times]
    cells += ["" if ratio is None else f"{ratio:.2f}" for ratio in (found["kernel / limit"], *ratios)]
    return f"{found['stem'][:37]:<38}" + "".join(f"{cell:>11}" for cell in cells)


if __name__ == "__main__":
    main()
