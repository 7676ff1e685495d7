"""Peak memory of measuring a config, as it is and the direct way: columns unfolded, and nothing kept."""

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import scipy.special  # noqa: F401  # as a smooth activation in float64 does: the module is no part of a config

from pipeline.config import Config
from pipeline.draws import images, probes
from pipeline.draws.files import probe_file, weight_file
from pipeline.gradient import cache, plan_of
from pipeline.gradient.erf import measure_heatmap
from pipeline.ops import conv
from pipeline.ops.choice import Shape, Way, is_dilated
from pipeline.stem import Axis


def peaks(config: Config) -> dict[str, int]:
    """Bytes at most, of the chosen ways and of the direct one, in a thread that keeps nothing of earlier configs."""
    chosen = peak(config)
    with _direct():
        return {"chosen": chosen, "direct": peak(config)}


def peak(config: Config) -> int:
    plan = plan_of(config)  # made once for all configs of a stem, and no part of it
    for read in (weight_file, probe_file, probes._images, probes._original, images._packed):
        read.cache_clear()  # a worker reads files, and prepares probes, when it measures the first config

    def measured() -> int:
        tracemalloc.start()
        try:
            for _ in range(2):  # the second finds what the first has kept
                measure_heatmap(config, plan)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with ThreadPoolExecutor(1) as fresh:
        return fresh.submit(measured).result()


@contextmanager
def _direct() -> Iterator[None]:
    def unfolded(shape: Shape, y: Axis, across: Axis, *_: Any) -> Way:
        return "phases" if is_dilated(y, across) else "unfolded"

    ways = [patch.object(conv, name, unfolded) for name in ("forward_way", "vjp_way")]
    with ways[0], ways[1], patch.object(cache, "LARGEST", -1):
        yield
